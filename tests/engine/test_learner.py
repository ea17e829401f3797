import copy
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from medseg.core.errors import TrainingError
from medseg.engine.batches import Batch
from medseg.engine.device import Precision
from medseg.engine.losses import build_loss


def make_batch(size: int = 2, *, seed: int = 0, value: float | None = None) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    image = torch.randn(size, 1, 8, 8, 8, generator=generator)
    if value is not None:
        image[0, 0, 0, 0, 0] = value
    label = torch.randint(0, 3, (size, 1, 8, 8, 8), generator=generator).byte()
    return Batch(image, label, tuple(f"S{n}" for n in range(size)))


class Plain(nn.Module):
    """No dropout and no batch statistics: parts of a batch add up."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv3d(1, 3, 3, padding=1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.conv(image)
        return logits


def plain(tiny: SimpleNamespace, part: str = "engine", **values):
    torch.manual_seed(0)
    return tiny.learner(tiny.change(part, **values) if values else tiny.recipe, Plain())


def weights(learner) -> dict[str, torch.Tensor]:
    return copy.deepcopy(learner.network.state_dict())


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def test_a_step_lowers_the_loss_of_its_batch(tiny: SimpleNamespace) -> None:
    learner, batch = plain(tiny), make_batch()
    losses = [learner.train_on(batch, lr=0.01, weight=1.0, last=False) for _ in range(20)]
    assert losses[-1] < losses[0]


def test_sgd_takes_the_step_that_torch_takes(tiny: SimpleNamespace) -> None:
    recipe = tiny.change("optimizer", name="sgd", momentum=0.0, weight_decay=0.0)
    recipe = type(recipe)(**{**vars(recipe), "engine": tiny.change("engine", clip_norm=0.0, ema=0.0).engine})
    learner, batch = tiny.learner(recipe, Plain()), make_batch()
    network = copy.deepcopy(learner.network)
    build_loss(recipe.loss)(network(batch.image), batch.label).backward()
    learner.train_on(batch, lr=0.5, weight=1.0, last=False)
    for ours, reference in zip(learner.network.parameters(), network.parameters(), strict=True):
        assert torch.allclose(ours, reference - 0.5 * reference.grad, atol=1e-7)


def test_no_learning_rate_changes_nothing(tiny: SimpleNamespace) -> None:
    learner = plain(tiny)
    before = weights(learner)
    learner.train_on(make_batch(), lr=0.0, weight=1.0, last=False)
    assert same(weights(learner), before)


def test_accumulated_batches_make_the_step_of_one_large_batch(tiny: SimpleNamespace) -> None:
    large = make_batch(4)
    halves = [Batch(large.image[part], large.label[part], large.studies[part]) for part in (slice(2), slice(2, 4))]
    one, two = plain(tiny, accumulate=1, ema=0.0), plain(tiny, accumulate=2, ema=0.0)
    one.train_on(large, lr=0.01, weight=1.0, last=False)
    before = weights(two)
    two.train_on(halves[0], lr=0.01, weight=1.0, last=False)
    assert not two.settled
    assert same(weights(two), before)
    two.train_on(halves[1], lr=0.01, weight=1.0, last=False)
    assert two.settled
    for key, value in weights(one).items():
        assert torch.allclose(value, weights(two)[key], atol=1e-6)


def test_the_end_of_an_epoch_leaves_nothing_accumulated(tiny: SimpleNamespace) -> None:
    learner = plain(tiny, accumulate=4)
    before = weights(learner)
    learner.train_on(make_batch(), lr=0.01, weight=1.0, last=True)
    assert learner.settled
    assert not same(weights(learner), before)


def test_gradients_are_clipped_to_the_norm(tiny: SimpleNamespace) -> None:
    recipe = tiny.change("optimizer", name="sgd", momentum=0.0, weight_decay=0.0)
    recipe = type(recipe)(**{**vars(recipe), "engine": tiny.change("engine", clip_norm=0.01, ema=0.0).engine})
    learner = tiny.learner(recipe, Plain())
    before = weights(learner)
    learner.train_on(make_batch(), lr=1.0, weight=1.0, last=False)
    moved = torch.cat([(weights(learner)[key] - before[key]).flatten() for key in before])
    assert float(moved.norm()) == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_names_the_studies(value: float, tiny: SimpleNamespace) -> None:
    learner = plain(tiny)
    before = weights(learner)
    with pytest.raises(TrainingError, match=r"The loss became nan on studies S0, S1\. Look at these files, or lower"):
        learner.train_on(make_batch(value=value), lr=0.1, weight=1.0, last=False)
    assert same(weights(learner), before)


def test_a_gradient_that_is_not_finite_names_all_studies_it_came_from(tiny: SimpleNamespace) -> None:
    learner, batch = plain(tiny, accumulate=2), make_batch()
    learner.network.conv.weight.register_hook(lambda gradient: gradient + float("nan"))
    learner.train_on(Batch(batch.image, batch.label, ("A", "B")), lr=0.1, weight=1.0, last=False)
    with pytest.raises(TrainingError, match=r"The gradient became nan on studies A, B, S0, S1\. Look at these files"):
        learner.train_on(batch, lr=0.1, weight=1.0, last=False)


@pytest.mark.parametrize("clip_norm", [0.0, 1.0])
@pytest.mark.parametrize("value", ["nan", "inf"])
def test_no_step_is_taken_on_a_gradient_that_is_not_finite(value: str, clip_norm: float, tiny: SimpleNamespace) -> None:
    learner = plain(tiny, clip_norm=clip_norm)
    learner.network.conv.weight.register_hook(lambda gradient: gradient + float(value))
    before = weights(learner)
    with pytest.raises(TrainingError, match=rf"The gradient became {value} on studies S0, S1\. Look at these files"):
        learner.train_on(make_batch(), lr=0.1, weight=1.0, last=False)
    assert same(weights(learner), before)


def test_in_bf16_an_image_shorter_than_the_kernel_computes_in_fp32(tiny: SimpleNamespace) -> None:
    learner = tiny.learner(tiny.recipe, Plain(), precision=Precision("bf16", "cpu"))
    with learner.precision.autocast():
        assert learner.module(torch.randn(1, 1, 2, 2, 2)).dtype == torch.float32
        assert learner.module(torch.randn(1, 1, 3, 3, 3)).dtype == torch.bfloat16


@pytest.mark.parametrize(("ema", "shares"), [(0.2, [2 / 11, 0.2, 0.2]), (0.99, [2 / 11, 3 / 12, 4 / 13])])
def test_the_average_follows_the_weights_faster_at_first(
    tiny: SimpleNamespace, ema: float, shares: list[float]
) -> None:
    learner = plain(tiny, ema=ema)
    learner.train_on(make_batch(seed=0), lr=0.05, weight=1.0, last=False)
    expected = weights(learner)["conv.weight"]
    for n, kept in enumerate(shares, start=1):
        learner.train_on(make_batch(seed=n), lr=0.05, weight=1.0, last=False)
        expected = kept * expected + (1.0 - kept) * weights(learner)["conv.weight"]
    assert torch.allclose(learner.judged.conv.weight, expected, atol=1e-6)
    assert not torch.equal(learner.judged.conv.weight, learner.network.conv.weight)


def test_without_an_average_the_network_itself_is_judged(tiny: SimpleNamespace) -> None:
    learner = plain(tiny, ema=0.0)
    assert learner.judged is learner.network
    assert learner.state()["average"] is None


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_a_restored_learner_goes_on_bit_for_bit(name: str, tiny: SimpleNamespace) -> None:
    learner, other = plain(tiny, "optimizer", name=name), plain(tiny, "optimizer", name=name)
    for n in range(3):
        learner.train_on(make_batch(seed=n), lr=0.01, weight=1.0, last=False)
    other.restore(copy.deepcopy(learner.state()))
    for one in (learner, other):
        one.train_on(make_batch(seed=9), lr=0.01, weight=1.0, last=False)
    assert same(weights(learner), weights(other))
    assert same(learner.average.state_dict(), other.average.state_dict())


def test_weights_are_saved_without_prefixes(tiny: SimpleNamespace) -> None:
    assert set(plain(tiny).state()["network"]) == {"conv.weight", "conv.bias"}


def test_channels_last_gives_the_same_loss(tiny: SimpleNamespace) -> None:
    torch.manual_seed(0)
    one = plain(tiny)
    torch.manual_seed(0)
    other = tiny.learner(tiny.recipe, Plain(), channels_last=True)
    assert other.network.conv.weight.is_contiguous(memory_format=torch.channels_last_3d)
    losses = [one_.train_on(make_batch(), lr=0.01, weight=1.0, last=False) for one_ in (one, other)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_bf16_trains_with_weights_in_fp32(tiny: SimpleNamespace) -> None:
    torch.manual_seed(0)
    learner = tiny.learner(tiny.recipe, Plain(), precision=Precision("bf16", "cpu"))
    losses = [learner.train_on(make_batch(), lr=0.01, weight=1.0, last=False) for _ in range(20)]
    assert losses[-1] < losses[0]
    assert learner.network.conv.weight.dtype == torch.float32

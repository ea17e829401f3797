from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from monai.losses import DiceCELoss

from medseg.core.errors import ConfigError
from medseg.core.recipe import LossRecipe
from medseg.engine.losses import build_loss

SINGLE = LossRecipe(1.0, 1.0, False, (1.0,))


def example(seed: int = 0, size: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, 3, size, size, size, generator=generator)
    return logits, torch.randint(0, 3, (2, 1, size, size, size), generator=generator).byte()


@pytest.mark.parametrize(("dice", "cross_entropy", "batch"), [(1.0, 1.0, False), (0.5, 2.0, True), (1.0, 0.0, False)])
def test_one_output_gives_monais_dice_and_cross_entropy(dice: float, cross_entropy: float, batch: bool) -> None:
    logits, label = example()
    monai = DiceCELoss(
        include_background=False, to_onehot_y=True, softmax=True, batch=batch, lambda_dice=dice, lambda_ce=cross_entropy
    )
    ours = build_loss(LossRecipe(dice, cross_entropy, batch, (1.0, 0.5)))
    assert torch.allclose(ours(logits, label), monai(logits, label))


def test_the_dice_part_is_the_formula_of_milletari() -> None:
    logits, label = example()
    share, truth = logits.softmax(1)[:, 1:], F.one_hot(label[:, 0].long(), 3).movedim(-1, 1)[:, 1:]
    overlap = (share * truth).sum((2, 3, 4))
    dice = 1 - (2 * overlap + 1e-5) / (share.sum((2, 3, 4)) + truth.sum((2, 3, 4)) + 1e-5)
    assert torch.allclose(build_loss(LossRecipe(1.0, 0.0, False, (1.0,)))(logits, label), dice.mean())


def test_outputs_as_a_list_or_stacked_are_one_and_the_same() -> None:
    heads, label = [example(n)[0] for n in range(3)], example()[1]
    loss = build_loss(LossRecipe(1.0, 1.0, False, (1.0, 0.5, 0.25)))
    assert torch.allclose(loss(torch.stack(heads, dim=1), label), loss(heads, label))
    assert torch.allclose(loss(tuple(heads), label), loss(heads, label))


def test_outputs_are_weighted_the_finest_first() -> None:
    heads, label = [example(n)[0] for n in range(2)], example()[1]
    single = build_loss(SINGLE)
    expected = (1.0 * single(heads[0], label) + 0.5 * single(heads[1], label)) / 1.5
    assert torch.allclose(build_loss(LossRecipe(1.0, 1.0, False, (1.0, 0.5)))(heads, label), expected)


def test_a_coarse_output_meets_the_label_at_its_own_size() -> None:
    (fine, label), coarse = example(), example(size=4)[0]
    loss = build_loss(LossRecipe(1.0, 1.0, False, (0.0, 1.0)))
    every_second = F.interpolate(label.float(), size=(4, 4, 4), mode="nearest-exact")
    assert torch.allclose(loss([fine, coarse], label), build_loss(SINGLE)(coarse, every_second))
    assert set(every_second.unique().tolist()) <= {0.0, 1.0, 2.0}


def test_a_network_with_fewer_outputs_in_evaluation_uses_the_first_weights() -> None:
    logits, label = example()
    assert torch.allclose(
        build_loss(LossRecipe(1.0, 1.0, False, (1.0, 0.5)))(logits, label), build_loss(SINGLE)(logits, label)
    )


def test_more_outputs_than_weights_are_refused_with_both_numbers() -> None:
    logits, label = example()
    with pytest.raises(ConfigError, match=r"deep_supervision has 1 weight\(s\); the network gives 2 outputs"):
        build_loss(SINGLE)([logits, logits], label)


def test_a_patch_without_foreground_has_a_finite_loss_and_gradient() -> None:
    logits, _ = example()
    logits.requires_grad_()
    loss = build_loss(SINGLE)(logits, torch.zeros(2, 1, 8, 8, 8, dtype=torch.uint8))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()


def test_half_precision_outputs_are_compared_in_fp32() -> None:
    logits, label = example()
    assert build_loss(SINGLE)(logits.bfloat16(), label).dtype == torch.float32


def test_slices_of_a_2d_network_are_compared_too() -> None:
    logits, label = example()
    heads = torch.stack([logits[..., 0], logits[..., 1]], dim=1)
    loss = build_loss(LossRecipe(1.0, 1.0, False, (1.0, 1.0)))
    single = build_loss(SINGLE)
    expected = (single(logits[..., 0], label[..., 0]) + single(logits[..., 1], label[..., 0])) / 2
    assert torch.allclose(loss(heads, label[..., 0]), expected)


def test_a_step_against_the_gradient_lowers_the_loss(tiny: SimpleNamespace) -> None:
    logits, label = example()
    logits.requires_grad_()
    loss = build_loss(tiny.recipe.loss)
    before = loss(logits, label)
    before.backward()
    assert loss(logits.detach() - 100 * logits.grad, label) < before


def test_outputs_without_any_weight_are_refused() -> None:
    logits, label = example()
    with pytest.raises(ConfigError, match=r"\[0\.0, 1\.0\] gives no weight to the 1 output"):
        build_loss(LossRecipe(1.0, 1.0, False, (0.0, 1.0)))(logits, label)

import itertools
from collections.abc import Callable

import pytest
import torch
from monai.inferers import Inferer, SimpleInferer, SliceInferer, SlidingWindowInferer
from torch import nn

from medseg.engine.averaging import Member, averaged_logits, mean_probabilities, mirrorings
from medseg.engine.device import Precision
from medseg.engine.scoring import predict_classes

CPU = {"device": torch.device("cpu"), "precision": Precision("fp32", "cpu")}
SHAPE = (9, 11, 10)
SMALL_WINDOW = SlidingWindowInferer(6, overlap=0.5, mode="gaussian")


def _network(seed: int, conv: Callable[..., nn.Module] = nn.Conv3d) -> nn.Module:
    """Logits (3 classes) that are another for each mirror image."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(conv(1, 4, 3, padding=1), nn.ReLU(), conv(4, 3, 3, padding=1))


def _member(seed: int, inferer: Inferer = SMALL_WINDOW) -> Member:
    return Member(_network(seed), inferer)


def _image(shape: tuple[int, ...] = SHAPE) -> torch.Tensor:
    return torch.randn(1, *shape, generator=torch.Generator().manual_seed(1)) * 3


def test_one_network_without_mirror_images_gives_its_own_logits_bit_for_bit() -> None:
    member, image = _member(0), _image()
    alone = predict_classes(image, member.network, member.inferer, **CPU)
    assert torch.equal(averaged_logits(image, [member], **CPU), alone)
    assert torch.equal(averaged_logits(image, [member], (), **CPU), alone)


def test_networks_with_windows_of_their_own_are_averaged_as_by_hand() -> None:
    members, image = [_member(0), _member(1, SimpleInferer()), _member(2)], _image()
    by_hand = torch.zeros(3, *SHAPE, dtype=torch.float64)
    with torch.inference_mode():
        for member in members:
            by_hand += torch.softmax(member.inferer(image[None], member.network)[0].double(), 0) / 3
    found = mean_probabilities(image, members, **CPU)
    assert torch.allclose(found.double(), by_hand, atol=1e-6)
    assert torch.allclose(found.sum(0), torch.ones(SHAPE), atol=1e-6)


def test_every_combination_of_two_axes_is_averaged_as_by_hand() -> None:
    member, image = _member(0), _image()
    by_hand = torch.zeros(3, *SHAPE, dtype=torch.float64)
    with torch.inference_mode():
        for dims in ([], [1], [3], [1, 3]):
            said = member.inferer(torch.flip(image, dims)[None], member.network)[0]
            by_hand += torch.softmax(torch.flip(said, dims).double(), 0) / 4
    assert torch.allclose(mean_probabilities(image, [member], (0, 2), **CPU).double(), by_hand, atol=1e-6)


def test_an_average_over_mirror_images_is_the_same_for_the_mirrored_image() -> None:
    member, image = _member(3, SimpleInferer()), _image()
    straight = mean_probabilities(image, [member], (1,), **CPU)
    turned = mean_probabilities(image.flip([2]), [member], (1,), **CPU)
    assert torch.allclose(turned.flip([2]), straight, atol=1e-6)


def test_softmax_of_what_the_chain_gets_is_the_mean_probability() -> None:
    members, image = [_member(0), _member(1)], _image()
    mean = mean_probabilities(image, members, (0,), **CPU)
    logits = averaged_logits(image, members, (0,), **CPU)
    assert torch.allclose(torch.softmax(logits, 0), mean, atol=1e-6)


def test_certainty_does_not_become_endless() -> None:
    class Sure(nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return torch.cat([torch.full_like(image, 1000.0), torch.full_like(image, -1000.0)], dim=1)

    logits = averaged_logits(_image(), [Member(Sure(), SimpleInferer())] * 2, **CPU)
    assert torch.isfinite(logits).all()
    assert torch.allclose(torch.softmax(logits, 0)[0], torch.ones(SHAPE))


def test_the_axis_of_a_single_slice_is_not_mirrored() -> None:
    slices = SliceInferer(roi_size=(8, 8), overlap=0.5, spatial_dim=2)
    member, image = Member(_network(0, nn.Conv2d), slices), _image((9, 11, 1))
    assert mirrorings(image.shape[1:], (0, 2)) == [(), (0,)]
    by_hand = torch.zeros(3, 9, 11, 1)
    with torch.inference_mode():
        for dims in ([], [1]):
            by_hand += torch.softmax(slices(image.flip(dims)[None], member.network)[0].flip(dims), 0) / 2
    assert torch.allclose(mean_probabilities(image, [member], (0, 2), **CPU), by_hand, atol=1e-6)
    only_thin = averaged_logits(image, [member], (2,), **CPU)
    assert torch.equal(only_thin, predict_classes(image, member.network, slices, **CPU))


@pytest.mark.parametrize("axes", [(), (1,), (0, 1), (2, 1, 0), (0, 0)])
def test_k_axes_give_two_to_the_k_mirror_images_each_once(axes: tuple[int, ...]) -> None:
    found = mirrorings(SHAPE, axes)
    assert found[0] == ()
    assert len(found) == len(set(found)) == 2 ** len(set(axes))
    assert set(itertools.chain.from_iterable(found)) == set(axes)


def test_an_average_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one network"):
        mean_probabilities(_image(), [], **CPU)

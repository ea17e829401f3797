import itertools
from collections.abc import Callable

import pytest
import torch
from monai.inferers import Inferer, SimpleInferer, SliceInferer, SlidingWindowInferer
from torch import nn

from medseg.core.window import Window
from medseg.engine.averaging import Member, logit_slabs, mean_slabs, mirrorings
from medseg.engine.device import Precision
from medseg.engine.forward import Forward, Mode
from medseg.engine.sliding import PLANES
from medseg.engine.windows import Plan, shifted_plan, stock_plan

SHAPE = (9, 11, 10)
SMALL_WINDOW = SlidingWindowInferer(6, overlap=0.5, mode="gaussian")
SMALL = Window((6, 6, 6), (0.5, 0.5, 0.5), "gaussian")
FP32 = Mode(Precision("fp32", "cpu"))


def _network(seed: int, conv: Callable[..., nn.Module] = nn.Conv3d) -> nn.Module:
    """Logits (3 classes) that are another for each mirror image."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(conv(1, 4, 3, padding=1), nn.ReLU(), conv(4, 3, 3, padding=1))


def _member(seed: int, inferer: Inferer = SMALL_WINDOW, window: Window | None = SMALL) -> Member:
    return Member(Forward(_network(seed), FP32), inferer, window)


def _whole(seed: int) -> Member:
    return _member(seed, SimpleInferer(), None)


def _image(shape: tuple[int, ...] = SHAPE) -> torch.Tensor:
    return torch.randn(1, *shape, generator=torch.Generator().manual_seed(1)) * 3


def _plan(window: Window) -> Plan:
    return stock_plan(SHAPE, window)


def _mean(image: torch.Tensor, members: list[Member], flip_axes: tuple[int, ...] = ()) -> torch.Tensor:
    with torch.inference_mode():
        parts = list(mean_slabs(image, members, flip_axes, _plan))
    assert [part.first for part in parts] == list(range(0, image.shape[1], PLANES))
    return torch.cat([part.values for part in parts], dim=1)


def test_one_network_says_what_its_inferer_says_bit_for_bit() -> None:
    image = _image()
    for member in (_member(0), _whole(1)):
        with torch.inference_mode():
            ours = torch.cat([part.values for part in logit_slabs(image, member, _plan)], dim=1)
            assert torch.equal(ours, member.inferer(image[None], member.forward.network)[0])


def test_windows_are_blended_as_of_a_network_alone_and_probabilities_averaged() -> None:
    members, image = [_member(0), _whole(1), _member(2)], _image()
    by_hand = torch.zeros(3, *SHAPE)
    with torch.inference_mode():
        for member in members:
            by_hand += torch.softmax(member.inferer(image[None], member.forward.network)[0], 0) / 3
    found = _mean(image, members)
    assert torch.allclose(found, by_hand, atol=1e-6)
    assert torch.allclose(found.sum(0), torch.ones(SHAPE), atol=1e-5)


def test_networks_whose_windows_begin_elsewhere_are_averaged_plane_by_plane() -> None:
    wide = Window((9, 4, 10), (0.25, 0.25, 0.25))
    members = [_member(0), _member(1, SlidingWindowInferer((9, 4, 10), overlap=0.25), wide)]
    image = _image((23, 11, 10))
    with torch.inference_mode():
        parts = list(mean_slabs(image, members, (), lambda window: shifted_plan((23, 11, 10), window)))
        alone = [
            list(mean_slabs(image, [one], (), lambda window: shifted_plan((23, 11, 10), window))) for one in members
        ]
    for both, one, other in zip(parts, *alone, strict=True):
        assert torch.allclose(both.values, (one.values + other.values) / 2)


def test_every_combination_of_two_axes_is_averaged_as_by_hand() -> None:
    member, image = _whole(0), _image()
    by_hand = torch.zeros(3, *SHAPE, dtype=torch.float64)
    with torch.inference_mode():
        for dims in ([], [1], [3], [1, 3]):
            said = member.inferer(torch.flip(image, dims)[None], member.forward.network)[0]
            by_hand += torch.softmax(torch.flip(said, dims).double(), 0) / 4
    assert torch.allclose(_mean(image, [member], (0, 2)).double(), by_hand, atol=1e-6)


def test_an_average_over_mirror_images_is_the_same_for_the_mirrored_image() -> None:
    for member in (_member(3), _whole(3)):
        image = _image()
        straight, turned = _mean(image, [member], (0,)), _mean(image.flip([1]), [member], (0,))
        assert torch.allclose(turned.flip([1]), straight, atol=1e-6)


def test_the_axis_of_a_single_slice_is_not_mirrored() -> None:
    slices = SliceInferer(roi_size=(8, 8), overlap=0.5, spatial_dim=2)
    window = Window((8, 8, 1), (0.5, 0.5, 0.5), unseen_axis=2)
    member, image = Member(Forward(_network(0, nn.Conv2d), FP32, unseen_axis=2), slices, window), _image((9, 11, 1))
    assert mirrorings(image.shape[1:], (0, 2)) == [(), (0,)]
    with torch.inference_mode():
        part, _ = mean_slabs(image, [member], (2,), lambda one: stock_plan((9, 11, 1), one))
        stock = torch.softmax(slices(image[None], member.forward.network)[0], 0)
    assert torch.allclose(part.values, stock[:, :PLANES], atol=1e-6)


@pytest.mark.parametrize("axes", [(), (1,), (0, 1), (2, 1, 0), (0, 0)])
def test_k_axes_give_two_to_the_k_mirror_images_each_once(axes: tuple[int, ...]) -> None:
    found = mirrorings(SHAPE, axes)
    assert found[0] == ()
    assert len(found) == len(set(found)) == 2 ** len(set(axes))
    assert set(itertools.chain.from_iterable(found)) == set(axes)


def test_an_average_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one network"):
        next(mean_slabs(_image(), [], (), _plan))

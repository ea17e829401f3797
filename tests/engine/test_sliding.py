from pathlib import Path

import pytest
import torch
from monai.inferers import sliding_window_inference
from torch import nn

from medseg.core.window import Window
from medseg.engine.sliding import slabs
from medseg.engine.sums import InMemory, OnDisk
from medseg.engine.windows import shifted_plan, stock_plan


def a_network(channels: int = 2, classes: int = 3) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv3d(channels, 4, 3, padding=1), nn.InstanceNorm3d(4), nn.Conv3d(4, classes, 1)).eval()


def an_image(shape, channels: int = 2) -> torch.Tensor:
    return torch.randn(channels, *shape, generator=torch.Generator().manual_seed(1))


def joined(parts) -> torch.Tensor:
    parts = list(parts)
    assert [part.first for part in parts] == [0, *torch.cumsum(torch.tensor([p.values.shape[1] for p in parts]), 0)][
        :-1
    ]
    return torch.cat([part.values for part in parts], dim=1)


@pytest.mark.parametrize("shape", [(20, 31, 12), (8, 8, 8), (7, 20, 9), (33, 4, 8)])
@pytest.mark.parametrize("size", [(8, 8, 8), (12, 6, 10)])
@pytest.mark.parametrize("overlap", [0.25, 0.5, 0.7])
@pytest.mark.parametrize("batch", [1, 4])
def test_blended_windows_equal_monai_to_the_bit(shape, size, overlap: float, batch: int) -> None:
    image, network = an_image(shape), a_network()
    window = Window(size, (overlap,) * 3, "gaussian", batch=batch)
    with torch.inference_mode():
        stock = sliding_window_inference(image[None], size, batch, network, overlap, mode="gaussian")[0]
        ours = joined(slabs(image, network, stock_plan(shape, window), window))
    assert torch.equal(ours, stock)


@pytest.mark.parametrize("padding", ["constant", "reflect", "replicate"])
def test_a_volume_smaller_than_the_window_is_padded_as_monai_pads_it(padding: str) -> None:
    image, network, size = an_image((5, 9, 7)), a_network(), (8, 8, 12)
    value = -2.0 if padding == "constant" else 0.0
    window = Window(size, (0.5,) * 3, padding=padding, pad_value=value)
    with torch.inference_mode():
        stock = sliding_window_inference(image[None], size, 1, network, 0.5, padding_mode=padding, cval=value)[0]
        ours = joined(slabs(image, network, stock_plan((5, 9, 7), window), window))
    assert torch.equal(ours, stock)


def test_even_windows_give_every_voxel_a_value() -> None:
    image, network, window = an_image((30, 20, 21)), a_network(), Window((8, 8, 8), (0.5,) * 3, "gaussian")
    with torch.inference_mode():
        ours = joined(slabs(image, network, shifted_plan((30, 20, 21), window), window))
    assert ours.shape == (3, 30, 20, 21)
    assert bool(torch.isfinite(ours).all())


def test_outside_of_the_box_nothing_is_said() -> None:
    image, network, window = an_image((30, 20, 21)), a_network(), Window((8, 8, 8), (0.5,) * 3)
    plan = shifted_plan((30, 20, 21), window, [(10, 17), (0, 20), (3, 9)])
    with torch.inference_mode():
        (first, values), *others = list(slabs(image, network, plan, window))
    assert not others
    assert first == plan.starts[0][0]
    assert values.shape == (3, 8, 20, 21)
    covered = slice(*plan.covered[2])
    assert bool(torch.isfinite(values[..., covered]).all())
    assert bool(torch.isnan(values[..., covered.stop :]).all())


def test_sums_of_the_whole_volume_are_never_in_memory() -> None:
    image, network, window = an_image((64, 10, 10)), a_network(), Window((8, 8, 8), (0.5,) * 3)
    shapes = []

    def make_sums(shape):
        shapes.append(shape)
        return InMemory(shape)

    with torch.inference_mode():
        parts = slabs(image, network, stock_plan((64, 10, 10), window), window, make_sums=make_sums)
        sizes = [part.values.shape[1] for part in parts]
    assert shapes == [(3, 8, 10, 10)]
    assert max(sizes) <= 8


@pytest.mark.parametrize("overlap", [0.0, 0.5, 0.8])
def test_sums_on_the_disk_are_the_same_sums(overlap: float, tmp_path: Path) -> None:
    image, network, window = an_image((40, 21, 10)), a_network(), Window((8, 8, 8), (overlap,) * 3, "gaussian")
    plan = stock_plan((40, 21, 10), window)
    with torch.inference_mode():
        in_memory = joined(slabs(image, network, plan, window))
        on_disk = joined(slabs(image, network, plan, window, make_sums=lambda shape: OnDisk(shape, tmp_path)))
    assert torch.equal(on_disk, in_memory)
    assert not list(tmp_path.iterdir())

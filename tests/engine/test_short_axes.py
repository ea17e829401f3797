import copy

import pytest
import torch
from torch import nn

from medseg.engine.short_axes import keep_short_axes_in_fp32

NAN = float("nan")
native = pytest.mark.skipif(
    not torch.ops.mkldnn._is_mkldnn_bf16_supported(), reason="this processor does not compute bf16 itself"
)


def guarded(module: nn.Module) -> nn.Module:
    keep_short_axes_in_fp32(module)
    return module


def in_bf16(module: nn.Module, image: torch.Tensor) -> torch.Tensor:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result: torch.Tensor = module(image)
    return result


def leave_nan_in_freed_memory() -> None:
    blocks = [torch.full((2**power,), NAN) for power in range(4, 22) for _ in range(6)]
    del blocks


def finite_weight_gradients(module: nn.Module, image: torch.Tensor, *, tries: int = 20) -> int:
    """How many of the tries give a finite gradient when freed memory holds nan."""
    good = 0
    for _ in range(tries):
        module.zero_grad(set_to_none=True)
        loss = in_bf16(module, image).float().square().mean()
        leave_nan_in_freed_memory()
        loss.backward()
        good += all(bool(torch.isfinite(p.grad).all()) for p in module.parameters() if p.grad is not None)
    return good


@native
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last_3d])
@pytest.mark.parametrize("filters", [8, 16, 32])
def test_freed_memory_does_not_reach_the_gradient(layout: torch.memory_format, filters: int) -> None:
    conv = nn.Conv3d(filters, filters, 3, padding=1).to(memory_format=layout)
    image = torch.randn(2, filters, 2, 2, 2).contiguous(memory_format=layout)
    assert finite_weight_gradients(guarded(conv), image) == 20


@pytest.mark.parametrize(
    ("module", "shape"),
    [
        (nn.Conv3d(2, 3, 3, padding=1), (2, 4, 4)),
        (nn.Conv3d(2, 3, 3, padding=1), (4, 4, 2)),
        (nn.Conv3d(2, 3, (1, 5, 1), padding=(0, 2, 0)), (1, 4, 1)),
        (nn.Conv2d(2, 3, 3, stride=2, padding=1), (1, 4)),
        (nn.ConvTranspose3d(2, 3, 2, stride=2), (1, 2, 2)),
        (nn.Conv2d(2, 3, 3, dilation=2, padding=2), (4, 9)),
    ],
)
def test_an_axis_shorter_than_the_kernel_computes_in_fp32(module: nn.Module, shape: tuple[int, ...]) -> None:
    image = torch.randn(1, 2, *shape)
    expected = module(image)
    result = in_bf16(guarded(module), image.bfloat16().float())
    assert result.dtype == torch.float32
    assert torch.allclose(result, expected, atol=0.05)


@pytest.mark.parametrize(
    ("module", "shape"),
    [
        (nn.Conv3d(2, 3, 3, padding=1), (3, 3, 3)),
        (nn.Conv3d(2, 3, 1), (1, 1, 1)),
        (nn.Conv2d(2, 3, (1, 3), padding=(0, 1)), (1, 3)),
        (nn.ConvTranspose3d(2, 3, 2, stride=2), (2, 2, 2)),
    ],
)
def test_a_long_enough_image_computes_as_before(module: nn.Module, shape: tuple[int, ...]) -> None:
    image = torch.randn(1, 2, *shape)
    expected = in_bf16(module, image)
    result = in_bf16(guarded(module), image)
    assert result.dtype == torch.bfloat16
    assert torch.equal(result, expected)


def test_an_image_in_bf16_meets_weights_in_fp32() -> None:
    network = guarded(nn.Sequential(nn.Conv3d(1, 2, 3, padding=1), nn.Conv3d(2, 2, 5, padding=2)))
    assert in_bf16(network, torch.randn(1, 1, 4, 4, 4)).dtype == torch.float32


def test_without_bf16_nothing_changes() -> None:
    conv, image = nn.Conv3d(2, 3, 3, padding=1), torch.randn(1, 2, 1, 2, 3)
    expected = conv(image)
    assert torch.equal(guarded(conv)(image), expected)


def test_an_image_without_a_batch_is_measured_along_its_own_axes() -> None:
    conv = guarded(nn.Conv2d(2, 3, 3, padding=1))
    assert in_bf16(conv, torch.randn(2, 2, 3)).dtype == torch.float32
    assert in_bf16(conv, torch.randn(2, 3, 3)).dtype == torch.bfloat16


def test_a_wanted_size_is_passed_on() -> None:
    transposed = guarded(nn.ConvTranspose3d(1, 1, 3, stride=2, padding=1))
    assert transposed(torch.randn(1, 1, 2, 2, 2), output_size=(4, 4, 4)).shape[2:] == (4, 4, 4)


def test_a_copy_computes_with_its_own_weights() -> None:
    conv, image = guarded(nn.Conv3d(1, 1, 3, padding=1)), torch.randn(1, 1, 2, 2, 2)
    other = copy.deepcopy(conv)
    nn.init.zeros_(other.weight)
    nn.init.zeros_(other.bias)
    assert float(other(image).detach().abs().max()) == 0.0
    assert float(conv(image).detach().abs().max()) > 0.0


def test_names_of_the_weights_stay() -> None:
    network = nn.Sequential(nn.Conv3d(1, 2, 3), nn.ReLU())
    names = list(network.state_dict())
    assert list(guarded(network).state_dict()) == names

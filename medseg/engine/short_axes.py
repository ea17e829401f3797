"""Convolutions on images shorter than their kernel, in fp32: in bf16 a CPU may give nan as their weights' gradient."""

from __future__ import annotations

import types
from typing import Any

import torch
from torch import nn

_CONVOLUTIONS = (nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.ConvTranspose3d)


def keep_short_axes_in_fp32(network: nn.Module) -> None:
    """Let the network's convolutions compute in fp32 where an axis of their image is shorter than their kernel.

    There oneDNN 3.12, with which torch 2.13 computes on x86 CPUs, reads memory that nothing was written to
    when it sums a bf16 gradient of the weights, and multiplies it by zero. That is zero as well, unless
    what lay there reads as inf or nan: then so is the gradient, in one step of hundreds, and other programs
    on the machine decide in which. At a stride of 2 an image of one voxel may even break the heap. The
    forward pass, the gradient of the image, fp32 and longer images are sound (measured with all memory
    filled with nan before it is handed out: 2D and 3D, both memory layouts, kernels of 1, 3 and 5, strides
    of 1 and 2, sides of 1 to 9 voxels, 8 to 32 channels). A dilated kernel counts as long as it reaches.

    Args:
        network: Changed in place; weights and their names stay. Only the lowest levels of a network see
            images this short, so that it costs little.
    """
    for module in network.modules():
        if isinstance(module, _CONVOLUTIONS):
            module.forward = types.MethodType(_forward, module)  # type: ignore[method-assign]


def _forward(module: Any, image: torch.Tensor, *sizes: Any, **named: Any) -> torch.Tensor:
    extents = [step * (n - 1) + 1 for n, step in zip(module.kernel_size, module.dilation, strict=True)]
    sides = image.shape[-len(extents) :]  # torch takes images without a batch as well
    if all(side >= extent for side, extent in zip(sides, extents, strict=True)):
        return _as_torch(module, image, *sizes, **named)
    with torch.autocast(image.device.type, enabled=False):
        return _as_torch(module, image.to(module.weight.dtype), *sizes, **named)


def _as_torch(module: Any, *given: Any, **named: Any) -> torch.Tensor:
    result: torch.Tensor = type(module).forward(module, *given, **named)
    return result

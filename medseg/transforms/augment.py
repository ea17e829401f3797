"""Random changes of a patch: all parameters are drawn first, then applied, so that any patch can be made again."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from medseg.core.recipe import Augmentation, Effect
from medseg.core.types import LabelArray, Shape
from medseg.transforms.patch import Centre, cut

BLUR_REACH = 3.0  # kernel half-width in sigmas; 0.3 % of a Gaussian lies beyond
TINY = 1e-6  # keeps a division by a constant image finite

Strengths = tuple[float, ...]  # one per channel


@dataclass(frozen=True)
class Draw:
    """What will happen to one patch; None where an effect does not take place.

    Attributes:
        flips: Axes to mirror.
        angles_deg: Rotation about each axis.
        scale: Zoom factor; above 1 the anatomy looks larger.
        noise_std: In units of the normalised intensity.
        noise_seed: Seed of the noise field.
        blur_sigma: In voxels.
        brightness: Factor per channel.
        contrast: Factor about the mean, per channel.
        zoom: Factor of the matrix size in low-resolution simulation.
        gamma: Exponent per channel.
    """

    flips: tuple[int, ...]
    angles_deg: tuple[float, float, float] | None
    scale: float | None
    noise_std: float | None
    noise_seed: int
    blur_sigma: float | None
    brightness: Strengths | None
    contrast: Strengths | None
    zoom: float | None
    gamma: Strengths | None


def draw(recipe: Augmentation, *, channels: int, thin_axis: int | None, generator: np.random.Generator) -> Draw:
    """Draw the changes of one patch.

    Every number is drawn whether it is used or not, so that changing one probability leaves the
    other effects as they were.

    Args:
        recipe: Probabilities and ranges.
        channels: Number of image channels.
        thin_axis: The axis a 2D network does not see; rotations then stay in the slice.
        generator: Source of the draw.
    """

    def one(effect: Effect) -> float | None:
        happens, value = generator.random() < effect.probability, generator.uniform(*effect.range)
        return float(value) if happens else None

    def each(effect: Effect) -> Strengths | None:
        happens, values = generator.random() < effect.probability, generator.uniform(*effect.range, size=channels)
        return tuple(float(value) for value in values) if happens else None

    rotates, angles = (
        generator.random() < recipe.rotation.probability,
        generator.uniform(*recipe.rotation.range, size=3),
    )
    if thin_axis is not None:
        angles = np.where(np.arange(3) == thin_axis, angles, 0.0)
    coins = generator.random(3)
    return Draw(
        flips=tuple(axis for axis in recipe.flip_axes if coins[axis] < 0.5 and axis != thin_axis),
        angles_deg=(float(angles[0]), float(angles[1]), float(angles[2])) if rotates else None,
        scale=one(recipe.scaling),
        noise_std=one(recipe.noise),
        noise_seed=int(generator.integers(2**62)),
        blur_sigma=one(recipe.blur),
        brightness=each(recipe.brightness),
        contrast=each(recipe.contrast),
        zoom=one(recipe.low_resolution),
        gamma=each(recipe.gamma),
    )


def apply(
    image: npt.NDArray[np.float32],
    label: LabelArray,
    *,
    centre: Centre,
    patch: Shape,
    spacing_mm: tuple[float, float, float],
    change: Draw,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Patch of a study with the drawn changes.

    Args:
        image: Float32 (C, I, J, K), the whole study.
        label: Class indices (I, J, K).
        centre: Of the patch, in voxels.
        patch: Extent in voxels.
        spacing_mm: Voxel size; rotations are rigid in millimetres.
        change: What ``draw`` gave.

    Returns:
        Image (C, *patch) float32 and label (1, *patch) uint8. What lies outside the volume, and
        voxels that are exactly 0 in every channel, stay 0 as they are at inference.
    """
    pixels, classes = _place(image, label, centre, patch, spacing_mm, change)
    if change.flips:
        axes = [axis + 1 for axis in change.flips]
        pixels, classes = pixels.flip(axes), classes.flip(axes)
    background = (pixels == 0).all(0)
    pixels = _change_intensity(pixels, change)
    pixels[:, background] = 0.0
    return pixels.contiguous(), classes.contiguous()


def _place(
    image: npt.NDArray[np.float32],
    label: LabelArray,
    centre: Centre,
    patch: Shape,
    spacing_mm: tuple[float, float, float],
    change: Draw,
) -> tuple[torch.Tensor, torch.Tensor]:
    half = (np.asarray(patch) - 1) / 2
    if change.angles_deg is None and change.scale is None:
        start = np.round(np.asarray(centre) - half).astype(int).tolist()
        return torch.from_numpy(cut(image, start, patch)), torch.from_numpy(cut(label[None], start, patch))
    matrix = _voxel_matrix(change, spacing_mm, patch)
    reach = np.abs(matrix) @ half
    start = np.floor(np.asarray(centre) - reach).astype(int)
    size = tuple(int(n) for n in np.ceil(np.asarray(centre) + reach).astype(int) - start + 1)
    grid = _grid(matrix, np.asarray(centre) - start, patch, size)
    box = torch.from_numpy(cut(image, start.tolist(), size))[None]
    classes = torch.from_numpy(cut(label[None], start.tolist(), size)).float()[None]
    pixels = F.grid_sample(box, grid, mode="bilinear", padding_mode="zeros", align_corners=True)[0]
    return pixels, F.grid_sample(classes, grid, mode="nearest", padding_mode="zeros", align_corners=True)[0].byte()


def _voxel_matrix(change: Draw, spacing_mm: tuple[float, float, float], patch: Shape) -> npt.NDArray[np.float64]:
    """Patch offset to source offset, in voxels: rotate in millimetres, then zoom."""
    matrix = np.eye(3)
    for axis, angle in enumerate(change.angles_deg or (0.0, 0.0, 0.0)):
        first, second = (axis + 1) % 3, (axis + 2) % 3
        turn = np.eye(3)
        turn[first, first] = turn[second, second] = math.cos(math.radians(angle))
        turn[first, second], turn[second, first] = -math.sin(math.radians(angle)), math.sin(math.radians(angle))
        matrix = turn @ matrix
    spacing = np.asarray(spacing_mm)
    zoom = np.where(np.asarray(patch) == 1, 1.0, 1.0 / (change.scale or 1.0))
    return np.asarray((matrix * spacing[None, :]) / spacing[:, None] * zoom[None, :], np.float64)


def _grid(matrix: npt.NDArray[np.float64], centre: npt.NDArray[np.float64], patch: Shape, size: Shape) -> torch.Tensor:
    axes = [torch.arange(n, dtype=torch.float32) - (n - 1) / 2 for n in patch]
    offsets = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)
    source = offsets @ torch.from_numpy(matrix.T).float() + torch.from_numpy(centre).float()
    scale = torch.tensor([max(n - 1, 1) for n in size], dtype=torch.float32)
    # grid_sample wants -1..1 and the fastest axis first.
    return (source / scale * 2 - 1).flip(-1)[None]


def _change_intensity(pixels: torch.Tensor, change: Draw) -> torch.Tensor:
    if change.noise_std is not None:
        noise = torch.empty_like(pixels).normal_(generator=torch.Generator().manual_seed(change.noise_seed))
        pixels = pixels + change.noise_std * noise
    if change.blur_sigma is not None:
        pixels = _blur(pixels, change.blur_sigma)
    if change.brightness is not None:
        pixels = pixels * _per_channel(change.brightness)
    if change.contrast is not None:
        mean = _means(pixels)
        pixels = (pixels - mean) * _per_channel(change.contrast) + mean
    if change.zoom is not None:
        pixels = _lower_resolution(pixels, change.zoom)
    return pixels if change.gamma is None else _gamma(pixels, change.gamma)


def _per_channel(values: Strengths) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32).reshape(-1, 1, 1, 1)


def _means(pixels: torch.Tensor) -> torch.Tensor:
    # NumPy sums in one order whatever the number of threads, so a worker and the main process agree.
    return torch.from_numpy(pixels.numpy().mean((1, 2, 3), keepdims=True))


def _blur(pixels: torch.Tensor, sigma: float) -> torch.Tensor:
    reach = math.ceil(BLUR_REACH * sigma)
    offsets = torch.arange(-reach, reach + 1, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (offsets / sigma) ** 2)
    kernel = kernel / kernel.sum()
    # Shifted sums, not a convolution: its last bits would change with the number of threads.
    for axis in (1, 2, 3):
        if pixels.shape[axis] > 1:
            # Over the weights that lie inside: at a border the mean is of what is there, not of that and zeros.
            inside = _weighted_sum(
                torch.ones([n if d == axis else 1 for d, n in enumerate(pixels.shape)]), kernel, axis, reach
            )
            pixels = _weighted_sum(pixels, kernel, axis, reach) / inside
    return pixels


def _weighted_sum(pixels: torch.Tensor, kernel: torch.Tensor, axis: int, reach: int) -> torch.Tensor:
    n = pixels.shape[axis]
    total = pixels * kernel[reach]
    for offset in range(1, min(reach, n - 1) + 1):
        weight = float(kernel[reach + offset])
        total.narrow(axis, 0, n - offset).add_(pixels.narrow(axis, offset, n - offset), alpha=weight)
        total.narrow(axis, offset, n - offset).add_(pixels.narrow(axis, 0, n - offset), alpha=weight)
    return total


def _lower_resolution(pixels: torch.Tensor, zoom: float) -> torch.Tensor:
    size = [n if n == 1 else max(2, round(n * zoom)) for n in pixels.shape[1:]]
    small = F.interpolate(pixels[None], size=size, mode="nearest-exact")
    return F.interpolate(small, size=list(pixels.shape[1:]), mode="trilinear", align_corners=False)[0]


def _gamma(pixels: torch.Tensor, exponents: Strengths) -> torch.Tensor:
    low = pixels.amin((1, 2, 3), keepdim=True)
    extent = (pixels.amax((1, 2, 3), keepdim=True) - low).clamp_min(TINY)
    return ((pixels - low) / extent) ** _per_channel(exponents) * extent + low

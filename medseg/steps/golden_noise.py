"""A scan of smooth noise, where there is no phantom to draw: in the sizes and grey values of the training studies."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from medseg.bundle.read import Bundle
from medseg.bundle.validity import AXES
from medseg.bundle.window import window_of
from medseg.core.types import FloatArray
from medseg.core.volume import Volume

_SIDE = 64  # voxels, where the window is as long as the image
_WAVES = 24  # of random direction and phase; their sum is smooth, and alike nowhere
_RANGE = (0.0, 1000.0)  # grey values, where the bundle does not say


def draw_noise(bundle: Bundle, *, seed: int) -> Volume:
    """Smooth noise (C, I, J, K) in RAS+, a quarter longer than a window, so that windows overlap.

    Args:
        bundle: Its window gives the shape, its validity spacing and grey values.
        seed: Another seed gives another scan.
    """
    rng = np.random.default_rng(seed)
    window = window_of(bundle)
    sides = window.size if window is not None else (None, None, None)
    shape = [1 if side == 1 else int((side or _SIDE) * 1.25) for side in sides]
    array = np.stack([_waves(shape, rng, *_range(bundle, channel.name)) for channel in bundle.channels])
    return Volume(array, np.diag([*_spacing(bundle), 1.0]))


def _waves(shape: list[int], rng: np.random.Generator, low: float, high: float) -> FloatArray:
    places = np.stack(np.meshgrid(*(np.linspace(0, 1, side) for side in shape), indexing="ij"))
    total: npt.NDArray[np.float64] = np.zeros(shape)
    for _ in range(_WAVES):
        direction, phase = rng.normal(scale=8.0, size=3), rng.uniform(0, 2 * np.pi)
        total += np.cos(np.tensordot(direction, places, 1) + phase)
    total = (total - total.min()) / max(float(np.ptp(total)), 1e-9)
    return (low + total * (high - low)).astype(np.float32)


def _spacing(bundle: Bundle) -> list[float]:
    seen = bundle.validity.spacing_mm if bundle.validity else {}
    return [sum(seen[axis].seen) / 2 if axis in seen else 1.0 for axis in AXES]


def _range(bundle: Bundle, channel: str) -> tuple[float, float]:
    """Lowest and highest grey value that the training studies had in most of their voxels."""
    limits = bundle.validity.intensity.get(channel, {}) if bundle.validity else {}
    if "p0.5" not in limits or "p99.5" not in limits:
        return _RANGE
    return limits["p0.5"].seen[0], limits["p99.5"].seen[1]

"""What the transforms of a chain take, measured on a small scan of the same spacing: it grows with the voxels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from medseg.core.geometry import spacing_of
from medseg.core.types import Affine
from medseg.core.volume import Volume
from medseg.engine.inference import Predictor, Ready, Seen
from medseg.engine.peak import peak_of
from medseg.transforms.part import all_of

SIDE = 40  # voxels
REACH_MM = 100.0  # of a side at most: thick voxels may become many
Line = tuple[float, float]  # what grows, for each of something; and what is there in any case


@dataclass(frozen=True)
class Costs:
    """What a scan costs.

    Attributes:
        order: Axis of the scan for each axis of the preprocessed image.
        sides: Side of the image along each of its axes, by the side of the scan.
        prepare: Bytes of preprocessing beside the scan, by its voxels.
        finish: Bytes of what comes behind the label map, beside it, by the voxels of the scan.
    """

    order: tuple[int, int, int]
    sides: tuple[Line, Line, Line]
    prepare: Line
    finish: Line

    def image(self, scan: Sequence[int]) -> list[int]:
        """Shape of the image of a scan."""
        return [max(1, round(_at(line, scan[axis]))) for axis, line in zip(self.order, self.sides, strict=True)]

    def prepare_bytes(self, voxels: int) -> int:
        """Of preprocessing a scan."""
        return round(_at(self.prepare, voxels))

    def finish_bytes(self, voxels: int) -> int:
        """Of what comes behind its label map."""
        return round(_at(self.finish, voxels))


class _Run(NamedTuple):
    """One rehearsal: shapes, the order of axes, and bytes."""

    scan: tuple[int, ...]
    image: tuple[int, ...]
    order: tuple[int, int, int]
    prepare: int
    finish: int


def rehearse(predictor: Predictor, channels: int, affine_ras: Affine) -> Costs:
    """Preprocess and finish two small scans, measured: what does not grow with the voxels is told from what does.

    Args:
        predictor: Its chain; no network runs.
        channels: Of the scan.
        affine_ras: Of the scan: direction and spacing decide what is resampled.
    """
    sides = [int(min(max(REACH_MM / size, 4), SIDE)) for size in spacing_of(affine_ras)]
    large, small = (_run(predictor, channels, affine_ras, [side // part for side in sides]) for part in (1, 2))
    voxels = math.prod(small.scan), math.prod(large.scan)
    i, j, k = (
        _line(small.scan[axis], small.image[n], large.scan[axis], large.image[n]) for n, axis in enumerate(large.order)
    )
    return Costs(
        large.order,
        (i, j, k),
        _line(voxels[0], small.prepare, voxels[1], large.prepare),
        _line(voxels[0], small.finish, voxels[1], large.finish),
    )


def _run(predictor: Predictor, channels: int, affine_ras: Affine, sides: Sequence[int]) -> _Run:
    """Voxels are all above 0, so that nothing is cropped."""
    voxels = np.random.default_rng(0).random((channels, *sides), np.float32) + 0.5
    part = all_of(Volume(voxels, affine_ras))
    ready = predictor.prepare(part)
    seen = Seen(ready, torch.zeros(part.whole, dtype=torch.uint8))
    i, j, k = (0, 1, 2) if ready.back is None else ready.back.order
    return _Run(
        part.whole,
        tuple(ready.image.shape[1:]),
        (i, j, k),
        peak_of(lambda: predictor.prepare(part)),
        _whole_chain(ready) if ready.back is None else peak_of(lambda: predictor.finish(seen)),
    )


def _line(x: float, y: float, further_x: float, further_y: float) -> Line:
    """Through two points; it neither falls nor begins below 0."""
    slope = max((further_y - y) / (further_x - x), 0.0)
    return slope, max(further_y - slope * further_x, 0.0)


def _at(line: Line, x: float) -> float:
    return line[0] * x + line[1]


def _whole_chain(ready: Ready) -> int:
    """Bytes of a bundle's own postprocessing, not run here as it wants what a network says: a few copies of that."""
    return 3 * 4 * int(ready.image.numel())


def spacing_key(affine_ras: Affine) -> Sequence[float]:
    """Direction and spacing in thousandths of a millimetre, as far as they matter here: 9 numbers."""
    return [round(float(value), 3) for value in affine_ras[:3, :3].ravel()]

"""A brain with a glioma that no patient has: four MR channels and the labels NCR, ED and ET.

Bright ventricles on T2, unlabelled bright spots on FLAIR and enhancing vessels on T1c keep the task
from being a threshold; enhancement is absent in one study of five.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from medseg.core.types import LabelArray, Shape
from medseg.datasets.phantom_fields import Field, bias_field, blur, coordinates_mm, smooth_noise

SHAPE = (96, 112, 96)  # voxels of 1 mm: a head at two thirds of life size
CHANNELS = ("t1", "t1ce", "t2", "flair")
NO_ENHANCEMENT = 0.2  # share of studies, as in low-grade glioma
SECOND_LESION = 0.2

_AIR, _CSF, _GREY, _WHITE, _SPOT, _VESSEL, _ED, _NCR, _ET = range(9)
_LABEL = {_NCR: 1, _ED: 2, _ET: 4}
# Signal of each tissue, white matter on T1 being 1. Order of channels as above; see any neuroradiology
# primer: fluid is dark on T1 and FLAIR and bright on T2, oedema bright on T2 and FLAIR, ET bright on T1c.
_SIGNAL = np.array(
    [
        [0.28, 0.30, 1.50, 0.22],  # air is filled with CSF before blurring and cut off afterwards
        [0.28, 0.30, 1.50, 0.22],  # CSF
        [0.74, 0.80, 0.82, 0.92],  # grey matter
        [1.00, 1.00, 0.58, 0.70],  # white matter
        [0.85, 0.88, 1.00, 1.35],  # white matter spot of age
        [0.70, 1.75, 0.40, 0.55],  # vessel
        [0.74, 0.76, 1.15, 1.32],  # oedema
        [0.48, 0.50, 1.25, 0.85],  # necrotic or non-enhancing core
        [0.76, 1.55, 0.95, 1.12],  # enhancing tumour
    ],
    np.float32,
)


@dataclass(frozen=True)
class Head:
    """Where things lie in one head, in mm from its centre at full size.

    Attributes:
        x: Position along the left-right axis; the others alike.
        y: Front to back.
        z: Bottom to top.
        depth: Below the surface of the brain; negative outside.
        scale: Size of the matrix and the anatomy, 1 for ``SHAPE``.
    """

    x: Field
    y: Field
    z: Field
    depth: Field
    scale: float

    @property
    def shape(self) -> Shape:
        """(I, J, K)."""
        return self.x.shape

    def noise(self, rng: np.random.Generator, grain_mm: float) -> Field:
        """Smooth noise with blobs of a size in mm of the anatomy."""
        return smooth_noise(rng, self.shape, grain_mm * self.scale)


def draw_brain(rng: np.random.Generator, scale: float) -> tuple[dict[str, npt.NDArray[np.int16]], LabelArray]:
    """Channels (I, J, K) with background 0, and labels 1 NCR, 2 ED, 4 ET."""
    head = _head(rng, scale)
    tissue = _healthy(rng, head)
    _add_lesions(rng, head, tissue)
    labels = np.zeros(head.shape, np.uint8)
    for code, value in _LABEL.items():
        labels[tissue == code] = value
    return _images(rng, head, tissue), labels


def _head(rng: np.random.Generator, scale: float) -> Head:
    shape = [round(n * scale) for n in SHAPE]
    x, y, z = coordinates_mm(shape, scale, rng.normal(0, 0.08, 3).tolist())  # heads lie up to 10 degrees askew
    half_mm = np.array([36, 46, 37]) * rng.uniform(0.92, 1.04, 3)
    power = 2.3  # a little fuller than an ellipsoid
    parts = [(np.abs(axis) / half) ** power for axis, half in zip((x, y, z), half_mm, strict=True)]
    radius = (parts[0] + parts[1] + parts[2]) ** (1 / power)
    depth = (1 - radius) * half_mm.mean() + 1.2 * smooth_noise(rng, shape, 20 * scale)
    return Head(x, y, z, depth.astype(np.float32), scale)


def _healthy(rng: np.random.Generator, head: Head) -> npt.NDArray[np.uint8]:
    """Tissue code of each voxel. The zero set of a noise field is a sheet: its thin one is a sulcus."""
    sheet = np.abs(head.noise(rng, 6.5))
    tissue = np.full(head.shape, _WHITE, np.uint8)
    tissue[(head.depth < 3.2) | ((sheet < 0.42) & (head.depth < 10))] = _GREY
    tissue[_deep_grey(rng, head)] = _GREY
    tissue[(sheet < 0.11) & (head.depth < 7)] = _CSF
    tissue[(np.abs(head.x) < 0.9) & (head.depth < 15) & (head.z > -15)] = _CSF  # between the hemispheres
    _add_spots(rng, head, tissue)
    tissue[_ventricles(rng, head)] = _CSF
    tissue[head.depth < 0.8] = _CSF
    tissue[head.depth < 0] = _AIR
    return tissue


def _deep_grey(rng: np.random.Generator, head: Head) -> npt.NDArray[np.bool_]:
    x, size = np.abs(head.x) - rng.uniform(12, 15), rng.uniform(0.85, 1.1)
    distance = (x / 5) ** 2 + (head.y / 12) ** 2 + ((head.z + 2) / 7) ** 2
    return np.asarray(distance < size + 0.15 * head.noise(rng, 6))


def _ventricles(rng: np.random.Generator, head: Head) -> npt.NDArray[np.bool_]:
    wide = rng.uniform(0.7, 1.7)  # from young to atrophic
    x = np.abs(head.x - rng.normal(0, 0.5)) - 4.5 - 0.012 * head.y**2
    z = head.z - 5 + 0.012 * head.y**2
    distance = (x / (3.2 * wide)) ** 2 + ((head.y - 2) / 21) ** 2 + (z / (5.5 * wide**0.5)) ** 2
    return np.asarray(distance < 1 + 0.2 * head.noise(rng, 8))


def _add_spots(rng: np.random.Generator, head: Head, tissue: npt.NDArray[np.uint8]) -> None:
    """Small things that look like a part of the tumour on one channel and are none."""
    for code, count, low_mm, high_mm in (
        (_SPOT, rng.integers(0, 6), 1.5, 3.2),
        (_VESSEL, rng.integers(2, 6), 1.0, 2.0),
    ):
        for _ in range(count):
            distance = _distance_mm(head, _point_in(rng, tissue == _WHITE), rng.uniform(0.7, 1.4, 3))
            tissue[(distance < rng.uniform(low_mm, high_mm)) & (tissue == _WHITE)] = code


def _add_lesions(rng: np.random.Generator, head: Head, tissue: npt.NDArray[np.uint8]) -> None:
    enhances = rng.random() >= NO_ENHANCEMENT
    radius_mm = rng.uniform(9, 17)
    _add_lesion(rng, head, tissue, radius_mm, enhances=enhances)
    if rng.random() < SECOND_LESION:
        _add_lesion(rng, head, tissue, radius_mm * rng.uniform(0.4, 0.6), enhances=enhances)


def _add_lesion(
    rng: np.random.Generator, head: Head, tissue: npt.NDArray[np.uint8], radius_mm: float, *, enhances: bool
) -> None:
    """Oedema that follows white matter around a core; its rim enhances, its inside is necrotic."""
    centre = _point_in(rng, (tissue == _WHITE) & (head.depth > 7))
    far = _distance_mm(head, centre, rng.uniform(0.8, 1.25, 3)) / radius_mm
    near = _distance_mm(head, centre + rng.normal(0, 0.12 * radius_mm, 3), rng.uniform(0.8, 1.25, 3)) / radius_mm
    core_size, necrotic_share = rng.uniform(0.45, 0.7), rng.uniform(0.45, 0.85)
    core = near / core_size + 0.16 * head.noise(rng, 7)
    inside = core / necrotic_share + 0.25 * head.noise(rng, 4)
    resistance = np.where(tissue == _GREY, 0.3, 0.0) + np.where(tissue == _CSF, 9.0, 0.0)
    reach = far + 0.24 * head.noise(rng, 8) + resistance
    brain = head.depth > 0.8
    tissue[(reach < 1) & brain] = _ED
    tissue[(core < 1) & brain] = _ET if enhances else _NCR
    tissue[(core < 1) & (inside < 1) & brain] = _NCR


def _point_in(rng: np.random.Generator, mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """One voxel of a mask, as (i, j, k)."""
    flat = rng.choice(np.flatnonzero(mask))
    return np.array(np.unravel_index(flat, mask.shape))


def _distance_mm(
    head: Head, centre: npt.NDArray[np.floating] | npt.NDArray[np.int64], stretch: npt.NDArray[np.float64]
) -> Field:
    """Distance to a voxel, each axis divided by its stretch, at full size."""
    axes = np.ix_(*[np.arange(n, dtype=np.float32) for n in head.shape])
    squares = [((axis - c) / (head.scale * s)) ** 2 for axis, c, s in zip(axes, centre, stretch, strict=True)]
    return np.asarray(np.sqrt(squares[0] + squares[1] + squares[2]), np.float32)


def _images(rng: np.random.Generator, head: Head, tissue: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.int16]]:
    texture, lumps = head.noise(rng, 5), head.noise(rng, 4)
    variation = np.where(tissue >= _ED, 0.09 * lumps, 0.03 * texture)
    signal = _SIGNAL * rng.normal(1, 0.05, _SIGNAL.shape)  # no two scanners and patients are alike
    return {
        name: _image(rng, head, tissue, signal[:, n].astype(np.float32), variation) for n, name in enumerate(CHANNELS)
    }


def _image(
    rng: np.random.Generator, head: Head, tissue: npt.NDArray[np.uint8], signal: Field, variation: Field
) -> npt.NDArray[np.int16]:
    field = blur(signal[tissue] * (1 + variation))
    if rng.random() < 0.25:  # acquired in thicker slices along one axis
        field = blur(blur(field, [axis := int(rng.integers(3))]), [axis])
    field *= bias_field(rng, head.shape, 0.08)
    field += rng.uniform(0.02, 0.06) * rng.standard_normal(head.shape, np.float32)
    gain = np.exp(rng.uniform(np.log(150), np.log(3000)))  # MR has no unit; real cohorts differ tenfold
    return np.where(tissue == _AIR, 0, np.maximum(field * gain, 1)).astype(np.int16)

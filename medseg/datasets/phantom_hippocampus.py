"""A hippocampus that no patient has: a curved body in T1-like surroundings, head and body labelled.

The amygdala touches the head and has its brightness, as grey matter nearby has; the fluid of the
temporal horn lies along one side.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from medseg.core.types import LabelArray
from medseg.datasets.phantom_fields import Field, bias_field, blur, coordinates_mm, smooth_noise

SHAPE = (36, 50, 36)  # voxels of 1 mm, RAS
_POINTS = 48  # along the body; closer than a voxel
_WHITE, _GREY, _CSF, _BODY = 1.0, 0.72, 0.32, 0.76


def draw_hippocampus(rng: np.random.Generator, scale: float) -> tuple[npt.NDArray[np.float32], LabelArray]:
    """One image (I, J, K), and labels 1 anterior, 2 posterior."""
    shape = [round(n * scale) + int(rng.integers(-2, 3)) for n in SHAPE]
    x, y, z = coordinates_mm(shape, scale, rng.normal(0, 0.1, 3).tolist())
    side = rng.choice([-1.0, 1.0])  # left or right
    x = x * np.float32(side)
    distance, along = _body(rng, x, y, z)
    distance = distance + 0.10 * smooth_noise(rng, shape, 4 * scale)
    labels = np.zeros(shape, np.uint8)
    labels[distance < 1] = 2
    labels[(distance < 1) & (along > rng.normal(0.55, 0.015))] = 1
    return _image(rng, (x, y, z), distance, labels > 0, scale), labels


def _body(rng: np.random.Generator, x: Field, y: Field, z: Field) -> tuple[Field, Field]:
    """Distance from the centre line in radii, and position along it from tail (0) to head (1)."""
    t = np.linspace(0, 1, _POINTS, dtype=np.float32)
    length, bend, rise = rng.uniform(30, 36), rng.uniform(4, 7), rng.uniform(8, 13)
    line_x = bend * ((1 - t) ** 2 - 0.35) + 2.5 * np.maximum(t - 0.7, 0) * bend  # tail and head turn inwards
    line_y = length * (t - 0.5) + rng.normal(0, 1)
    line_z = rise * ((1 - t) ** 1.5 - 0.35)
    thick = rng.uniform(0.88, 1.12)
    radius = thick * (3.7 + 1.5 / (1 + np.exp(-(t - 0.57) * 14)))  # the head is thicker
    best = np.full(x.shape, np.inf, np.float32)
    along = np.zeros(x.shape, np.float32)
    for n in range(_POINTS):
        across = ((x - line_x[n]) / 1.3) ** 2 + (y - line_y[n]) ** 2 + (z - line_z[n]) ** 2
        closer = across / radius[n] ** 2 < best
        best[closer] = across[closer] / radius[n] ** 2
        along[closer] = t[n]
    return np.sqrt(best), along


def _image(
    rng: np.random.Generator,
    place: tuple[Field, Field, Field],
    distance: Field,
    body: npt.NDArray[np.bool_],
    scale: float,
) -> npt.NDArray[np.float32]:
    x, y, z = place
    shape = x.shape
    field = np.full(shape, _WHITE, np.float32)
    sheet = np.abs(smooth_noise(rng, shape, 11 * scale))
    field[(sheet < 0.55) & (distance > 1.35)] = _GREY
    field[(sheet < 0.14) & (distance > 1.5)] = _CSF
    amygdala = ((x - 3) / 6) ** 2 + ((y - 15 - rng.normal(0, 1)) / 6) ** 2 + ((z - 5) / 5.5) ** 2
    field[amygdala < 1] = _GREY + 0.03
    horn = (distance < 1.5) & (x < 0) & (z > -3) & (smooth_noise(rng, shape, 9 * scale) > -0.3)
    field[horn] = _CSF
    field[body] = _BODY
    field = blur(field * (1 + 0.04 * smooth_noise(rng, shape, 4 * scale))) * bias_field(rng, shape, 0.06)
    field = np.maximum(field + rng.uniform(0.02, 0.055) * rng.standard_normal(shape, np.float32), 0)
    return (field * 10 ** rng.uniform(0.5, 6)).astype(np.float32)  # real files reach from 4 to 1.7 million

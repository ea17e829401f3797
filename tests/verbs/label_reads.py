"""Pairs of the small label maps, and what reading them must give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from label_files import AFFINE, boxes

from medseg.core.labels import Label, LabelSet
from medseg.steps.label_classes import Labels
from medseg.steps.label_maps import LabelFile
from medseg.steps.label_pairs import Pair
from medseg.steps.label_reading import LeftOut, PairMaps, read_pair

NAMES = {"NCR": 1, "ED": 2, "ET": 4}
LABELS = Labels(
    LabelSet(tuple(Label(name, value) for name, value in NAMES.items()), {"WT": tuple(NAMES), "TC": ("NCR", "ET")})
)
CLASSES = np.where(boxes() == 4, 3, boxes())


def file(path: Path) -> LabelFile:
    return LabelFile("P1", path, "seg" if path.suffix == ".dcm" else "nifti", "P1")


def one(prediction: Path, reference: Path) -> Pair:
    return Pair("P1", file(reference), file(prediction))


def maps(pair: Pair, labels: Labels = LABELS) -> PairMaps:
    read = read_pair(pair, labels)
    assert isinstance(read, PairMaps), read
    for array in (read.reference, read.prediction):
        assert array is None or (array.dtype == np.uint8 and array.shape == read.reference.shape)
    return read


def failed(pair: Pair) -> str:
    read = maps(pair)
    assert read.prediction is None
    return read.failure


def left_out(pair: Pair) -> str:
    read = read_pair(pair, LABELS)
    assert isinstance(read, LeftOut)
    assert read.study == "P1"
    return read.sentence


def moved(voxels: float) -> np.ndarray:
    affine = AFFINE.copy()
    affine[:3, 3] += voxels * AFFINE[:3, 0]
    return affine

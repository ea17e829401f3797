"""Tiny scans to build data folders from."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medseg.core.volume import Volume
from medseg.io.nifti import write_volume

Scan = Callable[..., Path]


@pytest.fixture
def scan() -> Scan:
    """Writes a scan of 5 x 4 x 3 voxels, or of the array given, with its folders."""

    def write(path: Path, array: Any = None, affine: Any = None) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        if array is None:
            array = np.random.default_rng(len(str(path))).integers(0, 99, (5, 4, 3)).astype(np.int16)
        array = np.asarray(array)
        write_volume(path, Volume(array if array.ndim == 4 else array[None], np.eye(4) if affine is None else affine))
        return path

    return write


@pytest.fixture
def label(scan: Scan) -> Scan:
    """Writes a label map of 5 x 4 x 3 voxels with one voxel of each value given."""

    def write(path: Path, *values: int, affine: Any = None) -> Path:
        array = np.zeros((5, 4, 3), np.uint8)
        array.flat[: len(values)] = values
        return scan(path, array, affine)

    return write


@pytest.fixture
def description() -> Callable[..., Path]:
    """Writes a JSON file."""

    def write(path: Path, **values: Any) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), encoding="utf-8")
        return path

    return write

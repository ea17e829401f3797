"""A segmentation as DICOM objects on the slices it was made from, checked by reading it back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from medseg.bundle.read import Bundle
from medseg.steps.jobs import Result


def write_dicom(paths: Mapping[str, Path], bundle: Bundle, result: Result) -> None:
    """Not there yet."""
    raise NotImplementedError

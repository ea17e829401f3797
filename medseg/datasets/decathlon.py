"""Medical Segmentation Decathlon folders: a dataset.json that lists images and labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from medseg.core.study import Dataset
from medseg.datasets.datalist import read_listed
from medseg.datasets.dataset_json import FILE_NAME, description_in
from medseg.datasets.nnunet import is_nnunet


def is_decathlon(path: Path) -> bool:
    """Whether a folder has a dataset.json with a list of training images."""
    description = description_in(path) if path.is_dir() else None
    return description is not None and isinstance(description.get("training"), list) and not is_nnunet(path)


def read_decathlon(path: Path) -> Dataset:
    """Labelled studies of ``training`` and unlabelled ones of ``test``; 4D images give several channels.

    Raises:
        DatalistError: All listed files that are missing, and what is wrong in the dataset.json.
    """
    description: dict[str, Any] = description_in(path) or {}
    return read_listed("Medical Segmentation Decathlon folder", path, path / FILE_NAME, description)

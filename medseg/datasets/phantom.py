"""Cohorts of drawn anatomy: to try every command without a patient's data."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from medseg.core.errors import OutputError, UsageError
from medseg.core.files import write_json, write_text
from medseg.core.types import LabelArray
from medseg.core.volume import Volume
from medseg.datasets.phantom_brain import draw_brain
from medseg.datasets.phantom_hippocampus import draw_hippocampus
from medseg.io.nifti import write_label_map, write_volume

NOTICE = "PHANTOM.txt"
_VERSION = 1  # raise it when the drawing changes, so that no cohort is taken for another
_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_RAS = np.eye(4)


def write_phantom_cohort(folder: Path, *, kind: str, studies: int, seed: int, scale: float = 1.0) -> Path:
    """Draw a cohort into a new folder, whole or not at all; the same arguments give the same files.

    Args:
        folder: Must not exist, be empty, or hold this very cohort, which is then left as it is.
        kind: One of ``PHANTOMS``.
        studies: How many; study n is the same in a cohort of any size.
        seed: Another seed draws other anatomies.
        scale: Size of the matrix and the anatomy; voxels stay 1 mm.

    Returns:
        ``folder``.

    Raises:
        UsageError: No such kind.
        OutputError: The folder holds something else, or cannot be written.
    """
    if kind not in PHANTOMS:
        raise UsageError(f"There is no phantom '{kind}'; choose {' or '.join(PHANTOMS)}")
    notice = _notice(kind, studies, seed, scale)
    if (folder / NOTICE).is_file() and (folder / NOTICE).read_text(encoding="utf-8") == notice:
        return folder
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"'{folder}' holds something else; phantoms go into a new folder. Remove it or name another")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".tmp-phantom-", dir=folder.parent) as temporary:
            work = Path(temporary) / "cohort"
            PHANTOMS[kind](work, studies, seed, scale)
            write_text(work / NOTICE, notice)
            if folder.exists():
                folder.rmdir()
            shutil.move(work, folder)
    except OSError as error:
        raise OutputError(f"Cannot write '{folder}': {error.strerror or error}. Choose another folder") from error
    return folder


def _notice(kind: str, studies: int, seed: int, scale: float) -> str:
    return (
        f"Synthetic phantom cohort '{kind}' of {studies} studies, seed {seed}, scale {scale:g}, version {_VERSION}.\n"
        "Drawn by medseg from random numbers: no patient was scanned, and a model trained on it knows nothing\n"
        "about patients.\n"
    )


def _write_brains(folder: Path, studies: int, seed: int, scale: float) -> None:
    """BraTS folders with the names until 2021."""
    for n in range(studies):
        channels, labels = draw_brain(np.random.default_rng([seed, n]), scale)
        name = f"Phantom_{n:03d}"
        paths = {channel: folder / name / f"{name}_{channel}.nii.gz" for channel in channels}
        for channel, array in channels.items():
            _write(paths[channel], array, _LPS)
        write_label_map(folder / name / f"{name}_seg.nii.gz", labels, like=paths["t1"])


def _write_hippocampi(folder: Path, studies: int, seed: int, scale: float) -> None:
    """A Decathlon folder."""
    listed = []
    for n in range(studies):
        image, labels = draw_hippocampus(np.random.default_rng([seed, n]), scale)
        name = f"phantom_{n:03d}.nii.gz"
        _write(folder / "imagesTr" / name, image, _RAS)
        write_label_map(folder / "labelsTr" / name, labels, like=folder / "imagesTr" / name)
        listed.append({"image": f"./imagesTr/{name}", "label": f"./labelsTr/{name}"})
    description = {
        "name": "Hippocampus phantoms",
        "modality": {"0": "MRI"},
        "labels": {"0": "background", "1": "Anterior", "2": "Posterior"},
        "numTraining": studies,
        "training": listed,
        "test": [],
    }
    write_json(folder / "dataset.json", description)


def _write(path: Path, array: npt.NDArray[np.generic] | LabelArray, axes: npt.NDArray[np.float64]) -> None:
    """Write one channel with the centre of its matrix at the origin."""
    affine = axes.copy()
    affine[:3, 3] = -axes[:3, :3] @ ((np.array(array.shape) - 1) / 2)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_volume(path, Volume(array[None], affine))


PHANTOMS: Mapping[str, Callable[[Path, int, int, float], None]] = {
    "brain_tumour": _write_brains,
    "hippocampus": _write_hippocampi,
}

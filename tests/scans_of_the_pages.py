"""What a scanner may have sent, small, in the places that the pages name."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from pydicom import dcmread

from medseg.datasets.phantom_dicom import write_phantom_study
from medseg.io.nifti import read_label, write_labels

_SECOND_ECHO_MS = "30"
_TILT_MM = 0.35  # sideways per slice of 1 mm: 19 degrees


def write_scans(root: Path, older: Path) -> None:
    """Studies of one and of four series, a tree of studies, a series with two echoes, a tilted one.

    Args:
        root: Gets the folders.
        older: Folder of a NIfTI study, which the tree holds too.
    """
    write_phantom_study(root / "scans", kind="hippocampus")
    write_phantom_study(root / "study")
    write_phantom_study(root / "clinic" / "tuesday" / "first")
    write_phantom_study(root / "clinic" / "tuesday" / "second", seed=1)
    (root / "clinic" / "tuesday" / "second" / "flair" / "IM0030.dcm").unlink()
    shutil.copytree(older, root / "clinic" / "older" / older.name)
    write_phantom_study(root / "two_echoes", seed=2)
    _add_echo(root / "two_echoes" / "t2")
    write_phantom_study(root / "tilted", kind="hippocampus", seed=3)
    _tilt(root / "tilted" / "t1")


def write_label_maps(root: Path, references: Path) -> None:
    """References, the predictions of two models (one moved by a voxel, one by two), and which scanner made each.

    Args:
        root: Gets the folders ``labels``, ``model_a``, ``model_b`` and ``scanners.csv``.
        references: Folder of label maps.
    """
    rows = ["study,scanner"]
    for n, path in enumerate(sorted(references.iterdir())):
        labels, affine_ras = read_label(path)
        for shift, folder in enumerate(("labels", "model_a", "model_b")):
            (root / folder).mkdir(exist_ok=True)
            write_labels(root / folder / path.name, np.roll(labels, shift, axis=1), affine_ras)
        rows.append(f"{path.name.removesuffix('.nii.gz')},{'north' if n % 2 else 'south'}")
    (root / "scanners.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def _add_echo(folder: Path) -> None:
    """The same slices once more, as a scanner files a second echo: same series, other instances."""
    for path in sorted(folder.iterdir()):
        header = dcmread(path)
        header.EchoTime = _SECOND_ECHO_MS
        header.SOPInstanceUID = header.file_meta.MediaStorageSOPInstanceUID = f"{header.SOPInstanceUID[:60]}.2"
        header.save_as(path.with_name(f"echo2_{path.name}"))


def _tilt(folder: Path) -> None:
    """Every slice a little further along the columns than the one before."""
    for k, path in enumerate(sorted(folder.iterdir())):
        header = dcmread(path)
        down = [float(cosine) for cosine in header.ImageOrientationPatient[3:]]
        place = [float(p) + k * _TILT_MM * d for p, d in zip(header.ImagePositionPatient, down, strict=True)]
        header.ImagePositionPatient = [f"{value:.9f}"[:16] for value in place]
        header.save_as(path)

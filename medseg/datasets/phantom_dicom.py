"""A drawn study as a scanner would send it: DICOM series to try the whole way on, from check to report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from medseg.core.errors import OutputError, UsageError
from medseg.core.types import Affine
from medseg.core.volume import Volume
from medseg.datasets.phantom_brain import draw_brain
from medseg.datasets.phantom_hippocampus import draw_hippocampus
from medseg.io.dicom_write import write_series

# Below the root that pydicom gives to everyone; kind and seed follow, so a study drawn again is the same study.
_UID_ROOT = "1.2.826.0.1.3680043.8.498.7"
_NUMBER_OF_KIND = {"brain_tumour": 1, "hippocampus": 2}
_RIGHT_LEFT_BACK_UP = np.diag([-1.0, -1.0, 1.0])  # i to the left, j to the back, k up: axial as scanners send it
_TILT_DEGREES = (8.0, -5.0, 3.0)  # heads lie at an angle: no axis of the grid is one of the patient
_TWELVE_BITS = 4095


@dataclass(frozen=True)
class _Sequence:
    """One MR series: the channel drawn, its folder, and what the scanner would write."""

    channel: str
    folder: str
    description: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


_SPIN_ECHO = {"ScanningSequence": "SE", "SequenceVariant": "SK", "MRAcquisitionType": "2D"}
_STUDIES: Mapping[str, tuple[_Sequence, ...]] = {
    "brain_tumour": (
        _Sequence("t1", "t1", "T1 SE", {**_SPIN_ECHO, "RepetitionTime": "500", "EchoTime": "10"}),
        _Sequence(
            "t1ce",
            "t1c",
            "T1 SE post contrast",
            {**_SPIN_ECHO, "RepetitionTime": "500", "EchoTime": "10", "ContrastBolusAgent": "gadoteric acid"},
        ),
        _Sequence("t2", "t2", "T2 TSE", {**_SPIN_ECHO, "RepetitionTime": "4000", "EchoTime": "90"}),
        _Sequence(
            "flair",
            "flair",
            "FLAIR",
            {
                **_SPIN_ECHO,
                "ScanningSequence": ["SE", "IR"],
                "InversionTime": "2500",
                "RepetitionTime": "9000",
                "EchoTime": "90",
            },
        ),
    ),
    "hippocampus": (
        _Sequence(
            "t1",
            "t1",
            "T1 MPRAGE",
            {
                "ScanningSequence": ["GR", "IR"],
                "SequenceVariant": "MP",
                "MRAcquisitionType": "3D",
                "RepetitionTime": "1900",
                "EchoTime": "2.3",
                "InversionTime": "900",
            },
        ),
    ),
}


def write_phantom_study(
    folder: Path, *, kind: str = "brain_tumour", seed: int = 0, attributes: Mapping[str, Any] | None = None
) -> Path:
    """Draw one study and write it as DICOM, each series in a folder of its own; the same arguments give the same files.

    The brain tumour has the MR series ``t1``, ``t1c``, ``t2`` and ``flair`` of 64 slices, the hippocampus ``t1`` of
    about 36; all of a study share one slightly oblique grid and frame of reference. MR values have no unit: those that
    are not whole numbers of 12 bits are scaled to them, so a voxel of value 0.7 may be stored as 2866.

    Args:
        folder: New or empty.
        kind: "brain_tumour" or "hippocampus".
        seed: Another seed draws another patient.
        attributes: DICOM keyword to value, for every series; stronger than what is written otherwise.

    Returns:
        ``folder``.

    Raises:
        UsageError: No such kind.
        OutputError: The folder holds something, or cannot be written.
    """
    if kind not in _STUDIES:
        raise UsageError(f"There is no phantom study '{kind}'; choose {' or '.join(_STUDIES)}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"'{folder}' holds something already; a phantom study goes into a new folder. Name another")
    channels = _draw(kind, np.random.default_rng([seed, 0]))
    identity = {"PatientID": f"MEDSEG-PHANTOM-{seed}", "ProtocolName": f"{kind} phantom", "MagneticFieldStrength": "3"}
    study_uid = f"{_UID_ROOT}.{_NUMBER_OF_KIND[kind]}.{seed}"
    for number, sequence in enumerate(_STUDIES[kind], start=1):
        write_series(
            _whole(channels[sequence.channel]),
            folder / sequence.folder,
            description=sequence.description,
            number=number,
            study_uid=study_uid,
            attributes={**identity, **sequence.attributes, **(attributes or {})},
        )
    return folder


def _draw(kind: str, rng: np.random.Generator) -> dict[str, npt.NDArray[Any]]:
    """Channel to array (I, J, K): i to the left, j to the back, k up, voxels of 1 mm."""
    if kind == "brain_tumour":
        return draw_brain(rng, 2 / 3)[0]
    image, _ = draw_hippocampus(rng, 1.0)
    return {"t1": image[::-1, ::-1]}  # drawn with i to the right and j to the front


def _whole(array: npt.NDArray[Any]) -> Volume:
    """Whole numbers of at most 12 bits, the brightest voxel the highest, centred at the origin."""
    highest = float(array.max())
    fits = highest <= _TWELVE_BITS and bool((array == np.rint(array)).all())
    values = array if fits else np.rint(array * (_TWELVE_BITS / highest))
    return Volume(values.astype(np.int16)[None], _affine(array.shape))


def _affine(shape: tuple[int, ...]) -> Affine:
    affine = np.eye(4)
    affine[:3, :3] = _turn(*np.radians(_TILT_DEGREES)) @ _RIGHT_LEFT_BACK_UP
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return affine


def _turn(about_x: float, about_y: float, about_z: float) -> npt.NDArray[np.float64]:
    """Rotation about the patient's axes, radians."""
    turned = np.eye(3)
    for axis, angle in enumerate((about_x, about_y, about_z)):
        a, b = [n for n in range(3) if n != axis]
        one = np.eye(3)
        one[a, a] = one[b, b] = np.cos(angle)
        one[a, b], one[b, a] = -np.sin(angle), np.sin(angle)
        turned = one @ turned
    return turned

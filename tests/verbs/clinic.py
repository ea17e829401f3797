"""Small DICOM studies as a clinic would hand them in, right and wrong, for the tests of verbs and steps."""

from __future__ import annotations

import base64
import gzip
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.uid import Comprehensive3DSRStorage, ExplicitVRLittleEndian, SegmentationStorage

from medseg.core.volume import Volume
from medseg.io.dicom_write import write_series

SHAPE = (24, 28, 20)
AXIAL = np.array([[-1.0, 0, 0, 12], [0, -1.0, 0, 14], [0, 0, 2.0, -20], [0, 0, 0, 1]])  # i to the left, j to the back
_SPIN_ECHO = {"ScanningSequence": "SE", "SequenceVariant": "SK", "MRAcquisitionType": "2D"}
_T1 = {**_SPIN_ECHO, "RepetitionTime": "500", "EchoTime": "10"}
# What the rules of brats_unet3d recognise: channel to number, description and attributes.
BRAIN: Mapping[str, tuple[int, str, Mapping[str, Any]]] = {
    "t1": (1, "T1 SE", _T1),
    "t1c": (2, "T1 SE post contrast", {**_T1, "ContrastBolusAgent": "gadoteric acid"}),
    "t2": (3, "T2 TSE", {**_SPIN_ECHO, "RepetitionTime": "4000", "EchoTime": "90"}),
    "flair": (
        4,
        "FLAIR",
        {
            **_SPIN_ECHO,
            "ScanningSequence": ["SE", "IR"],
            "InversionTime": "2500",
            "RepetitionTime": "9000",
            "EchoTime": "90",
        },
    ),
}
# What the rule of hippocampus_unet3d recognises.
MPRAGE = {
    "ScanningSequence": ["GR", "IR"],
    "SequenceVariant": "MP",
    "MRAcquisitionType": "3D",
    "RepetitionTime": "1900",
    "EchoTime": "2.3",
    "InversionTime": "900",
}

# Nobody's; each part must be found again if it leaks.
IDENTITY: Mapping[str, Any] = {
    "PatientName": "Dumbledore^Albus",
    "PatientID": "HOG-188107",
    "AccessionNumber": "ACC5550123",
    "StudyDate": "20190813",
    "SeriesDate": "20190813",
    "AcquisitionDate": "20190814",
    "PatientBirthDate": "18810702",
    "ReferringPhysicianName": "Pomfrey^Poppy",
    "InstitutionName": "Mungo Infirmary",
    "StudyID": "VISIT77120",
}
LEAKS = (
    *("dumbledore", "albus", "hog-188107", "188107", "acc5550123", "5550123", "20190813", "20190814", "18810702"),
    *("2019-08-13", "13.08.2019", "1881-07-02", "pomfrey", "poppy", "mungo", "infirmary", "visit77120"),
)


def scan(seed: int = 0, shape: tuple[int, int, int] = SHAPE, affine: np.ndarray = AXIAL) -> Volume:
    """A volume of random blobs, whole numbers of 12 bits."""
    coarse = np.random.default_rng(seed).integers(0, 1000, [n // 4 + 1 for n in shape])
    fine = coarse.repeat(4, 0).repeat(4, 1).repeat(4, 2)[: shape[0], : shape[1], : shape[2]]
    ramp = np.arange(shape[0] * shape[1] * shape[2]).reshape(shape) % 97  # no two places look alike
    return Volume((fine + ramp).astype(np.int16)[None], affine)


def t1_study(folder: Path, *, study: str = "1.2.3.1", seed: int = 0, volume: Volume | None = None, **more: Any) -> Path:
    """A study of one series that hippocampus_unet3d takes, in ``folder`` itself."""
    write_series(
        volume or scan(seed), folder, description="T1 MPRAGE", number=1, study_uid=study, attributes={**MPRAGE, **more}
    )
    return folder


def brain_study(
    folder: Path,
    *,
    study: str = "1.2.3.2",
    volumes: Mapping[str, Volume] | None = None,
    attributes: Mapping[str, Mapping[str, Any]] | None = None,
    **more: Any,
) -> Path:
    """A study of four series that brats_unet3d takes, each in a folder named after its channel.

    Args:
        folder: Gets the four folders.
        study: StudyInstanceUID.
        volumes: Channel to what was scanned, where it is not to be random on the same grid.
        attributes: Channel to what its headers say besides.
        **more: What the headers of all series say besides.
    """
    for seed, (channel, (number, description, own)) in enumerate(BRAIN.items()):
        write_series(
            (volumes or {}).get(channel) or scan(seed),
            folder / channel,
            description=description,
            number=number,
            study_uid=study,
            attributes={**own, **more, **(attributes or {}).get(channel, {})},
        )
    return folder


def lose_slice(folder: Path, number: int = 9) -> Path:
    """Delete one slice in the middle of a series; gives the folder."""
    (folder / f"IM{number:04d}.dcm").unlink()
    return folder


def leaks(output: Path, *texts: str, words: Sequence[str] = LEAKS) -> list[str]:
    """Where an identity stands: in a name or the bytes of a file that is no DICOM object, or in a text.

    Args:
        output: Folder looked through; what is packed or in base64 is unpacked.
        *texts: What was said.
        words: In lower case; those of ``IDENTITY`` where not given.
    """
    found = [f"text {n}: {word}" for n, text in enumerate(texts) for word in _words_in(text, words)]
    for path in sorted(output.rglob("*")):
        name = path.relative_to(output).as_posix()
        found += [f"name {name}: {word}" for word in _words_in(name, words)]
        if path.is_file() and path.suffix != ".dcm":
            content = path.read_bytes()
            content = gzip.decompress(content) if path.suffix == ".gz" else content
            content += b"".join(base64.b64decode(one) for one in re.findall(rb"base64,([A-Za-z0-9+/=]+)", content))
            found += [f"{name}: {word}" for word in _words_in(content.decode("latin-1"), words)]
    return found


def _words_in(text: str, words: Sequence[str]) -> list[str]:
    low = text.lower()
    squeezed = re.sub(r"[\s^_]+", "", low)
    return [word for word in words if word in low or word in squeezed]


def edit(folder: Path, change: Callable[[Dataset, int], None]) -> Path:
    """Change the header of every slice of a series, given with its number from 0; gives the folder."""
    for number, path in enumerate(sorted(folder.glob("IM*.dcm"))):
        dataset = dcmread(path)
        change(dataset, number)
        dataset.save_as(path)
    return folder


def tilt(folder: Path, shift_mm: float = 0.8) -> Path:
    """Shift each slice against the one before along the columns, as a tilted gantry does."""

    def shift(dataset: Dataset, number: int) -> None:
        x, y, z = (float(value) for value in dataset.ImagePositionPatient)
        dataset.ImagePositionPatient = [x, y + number * shift_mm, z]

    return edit(folder, shift)


def add_results(folder: Path, study: str = "1.2.3.1") -> Path:
    """A segmentation and a report of a study, as a PACS sends them along; gives their folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, (name, sop_class) in enumerate({"SEG": SegmentationStorage, "SR": Comprehensive3DSRStorage}.items()):
        one = Dataset()
        one.SOPClassUID, one.SOPInstanceUID = sop_class, f"{study}.8.{number}"
        one.StudyInstanceUID, one.SeriesInstanceUID = study, f"{study}.9.{number}"
        one.Modality, one.SeriesNumber, one.SeriesDescription = name, 90 + number, f"result {name}"
        one.PatientID = "MEDSEG-PHANTOM"
        if name == "SEG":
            one.Rows, one.Columns, one.NumberOfFrames = 28, 24, 1
        one.file_meta = FileMetaDataset()
        one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        one.save_as(folder / f"{name}.dcm", enforce_file_format=True)
    return folder

"""Small series with an invented patient wherever a DICOM file can hold one: header, private groups, preamble …"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
from pydicom import Dataset, dcmread, dcmwrite
from pydicom.uid import EnhancedMRImageStorage

from medseg.core.volume import Volume
from medseg.io.dicom_deidentify import Outcome, deidentify_file
from medseg.io.dicom_pseudonyms import Pseudonyms
from medseg.io.dicom_write import write_series

KEY = Pseudonyms(b"a key of the tests alone")
Edit = Callable[[Dataset], None]

# None of these may be in a byte of a result. No such person is known to us.
WORDS = (
    *("Quirinus", "Zabinsky", "ZQ-77123", "19570304", "20210917", "ACC99817", "Waldfrieden", "Lindenallee"),
    *("Mordechai", "Oldershaw", "SN-55512", "STATION9", "1.2.276.0.99", "Nickname", "ORIGINAE", "hidden words"),
)
STUDY_UID, SERIES_UID, FRAME_UID = "1.2.276.0.99.1", "1.2.276.0.99.2", "1.2.276.0.99.3"
_ATTRIBUTES = {
    "PatientName": "Zabinsky^Quirinus",
    "PatientID": "ZQ-77123",
    "PatientBirthDate": "19570304",
    "PatientAge": "064Y",
    "PatientWeight": "71",
    "OtherPatientIDs": "ZQ-77123-B",
    "PatientComments": "hidden words of Zabinsky",
    "AccessionNumber": "ACC99817",
    "StudyDate": "20210917",
    "SeriesDate": "20210917",
    "AcquisitionDate": "20210917",
    "ContentDate": "20210917",
    "StudyTime": "101112",
    "AcquisitionDateTime": "20210917101112",
    "InstitutionName": "Waldfrieden Hospital",
    "InstitutionAddress": "Lindenallee 3",
    "ReferringPhysicianName": "Oldershaw^Mordechai",
    "OperatorsName": "Oldershaw^Mordechai",
    "DeviceSerialNumber": "SN-55512",
    "StationName": "STATION9",
    "StudyDescription": "brain of Zabinsky",
    "ProtocolName": "head Waldfrieden",
    "ImageComments": "hidden words",
    "ContrastBolusAgent": "gadolinium given by Oldershaw",
    "BodyPartExamined": "HEAD",
    "MagneticFieldStrength": "3",
    "FlipAngle": "90",
    "SeriesDescription": "T1 TSE",
}


def volume(seed: int = 0, slices: int = 12) -> Volume:
    """Random values on an oblique grid of 3 mm slices."""
    turn = np.deg2rad(20)
    axes = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = axes * [0.9, 0.8, 3.0]
    affine[:3, 3] = [-20, 13, 7]
    voxels = np.random.default_rng(seed).integers(0, 1500, (1, 14, 10, slices)).astype(np.float32)
    return Volume(voxels, affine)


def write_planted(folder: Path, *, modality: str = "MR", seed: int = 0, series_uid: str = SERIES_UID) -> list[Path]:
    """A classic series with the patient in it; file names name the patient too."""
    paths = write_series(
        volume(seed),
        folder,
        modality=modality,
        description="T1 TSE",
        study_uid=STUDY_UID,
        series_uid=series_uid,
        frame_of_reference_uid=FRAME_UID,
        attributes={**_ATTRIBUTES, "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL" if modality == "CT" else "OTHER"]},
    )
    renamed = []
    for number, path in enumerate(paths):
        dataset = dcmread(path)
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = instance_uid(series_uid, number)
        del dataset.Laterality  # heads come single
        plant(dataset)
        path.unlink()
        renamed.append(folder / f"Zabinsky_{number:02d}")
        save(dataset, renamed[-1])
    return renamed


def write_enhanced(folder: Path) -> Path:
    """The same as one enhanced multi-frame object."""
    paths = write_planted(folder)
    slices = [dcmread(path) for path in paths]
    for path in paths:
        path.unlink()
    whole = copy.deepcopy(slices[0])
    whole.SOPClassUID = whole.file_meta.MediaStorageSOPClassUID = EnhancedMRImageStorage
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"):
        del whole[keyword]
    whole.NumberOfFrames = len(slices)
    whole.SharedFunctionalGroupsSequence = [_shared(slices[0])]
    whole.PerFrameFunctionalGroupsSequence = [_frame(number, one) for number, one in enumerate(slices)]
    whole.PixelData = b"".join(one.PixelData for one in slices)
    save(whole, folder / "Zabinsky.dcm")
    return folder / "Zabinsky.dcm"


def deidentify_all(folder: Path, output: Path, **options: bool) -> list[Outcome]:
    """What becomes of each file of a folder, by path."""
    taken: set[Path] = set()
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return [deidentify_file(one, output, KEY, root=folder, taken=taken, **options) for one in files]


def deidentify_one(folder: Path, edit: Edit | None = None, **options: bool) -> tuple[Outcome, Dataset, Dataset | None]:
    """Outcome of one slice after an edit, its source, and the result."""
    first, *others = write_planted(folder / "in")
    for other in others:
        other.unlink()
    source = dcmread(first)
    if edit:
        edit(source)
        save(source, first)
    (outcome,) = deidentify_all(folder / "in", folder / "out", **options)
    return outcome, source, dcmread(outcome.written) if outcome.written else None


def result_of(folder: Path, edit: Edit | None = None, **options: bool) -> Dataset:
    """The result alone, where there must be one."""
    outcome, _, result = deidentify_one(folder, edit, **options)
    assert result is not None, outcome
    return result


def save(dataset: Dataset, path: Path) -> None:
    """Write with a preamble and a file meta that name the patient as well."""
    dataset.preamble = b"Zabinsky".ljust(128, b"\0")
    dataset.file_meta.SourceApplicationEntityTitle = "ORIGINAE"
    dataset.file_meta.ImplementationVersionName = "STATION9"
    dcmwrite(path, dataset)


def plant(dataset: Dataset) -> None:
    """Put the patient into sequences, private groups and overlays."""
    dataset.RequestAttributesSequence = [
        _item(RequestedProcedureID="ZQ-77123", ScheduledProcedureStepDescription="Nickname")
    ]
    dataset.ReferencedImageSequence = [
        _item(ReferencedSOPClassUID=dataset.SOPClassUID, ReferencedSOPInstanceUID=instance_uid(SERIES_UID, 0))
    ]
    anatomy = _item(
        CodeValue="12738006", CodingSchemeDesignator="SCT", CodeMeaning="Brain", PatientComments="hidden words"
    )
    dataset.AnatomicRegionSequence = [_with_private(anatomy)]
    dataset.ProcedureCodeSequence = [
        _item(CodeValue="ZQ-77123", CodingSchemeDesignator="99HOSP", CodeMeaning="Nickname")
    ]
    dataset.IconImageSequence = [_item(Rows=1, Columns=2, PatientComments="hidden words")]
    _with_private(dataset)
    dataset.add_new(0x60000010, "US", 1)
    dataset.add_new(0x60000022, "LO", "hidden words")
    dataset.add_new(0x60003000, "OW", b"hidden words")
    dataset.add_new(0x50000022, "LO", "hidden words")
    dataset.add_new(0xFFFCFFFC, "OB", b"hidden words")


def instance_uid(series_uid: str, number: int) -> str:
    return f"{series_uid}.{number + 1}"


def _with_private(dataset: Dataset) -> Dataset:
    block = dataset.private_block(0x0029, "ACME Zabinsky", create=True)
    block.add_new(0x10, "LO", "Quirinus Zabinsky")
    block.add_new(0x11, "SQ", [_item(PatientName="Zabinsky^Quirinus")])
    return dataset


def _item(**attributes: object) -> Dataset:
    item = Dataset()
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return item


def _shared(one: Dataset) -> Dataset:
    return _item(
        PlaneOrientationSequence=[_item(ImageOrientationPatient=one.ImageOrientationPatient)],
        PixelMeasuresSequence=[_item(PixelSpacing=one.PixelSpacing, SliceThickness="3")],
        MRTimingAndRelatedParametersSequence=[_item(RepetitionTime="500", FlipAngle="90")],
    )


def _frame(number: int, one: Dataset) -> Dataset:
    content = _item(
        FrameAcquisitionDateTime="20210917101112",
        FrameComments="hidden words",
        StackID="1",
        InStackPositionNumber=number + 1,
    )
    return _with_private(
        _item(
            PlanePositionSequence=[_item(ImagePositionPatient=one.ImagePositionPatient)],
            FrameContentSequence=[_with_private(content)],
        )
    )

"""One DICOM file without its patient: an allow-list of attributes, new UIDs, the same pixels; checked after writing."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydicom import Dataset, dcmread, dcmwrite
from pydicom.filereader import read_file_meta_info
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from medseg.core.files import replacing
from medseg.io.dicom_cleaning import cleaned
from medseg.io.dicom_exclusion import SEGMENTATION, burned_in, exclusion, pixel_fault, shows_a_face
from medseg.io.dicom_files import open_dataset, read_headers
from medseg.io.dicom_leftovers import Identity, identity_of, what_is_left
from medseg.io.dicom_pseudonyms import Pseudonyms


@dataclass(frozen=True)
class Outcome:
    """What became of one file.

    Attributes:
        source: The file.
        state: "written"; "left_out" on purpose; "failed", also where the result still named the patient; or "other"
            where it is no DICOM.
        code: Why it was not written; empty where it was.
        reason: The same as a phrase; names no patient.
        written: The result; None where there is none.
        patient: Pseudonym.
        face: Whether a face could be rendered from the series.
        burned_in: Why text may stand in the pixels of what was written; empty where nothing says so.
    """

    source: Path
    state: Literal["written", "left_out", "failed", "other"]
    code: str = ""
    reason: str = ""
    written: Path | None = None
    patient: str = ""
    face: bool = False
    burned_in: str = ""


def deidentify_file(
    source: Path,
    output: Path,
    pseudonyms: Pseudonyms,
    *,
    root: Path,
    taken: set[Path],
    keep_descriptions: bool = False,
    allow_burned_in: bool = False,
) -> Outcome:
    """Write one file without identity as ``output/<patient>/<series>/IM<number>_<instance>.dcm``.

    Args:
        source: Any file.
        output: Folder of all results.
        pseudonyms: What stands for patients and UIDs.
        root: Folder all sources lie in; without a SeriesInstanceUID, series are told apart by their folder.
        taken: Results of this run; the new one is added. Two sources of one SOPInstanceUID are both written.
        keep_descriptions: Whether SeriesDescription and ProtocolName stay where they hold no word of the identity.
        allow_burned_in: Whether images are written although text is usual in their pixels, or declared.

    Returns:
        What became of it; a bad file raises nothing.

    Raises:
        OutputError: The folder cannot be written or the disk is full.
    """
    with _quiet():
        dataset = _opened(source)
        if isinstance(dataset, Outcome):
            return dataset
        try:
            if fault := exclusion(dataset, allow_burned_in=allow_burned_in):
                return Outcome(source, "left_out", fault.code, fault.sentence)
            if fault := pixel_fault(dataset):
                return Outcome(source, "failed", fault.code, fault.sentence)
            identity = identity_of(dataset)
            result = cleaned(dataset, pseudonyms, identity, keep_descriptions=keep_descriptions)
            content = _encoded(result)
            target = _free(output / _place(result, source, root, pseudonyms), taken)
        except Exception as error:  # pydicom raises almost anything on damaged values
            return Outcome(source, "failed", "unreadable", f"cannot be rewritten ({type(error).__name__})")
        if left := _written(target, content, identity, dataset):
            target.unlink(missing_ok=True)
            return Outcome(source, "failed", "identity_left", f"the result still held {', '.join(left)}; removed")
        taken.add(target)
        return Outcome(
            source,
            "written",
            written=target,
            patient=str(result.PatientID),
            face=shows_a_face(dataset),
            burned_in=burned_in(dataset),
        )


def _opened(source: Path) -> Dataset | Outcome:
    """A file with its pixels and its real transfer syntax."""
    try:
        found = read_headers(source)
        if found.damaged:
            code = found.damaged[0].finding.code
            return Outcome(source, "failed", code, code.replace("_", " "))  # its sentence may quote a value
        if not found.headers:
            return Outcome(source, "other", "no_dicom", "no DICOM object")
        dataset = open_dataset(source, with_pixels=True)
        if "TransferSyntaxUID" not in dataset.file_meta:
            implicit, little = dataset.original_encoding
            dataset.file_meta.TransferSyntaxUID = (
                ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian if little else ExplicitVRBigEndian
            )
        elif dataset.preamble and read_file_meta_info(source).TransferSyntaxUID == DeflatedExplicitVRLittleEndian:
            dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
        return dataset
    except Exception as error:  # pydicom raises almost anything on damaged bytes
        return Outcome(source, "failed", "unreadable", f"cannot be read as DICOM ({type(error).__name__})")


def _encoded(result: Dataset) -> bytes:
    buffer = io.BytesIO()
    dcmwrite(buffer, result)
    return buffer.getvalue()


def _place(result: Dataset, source: Path, root: Path, pseudonyms: Pseudonyms) -> Path:
    """Folders and name of a result; nothing of the source's own path is in them but its digest."""
    series = str(result.get("SeriesInstanceUID", "") or "")
    folder = pseudonyms.folder(series or f"folder {source.parent.relative_to(root).as_posix()}")
    instance = pseudonyms.folder(str(result.get("SOPInstanceUID", "") or ""))[:8]
    try:
        number = int(result.get("InstanceNumber") or 0)
    except (TypeError, ValueError):
        number = 0
    prefix = "SEG" if result.get("SOPClassUID") == SEGMENTATION else "IM"
    return Path(str(result.PatientID), folder, f"{prefix}{max(number, 0) % 10**8:04d}_{instance}.dcm")


def _free(target: Path, taken: set[Path]) -> Path:
    stem, number = target.stem, 1
    while target in taken:
        number += 1
        target = target.with_name(f"{stem}_{number}.dcm")
    return target


def _written(target: Path, content: bytes, identity: Identity, source: Dataset) -> list[str]:
    """Write, read again, and say what must not be there; the file takes its place only where nothing is."""
    try:
        with replacing(target) as temporary:
            temporary.write_bytes(content)
            again = temporary.read_bytes()
            left = what_is_left(again, identity)
            if dcmread(io.BytesIO(again)).PixelData != source.PixelData:
                left.append("other pixels than its source")
            if left:
                raise _StillNamesError(left)
    except _StillNamesError as found:
        return found.left
    return []


class _StillNamesError(Exception):
    """Stops a file from taking its place."""

    def __init__(self, left: list[str]) -> None:
        super().__init__(", ".join(left))
        self.left = left


@contextmanager
def _quiet() -> Iterator[None]:
    """Pydicom quotes odd values in its warnings, which may be names."""
    log = logging.getLogger("pydicom")
    before = log.disabled
    log.disabled = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.disabled = before

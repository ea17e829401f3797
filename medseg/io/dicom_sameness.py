"""Whether the files of one series belong together: one patient, study and grid, and no file twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydicom import Dataset

from medseg.core.files import digest_of_file
from medseg.core.in_words import counted
from medseg.core.verdict import Finding
from medseg.io.dicom_files import Header
from medseg.io.dicom_series import Slice
from medseg.io.dicom_slices import numbers

SPACING_RTOL = 1e-4  # relative; printing PixelSpacing with five digits stays below it


class _One(NamedTuple):
    """An attribute that all files of a series share."""

    keyword: str
    code: str
    what: str


_IDENTITY = (
    _One("PatientID", "patients_mixed", "patients"),
    _One("StudyInstanceUID", "studies_mixed", "studies"),
    _One("FrameOfReferenceUID", "frames_of_reference_mixed", "frames of reference"),
)
# A slice of fewer bits than the others is a header that does not fit its pixels: their upper bits would be cut.
_FORMAT = ("Modality", "PhotometricInterpretation", "SamplesPerPixel", "BitsAllocated", "BitsStored", "HighBit")


def identity_faults(headers: Sequence[Header], name: str) -> Iterator[Finding]:
    """Patients, studies and frames of reference that differ within a series; values are not shown."""
    for keyword, code, what in _IDENTITY:
        values = {_same_for_all(keyword, one) for one in headers}
        if len(values) > 1:
            told = "PatientID or PatientName" if keyword == "PatientID" else keyword
            yield Finding(code, f"{name}: instances of {len(values)} {what} ({told} differs). Separate them.")


def patient_of(header: Header) -> str:
    """What tells patients apart: the id, or the name where there is no id; empty where there is neither."""
    return patient_in(header.dataset)


def patient_in(dataset: Dataset) -> str:
    """As ``patient_of``, of a header without its file."""
    name = str(dataset.get("PatientName", "") or "").rstrip("^= ").casefold()
    return str(dataset.get("PatientID", "") or "") or name


def once(headers: Sequence[Header], name: str) -> tuple[list[Header], list[Finding], list[Finding]]:
    """Headers with byte-equal copies left out, and what was found: refusals, then warnings.

    Instances without a SOPInstanceUID are compared where they lie at one position.
    """
    first: dict[object, Header] = {}
    copies, refusals = 0, []
    for one in headers:
        kept = first.setdefault(_identity(one), one)
        if kept is one:
            continue
        if digest_of_file(kept.path) == digest_of_file(one.path):
            copies += 1
        elif one.dataset.get("SOPInstanceUID"):
            what = f"'{kept.path.name}' and '{one.path.name}' are one instance (SOPInstanceUID) with different content"
            refusals.append(Finding("instance_twice", f"{name}: {what}. Fetch the series again."))
        else:
            first[one.path] = one
    ignored = f"{name}: {counted(copies, 'duplicate instance')} ignored (byte-equal)."
    warnings = [Finding("duplicate_instance", ignored)] if copies else []
    return list(first.values()), refusals, warnings


def missing_faults(slices: Sequence[Slice], name: str) -> Iterator[Finding]:
    """Position, orientation or pixel spacing that is absent or no numbers."""
    for code, keyword, field in (
        ("position_absent", "ImagePositionPatient", "position_lps"),
        ("orientation_absent", "ImageOrientationPatient", "rows_columns_lps"),
        ("pixel_spacing_absent", "PixelSpacing", "pixel_spacing_mm"),
    ):
        without = [one for one in slices if getattr(one, field) is None]
        if without:
            value = without[0].header.get(keyword)
            found = "missing" if value in (None, "") else f"unusable ({str(value)[:40]!r})"
            first = f", first in '{without[0].path.name}'"
            reason = f"{name}: {keyword} {found} in {len(without)} of {len(slices)} slices{first}. Export it again."
            yield Finding(code, reason)


def grid_faults(slices: Sequence[Slice], name: str) -> Iterator[Finding]:
    """Size, pixel spacing and pixel format that differ between slices; the first file that differs is named."""
    for code, what, value, told in (
        ("size_differs", "Rows and Columns", _size, "{0[0]}x{0[1]}"),
        ("pixel_spacing_differs", "PixelSpacing", _spacing, "{0[0]:.6g} x {0[1]:.6g} mm"),
        ("pixel_format_differs", ", ".join(_FORMAT), _format, "{0}"),
    ):
        odd = _first_odd(slices, value)
        if odd:
            path, found, usual, count = odd
            reason = f"{what} {told.format(found)}, the series has {told.format(usual)}"
            yield Finding(code, f"{name}: '{path.name}': {reason} ({count} of {len(slices)} slices). Separate them.")


def _same_for_all(keyword: str, header: Header) -> str:
    return patient_of(header) if keyword == "PatientID" else str(header.dataset.get(keyword, "") or "")


def _identity(header: Header) -> object:
    uid = header.dataset.get("SOPInstanceUID")
    return str(uid) if uid else (numbers(header.dataset.get("ImagePositionPatient"), 3) or header.path)


def _size(one: Slice) -> tuple[int, int]:
    return int(one.header.get("Rows") or 0), int(one.header.get("Columns") or 0)


def _spacing(one: Slice) -> tuple[float, float]:
    return one.pixel_spacing_mm or (0.0, 0.0)


def _format(one: Slice) -> tuple[str, ...]:
    return tuple(str(one.header.get(keyword, "")) for keyword in _FORMAT)


def _first_odd(slices: Sequence[Slice], value: Callable[[Slice], Any]) -> tuple[Path, Any, Any, int] | None:
    usual = Counter(map(value, slices)).most_common(1)[0][0]
    odd = [one for one in slices if not _same(value(one), usual)]
    return (odd[0].path, value(odd[0]), usual, len(odd)) if odd else None


def _same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    if isinstance(one[0], float):
        return all(abs(a - b) <= SPACING_RTOL * max(abs(a), abs(b)) for a, b in zip(one, other, strict=True))
    return one == other

"""DICOM series to checked volumes: the functions the rest of medseg calls."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from medseg.core.errors import DicomError
from medseg.core.verdict import Finding, Verdict
from medseg.core.volume import Volume
from medseg.io.dicom_files import Damaged, Header, read_headers
from medseg.io.dicom_gate import judge
from medseg.io.dicom_sameness import patient_of
from medseg.io.dicom_series import Series
from medseg.io.dicom_volume import load
from medseg.io.dicom_volumes import check_keywords

_FROM_ABSENCE = ("slice_missing", "spacing_uneven", "too_few_slices")  # what an unreadable slice looks like


@dataclass(frozen=True)
class Found:
    """What lies in a folder.

    Attributes:
        series: Every series, by study, number and UID; refused ones too.
        others: Number of files that are not DICOM.
        damaged: Files that may belong to a series and cannot be read; where they lie beside slices, these are refused.
    """

    series: tuple[Series, ...]
    others: int
    damaged: tuple[Damaged, ...] = ()


def find_series(path: Path, *, select: Mapping[str, str] | None = None, resample_tilt: bool = False) -> Found:
    """Every DICOM series below a folder, judged by its headers; pixels are not read.

    Args:
        path: A folder, looked through in any depth, or one DICOM file.
        select: Attribute keyword to value: keeps these slices of a series that holds several volumes.
        resample_tilt: Accept a tilted gantry; ``read_series`` then resamples.

    Raises:
        UsageError: ``select`` names what is no DICOM attribute.
    """
    check_keywords(select or {})
    with _quiet():
        files = read_headers(path)
        groups: dict[tuple[str, str], list[Header]] = {}
        for one in files.headers:
            groups.setdefault(_series_of(one), []).append(one)
        series = [judge(group, select=select or {}, resample_tilt=resample_tilt) for group in groups.values()]
    doubted = _doubted(files.headers, files.damaged)
    series = [_with_doubts(one, doubted) for one in series]
    series.sort(key=lambda one: (one.study_uid, one.number is None, one.number or 0, one.uid))
    return Found(tuple(series), files.others, files.damaged)


def read_series(series: Series) -> tuple[Volume, Verdict]:
    """Rescaled voxels as float32 (1, I, J, K) in RAS+ mm, and the verdict with what the pixels showed.

    Values are stored value x slope + intercept of each slice; MONOCHROME1 is not inverted; padding becomes
    background (CT: -1024 HU). The array is a view with k slowest.

    Raises:
        DicomError: The series is refused, by its headers or by its pixels.
    """
    if not series.verdict.accepted:
        raise DicomError(series.verdict.reason, series.verdict.code)
    with _quiet():
        try:
            return load(series)
        except DicomError:
            raise
        except Exception as error:  # pydicom converts a value when it is asked for, and raises almost anything
            reason = f"{series.name}: a value in its headers cannot be read ({type(error).__name__}). Export it again."
            raise DicomError(reason, "unreadable") from error


def check_series(series: Series) -> Verdict:
    """The verdict that ``read_series`` would come to, pixels included."""
    try:
        return read_series(series)[1]
    except DicomError as error:
        if not series.verdict.accepted:
            return series.verdict
        return series.verdict.plus([Finding(error.code, str(error))])


@contextmanager
def _quiet() -> Iterator[None]:
    """Pydicom warns of every odd value; the gate says what matters."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _series_of(header: Header) -> tuple[str, str]:
    """Series are told apart by their UID; without one, by folder."""
    uid = str(header.dataset.get("SeriesInstanceUID", "") or "")
    return (uid, "") if uid else ("", str(header.path.parent))


def _doubted(headers: Sequence[Header], damaged: Sequence[Damaged]) -> Mapping[Path, list[Finding]]:
    """Folder to what puts every series in it in doubt: a file that cannot be read, or several patients."""
    doubted: dict[Path, list[Finding]] = {}
    for one in damaged:
        doubted.setdefault(one.path.parent, []).append(one.finding)
    patients: dict[Path, set[str]] = {}
    for header in headers:
        patients.setdefault(header.path.parent, set()).add(patient_of(header))
    for folder, named in patients.items():
        ids = named - {""}  # a series without identity is no other patient
        if len(ids) > 1:
            reason = f"instances of {len(ids)} patients lie in one folder ('{folder.name}'). Give each a folder."
            doubted.setdefault(folder, []).append(Finding("patients_mixed", reason))
    return doubted


def _with_doubts(series: Series, doubted: Mapping[Path, list[Finding]]) -> Series:
    if not series.is_image:
        return series
    folders = dict.fromkeys(path.parent for path in series.files)
    found = [
        Finding(one.code, f"{series.name}: {one.sentence}") for folder in folders for one in doubted.get(folder, [])
    ]
    verdict = series.verdict
    if verdict.code in _FROM_ABSENCE:  # the damaged file is why, so it comes first
        return replace(series, verdict=Verdict(tuple(found)).plus(verdict.refusals, verdict.warnings))
    return replace(series, verdict=verdict.plus(found))

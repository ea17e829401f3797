"""Read volumes out of a DICOM structured report (SR), and compare those of one just written."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from pydicom import Dataset, dcmread

from medseg.core.errors import FileError, OutputError

_GROUP = ("125007", "DCM")
_TRACKING_IDENTIFIER = ("112039", "DCM")
_FINDING = ("121071", "DCM")
_VOLUME = (("118565006", "SCT"), ("G-D705", "SRT"))  # SNOMED CT, and its older form
_ML_PER_UNIT = {"cm3": 1.0, "ml": 1.0, "mL": 1.0, "mm3": 1e-3, "dm3": 1e3, "l": 1e3, "L": 1e3}


_SAME_RTOL = 1e-9  # a decimal string has 16 characters, of which a sign, a point and an exponent may take seven


class _Item(NamedTuple):
    name: tuple[str, str]
    item: Dataset


def read_sr_volumes(path: Path) -> Mapping[str, float]:
    """Volumes in ml by the tracking identifier of their group, in the report's order.

    Args:
        path: A report after TID 1500, of any maker. Groups without a volume are passed over; a group without a tracking
            identifier goes by its finding.

    Raises:
        FileError: Not a report, or damaged; a unit that is no volume; two groups of one name.
    """
    try:
        report = dcmread(path)
        groups = [dict.fromkeys(_volumes(group)) for group in _groups(report)]
    except FileError:
        raise
    except Exception as error:  # pydicom raises almost anything on damaged bytes
        raise FileError(f"'{path}': cannot be read as DICOM ({type(error).__name__}).") from error
    if report.get("Modality") != "SR":
        raise FileError(f"'{path}': not a structured report, its modality is '{report.get('Modality', '')}'.")
    volumes: dict[str, float] = {}
    for name, volume_ml in (one for group in groups for one in group):
        if name in volumes:
            raise FileError(f"'{path}': two volumes of '{name}'.")
        volumes[name] = volume_ml
    return volumes


def verify_sr(path: Path, volume_ml: Mapping[str, float]) -> None:
    """Compare a written report with the volumes it was to hold; nothing is removed or mended.

    Args:
        path: As written.
        volume_ml: Tracking identifier to volume.

    Raises:
        OutputError: It cannot be read, or names other structures or volumes.
    """
    try:
        found = read_sr_volumes(path)
    except FileError as error:
        raise OutputError(f"The report just written does not read back: {error}") from error
    if list(found) != list(volume_ml):
        raise OutputError(f"'{path}': reports {', '.join(found)}, not {', '.join(volume_ml)}.")
    for name, expected in volume_ml.items():
        if not math.isclose(found[name], expected, rel_tol=_SAME_RTOL):
            raise OutputError(f"'{path}': reports {found[name]:g} ml of '{name}', not {expected:g} ml. Do not use it.")


def _items(parent: Dataset) -> Iterator[_Item]:
    for item in parent.get("ContentSequence") or ():
        names = item.get("ConceptNameCodeSequence") or [Dataset()]
        yield _Item((str(names[0].get("CodeValue", "")), str(names[0].get("CodingSchemeDesignator", ""))), item)


def _groups(parent: Dataset) -> Iterator[Dataset]:
    for name, item in _items(parent):
        if name == _GROUP:
            yield item
        elif item.get("ValueType") == "CONTAINER":
            yield from _groups(item)


def _volumes(group: Dataset) -> Iterator[tuple[str, float]]:
    items = list(_items(group))
    tracked = [str(item.get("TextValue", "")) for name, item in items if name == _TRACKING_IDENTIFIER]
    found = [str(item.ConceptCodeSequence[0].CodeMeaning) for name, item in items if name == _FINDING]
    for name, item in items:
        if name in _VOLUME:
            yield next(iter([*tracked, *found]), ""), _in_ml(item)


def _in_ml(item: Dataset) -> float:
    value = item.MeasuredValueSequence[0] if item.get("MeasuredValueSequence") else None
    if value is None:
        return math.nan
    unit = str(value.MeasurementUnitsCodeSequence[0].CodeValue)
    if unit not in _ML_PER_UNIT:
        raise FileError(f"A volume in '{unit}'; known are {', '.join(_ML_PER_UNIT)}.")
    return float(value.NumericValue) * _ML_PER_UNIT[unit]

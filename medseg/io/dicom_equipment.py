"""What every result says of the software that made it, and the last strokes before it is written."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from highdicom import ContributingEquipment
from pydicom import Dataset
from pydicom.sr.codedict import codes

from medseg.core.errors import OutputError
from medseg.core.files import replacing
from medseg.io.dicom_result import Algorithm, character_set, moment_of, short
from medseg.io.dicom_series import Series


def equipment_of(algorithm: Algorithm) -> dict[str, Any]:
    """Arguments of highdicom's constructors that name the maker."""
    return {
        "manufacturer": short(algorithm.manufacturer),
        "manufacturer_model_name": short(f"medseg {algorithm.name}"),
        "software_versions": [short(f"medseg {algorithm.software_version}"), short(f"bundle {algorithm.version}")],
        "device_serial_number": short(algorithm.digest),  # PS3.3 C.7.5.2 wants one; the digest names this very model
        "content_qualification": "RESEARCH",
        "contributing_equipment": [
            ContributingEquipment(
                manufacturer=short(algorithm.manufacturer),
                purpose_of_reference=codes.DCM.ProcessingEquipment,
                manufacturer_model_name=short(f"medseg {algorithm.name}"),
                software_versions=[
                    short(f"medseg {algorithm.software_version}"),
                    short(f"bundle {algorithm.version}"),
                ],
                device_serial_number=short(algorithm.digest),
                contribution_description=short(algorithm.sentence, 1024),
            )
        ],
    }


def dated(series: Series) -> dict[str, str]:
    """Arguments of highdicom's constructors that date a result; see ``moment_of``."""
    date, time = moment_of(series)
    return {"content_date": date, "content_time": time, "series_date": date, "series_time": time}


def finish(result: Dataset, series: Series, own_texts: Iterable[str]) -> None:
    """Take out what differs between two runs, and set the character set.

    Args:
        result: As highdicom built it.
        series: The source.
        own_texts: Texts that do not come from the source.
    """
    for keyword in ("InstanceCreationDate", "InstanceCreationTime"):
        result.pop(keyword, None)
    for item in result.get("ContributingEquipmentSequence") or ():
        if item.get("ManufacturerModelName") == "highdicom":
            item.pop("ContributionDateTime", None)
    if series.header.get("TimezoneOffsetFromUTC"):
        result.TimezoneOffsetFromUTC = series.header.TimezoneOffsetFromUTC
    chosen = character_set(series.header, own_texts)
    if chosen != series.header.get("SpecificCharacterSet"):
        for _ in result.iterall():  # texts still in the bytes of the old set are decoded before it is lost
            pass
    if chosen is not None:
        result.SpecificCharacterSet = chosen


def save(result: Dataset, path: Path) -> None:
    """Write an object whole or not at all.

    Raises:
        OutputError: The folder cannot be written or the disk is full.
    """
    with replacing(path) as temporary:
        result.save_as(temporary, enforce_file_format=True)


@contextmanager
def building(what: str, series: Series) -> Iterator[None]:
    """Build and save an object: warnings, which may quote the patient, are kept back, and errors get a name.

    Raises:
        OutputError: It cannot be built from this source.
    """
    logs = {log: log.level for log in map(logging.getLogger, ("highdicom", "pydicom"))}
    for log in logs:
        log.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RuntimeError) as error:
        raise OutputError(
            f"{series.name}: no {what} can be made of it: {type(error).__name__}. "
            "Write NIfTI, or export the series again."
        ) from error
    finally:
        for log, level in logs.items():
            log.setLevel(level)

"""UIDs of results: the same input, bundle and content give the same UID, anything else gives another."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from medseg.core.errors import DicomError
from medseg.io.dicom_series import Series

# Any fixed UUID would do; this one names medseg's results and nothing else.
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "results.medseg.invalid")
_NEEDED = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID", "FrameOfReferenceUID")


def derived_uid(*parts: str) -> str:
    """A UID under 2.25 from a name-based UUID of the parts, in their order (DICOM PS3.5 B.2, RFC 9562 5.5)."""
    # The length before each part keeps ("ab", "c") and ("a", "bc") apart.
    return f"2.25.{uuid.uuid5(_NAMESPACE, ''.join(f'{len(part)}:{part}' for part in parts)).int}"


def instances_of(series: Series) -> str:
    """Which images and frames a series is made of, in the order of k, as one text."""
    return " ".join(
        str(one.header.get("SOPInstanceUID", "")) + ("" if one.frame is None else f"#{one.frame}")
        for one in series.slices
    )


def require_uids(series: Series) -> None:
    """Refuse a series whose images cannot be referenced.

    Raises:
        DicomError: Code "no_uids": a study, series, instance, class or frame of reference UID is absent.
    """
    headers = {id(one.header): one.header for one in series.slices}.values()
    absent = {name: sum(not str(header.get(name) or "").strip() for header in headers) for name in _NEEDED}
    faults = _listed(f"{name} in {count} of {len(headers)} files" for name, count in absent.items() if count)
    if faults:
        raise DicomError(
            f"{series.name}: DICOM output impossible, the source has no {faults}. "
            "Fetch the series again with its UIDs, or write NIfTI.",
            "no_uids",
        )


def _listed(phrases: Iterable[str]) -> str:
    return ", no ".join(phrases)

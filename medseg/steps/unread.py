"""Files that cannot be read and lie beside no image: what a whole study looks like whose every file is damaged."""

from __future__ import annotations

from medseg.core.verdict import Finding
from medseg.io.dicom import Found


def unread_files(found: Found) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Findings on damaged files that no series was refused for.

    Args:
        found: What lies at a path.

    Returns:
        Those that begin as DICOM does, so a study may be lost with them; and empty ones, which may be anything.
    """
    told = " ".join(series.verdict.reason for series in found.series)
    left = [one for one in found.damaged if one.sentence not in told]
    empty = tuple(one for one in left if one.code == "empty_file")
    return tuple(one for one in left if one not in empty), empty

"""Files that cannot be read and lie beside no image: what a whole study looks like whose every file is damaged."""

from __future__ import annotations

from medseg.io.dicom import Found
from medseg.io.dicom_files import Damaged


def unread_files(found: Found) -> tuple[tuple[Damaged, ...], tuple[Damaged, ...]]:
    """Damaged files that no series was refused for: those in a folder without a slice of any.

    Args:
        found: What lies at a path.

    Returns:
        Those that begin as DICOM does, so a study may be lost with them; and empty ones, which may be anything.
    """
    told = {path.parent for series in found.series if series.is_image for path in series.files}
    left = [one for one in found.damaged if one.path.parent not in told]
    empty = tuple(one for one in left if one.finding.code == "empty_file")
    return tuple(one for one in left if one not in empty), empty

"""What lies in a folder, without the litter that operating systems leave there."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from medseg.core.errors import DatalistError
from medseg.core.in_words import counted
from medseg.io.formats import format_of, is_picture, is_readable

_JUNK = {"__MACOSX", "Thumbs.db", "desktop.ini", "@eaDir"}


def entries(folder: Path) -> list[Path]:
    """Files and folders, sorted by name; hidden ones ("._x" of macOS among them) and junk left out.

    Raises:
        DatalistError: The folder cannot be read.
    """
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith(".") and path.name not in _JUNK)
    except OSError as error:
        raise DatalistError(f"'{folder}': cannot be read ({error.strerror})") from None


def scans_in(folder: Path) -> list[Path]:
    """Image files of a known format, sorted by name; pictures only where no volume lies beside them.

    A PNG beside NIfTI files shows what they hold; it is no study of its own.
    """
    found = [path for path in entries(folder) if is_readable(path) and path.is_file()]
    return [path for path in found if not is_picture(path)] or found


def volumes_below(path: Path) -> list[Path]:
    """Volumes of a known format, no pictures, at a path, in any depth, sorted; hidden folders and junk left out.

    Links to folders are not followed, as for DICOM: one that leads upward would never end.
    """
    if path.is_file():
        return [path] if is_readable(path) and not is_picture(path) else []
    below = [folder for folder in folders_in(path) if not folder.is_symlink()]
    return [*volumes_in(path), *(volume for folder in below for volume in volumes_below(folder))]


def volumes_in(folder: Path) -> list[Path]:
    """Volumes of a known format, no pictures, sorted by name."""
    return [path for path in scans_in(folder) if not is_picture(path)]


def folders_in(folder: Path) -> list[Path]:
    """Folders, sorted by name."""
    return [path for path in entries(folder) if path.is_dir()]


def contents(folder: Path) -> str:
    """What a folder holds, in one phrase for an error message."""
    folders = [f"{path.name}/" for path in folders_in(folder)]
    endings = Counter(_ending(path) for path in entries(folder) if path.is_file())
    files = [counted(count, f"{ending} file") for ending, count in sorted(endings.items())]
    more = [f"and {len(folders) - 5} more folders"] if len(folders) > 5 else []
    return ", ".join([*folders[:5], *more, *files]) or "nothing"


def _ending(path: Path) -> str:
    return format_of(path) if is_readable(path) else path.suffix or "unnamed"

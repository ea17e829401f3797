"""Whether files begin as DICOM does, told without reading them as such: most inputs have none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

PREAMBLE, MAGIC = 128, b"DICM"
START_BYTES = 1024  # the file meta group, which names the transfer syntax, ends before it
# Group 0002 or 0008 in little endian: how a dataset begins whose preamble was cut off.
_BARE_STARTS = (b"\x02\x00\x00\x00", b"\x02\x00\x01\x00", b"\x08\x00\x05\x00", b"\x08\x00\x08\x00", b"\x08\x00\x16\x00")
_JUNK = {"dicomdir", "thumbs.db", "desktop.ini"}


def has_dicom(path: Path) -> bool:
    """Whether a file, or any file below a folder, is DICOM; stops at the first one."""
    return any(is_dicom(start_of(file)) for file in walk(path))


def start_of(path: Path) -> bytes:
    """First bytes of a file, with its whole file meta group in all but odd cases; empty where it cannot be read."""
    try:
        with path.open("rb") as stream:
            return stream.read(START_BYTES)
    except OSError:
        return b""


def walk(path: Path) -> Iterator[Path]:
    """Files at a path, in any depth; hidden ones and the litter of operating systems are left out.

    Links to folders are not followed. A folder that cannot be listed is given in place of its files.
    """
    if not path.is_dir():
        if path.is_file() or not path.exists():  # a pipe or device would be waited for without end
            yield path
        return
    closed: list[Path] = []
    for folder, folders, names in os.walk(path, onerror=lambda error: closed.append(Path(error.filename))):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__MACOSX")
        for name in sorted(names):
            if not name.startswith(".") and name.lower() not in _JUNK:
                yield from walk(Path(folder) / name)
    yield from closed  # a folder that cannot be listed may hold slices; as a file it cannot be read, and says so


def has_preamble(start: bytes) -> bool:
    """Whether a file begins as PS3.10 wants it."""
    return start[PREAMBLE:][:4] == MAGIC


def is_dicom(start: bytes) -> bool:
    """Whether a file begins as DICOM does, with a preamble or without."""
    return has_preamble(start) or start[:4] in _BARE_STARTS

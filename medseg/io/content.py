"""The bytes of a file, packed with gzip or plain; whatever fails is told in one sentence."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from medseg.core.errors import FileError

_MAX_DEFLATE_RATIO = 1032  # zlib's technical notes: no deflate stream grows by more than this


def is_packed(path: Path) -> bool:
    """Whether the name says gzip."""
    return path.name.lower().endswith(".gz")


def read_start(path: Path, count: int) -> bytes:
    """First ``count`` unpacked bytes of a file, fewer where it is shorter.

    Raises:
        FileError: Absent, unreadable, truncated or damaged.
    """
    try:
        with path.open("rb") as stream:
            return gzip.GzipFile(fileobj=stream).read(count) if is_packed(path) else stream.read(count)
    except (OSError, EOFError, zlib.error) as error:
        raise FileError(_fault(path, error)) from None


def read_content(path: Path) -> bytes:
    """All unpacked bytes of a file; a packed one is read to its end, so that its checksum is verified.

    Raises:
        FileError: Absent, unreadable, truncated or damaged.
    """
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if is_packed(path) else content
    except (OSError, EOFError, zlib.error) as error:
        raise FileError(_fault(path, error)) from None


def most_bytes(path: Path) -> int:
    """How many unpacked bytes a file of this size can hold at most."""
    return path.stat().st_size * (_MAX_DEFLATE_RATIO if is_packed(path) else 1)


def _fault(path: Path, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"'{path}': no such file"
    if isinstance(error, EOFError):
        return f"'{path}': truncated; the compressed data end early. Copy the file again"
    if isinstance(error, gzip.BadGzipFile) and "Not a gzipped" in str(error):
        return f"'{path}': the name ends in .gz, the content is not gzip. Rename it to .nii if that is what it is"
    if isinstance(error, gzip.BadGzipFile | zlib.error):
        return f"'{path}': the compressed data are damaged ({error}). Copy the file again"
    return f"'{path}': cannot be read ({getattr(error, 'strerror', None) or error})"

"""A zip's bundle as a folder: unpacked once, whole or not at all, into a folder named after the zip's content."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from medseg.bundle.contents import Contents, FolderContents, ZipContents, contents_of
from medseg.bundle.find import METADATA
from medseg.core.errors import BundleError, OutputError
from medseg.core.files import digest_of_file

_BLOCK = 1 << 20  # bytes


def unpacked(packed: ZipContents, cache: Path) -> Path:
    """Folder of a zip's bundle.

    Args:
        packed: The zip, which ``contents_of`` found safe.
        cache: Folder that holds what was unpacked before; a zip with another byte gets another folder in it.

    Raises:
        BundleError: An entry is damaged, or larger than the zip says.
        OutputError: The folder cannot be written.
    """
    target = _target(packed, cache)
    if not (target / METADATA).is_file():
        _unpack(packed, target)
    return target


def unpacked_again(packed: ZipContents, cache: Path) -> Path:
    """As ``unpacked``, where what was unpacked before is not what the zip holds."""
    forget(packed, cache)
    return unpacked(packed, cache)


def forget(packed: ZipContents, cache: Path) -> None:
    """Remove what was unpacked of a zip, so that nothing is kept of one that is refused."""
    shutil.rmtree(_target(packed, cache).parent, ignore_errors=True)


def is_complete(folder: Path, packed: Contents) -> bool:
    """Whether a folder has the files of a zip, by their names and sizes."""
    there: FolderContents | Contents = contents_of(folder)
    return there.names == packed.names and all(there.size(name) == packed.size(name) for name in packed.names)


def _target(packed: ZipContents, cache: Path) -> Path:
    name = packed.inside.rstrip("/") or packed.place.stem
    # The stem of "...zip" is "..", which would be another folder than one in the cache.
    return cache / digest_of_file(packed.place)[:32] / (name if name.strip(".") else "bundle")


def _unpack(packed: ZipContents, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".tmp-", dir=target.parent) as temporary:
            work = Path(temporary) / "bundle"
            for name in packed.names:
                _write(packed, name, work / name)
            if (target / METADATA).is_file():  # another process was quicker, and may be reading it
                return
            shutil.rmtree(target, ignore_errors=True)  # left by hand: without its metadata.json it is no bundle
            work.replace(target)
    except OSError as error:
        raise OutputError(
            f"Cannot unpack '{packed.place}' into '{target.parent}': {error.strerror or error}. Free space, or unpack "
            "it yourself and give the folder."
        ) from error
    finally:
        with contextlib.suppress(OSError):  # it holds the bundle, or that of another process
            target.parent.rmdir()


def _write(packed: ZipContents, name: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as sink:
        for block in _blocks(packed, name):
            sink.write(block)


def _blocks(packed: ZipContents, name: str) -> Iterator[bytes]:
    """A file piece by piece; in a generator, so that a full disk is not taken for a damaged zip."""
    left = packed.size(name)
    with packed.stream(name) as source:
        while block := source.read(_BLOCK):
            left -= len(block)
            if left < 0:
                raise BundleError(f"'{packed.place}': {name} is larger than the zip says; it is not unpacked.")
            yield block
    if left:
        raise BundleError(f"'{packed.place}': {name} is smaller than the zip says. Copy the zip again.")

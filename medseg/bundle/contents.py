"""The files of a bundle, in a folder or in a zip, read without unpacking anything.

A zip comes from elsewhere. It is looked at before any of it is believed: names that lead out of the folder, links,
and bombs (Fifield 2019, "A better zip bomb") are refused, all of them at once.
"""

from __future__ import annotations

import itertools
import os
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from medseg.bundle.find import METADATA
from medseg.core.errors import BundleError, raise_faults
from medseg.core.in_words import size as in_words

MOST_FILES = 10_000
MOST_BYTES = 20 * 2**30  # unpacked; the largest bundles of MONAI's model zoo are below 2 GiB
MOST_RATIO = 100  # unpacked to packed; text packs to a tenth, weights hardly at all
MUCH = 2**20  # bytes; what is smaller may be as empty as it likes
MOST_TEXT = 16 * 2**20  # bytes of a configuration that is read into memory
_ENCRYPTED = 0x1  # of the flags of an entry
_HEADER = 30  # bytes before every entry, at least
# Others are rare, and lzma takes as much memory as an entry says.
_PACKED = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


class Contents(Protocol):
    """Files of a bundle."""

    @property
    def place(self) -> Path:
        """The folder or zip."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """Of all files, from the bundle's folder on, with "/" between parts; sorted."""
        ...

    def size(self, name: str) -> int:
        """Bytes of a file.

        Raises:
            BundleError: It cannot be read.
        """
        ...

    def stream(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """A file opened for reading.

        Raises:
            BundleError: It cannot be read.
        """
        ...


@dataclass(frozen=True)
class FolderContents:
    """Files of a folder, in any depth; a link counts as what it leads to, a pipe or device cannot be read."""

    place: Path
    names: tuple[str, ...]

    def size(self, name: str) -> int:
        """Bytes of a file; ``BundleError`` where it is none."""
        try:
            found = (self.place / name).stat()
        except OSError as error:
            raise BundleError(f"'{self.place / name}' cannot be read: {error.strerror or error}.") from error
        if not stat.S_ISREG(found.st_mode):  # to open a pipe is to wait for whoever writes into it
            raise BundleError(f"'{self.place / name}' is no file. Get the bundle again.")
        return found.st_size

    @contextmanager
    def stream(self, name: str) -> Iterator[IO[bytes]]:
        """A file opened for reading; ``BundleError`` where it cannot be."""
        self.size(name)
        try:
            with (self.place / name).open("rb") as stream:
                yield stream
        except OSError as error:
            raise BundleError(f"'{self.place / name}' cannot be read: {error.strerror or error}.") from error


@dataclass(frozen=True)
class ZipContents:
    """Files of a zip, below the one folder that holds the bundle.

    Attributes:
        place: The zip.
        names: As in ``Contents``.
        inside: What stands before each name in the zip: "" or "brats_unet3d/".
        archive: The zip, opened once: its list of entries is not read again for each of them.
    """

    place: Path
    names: tuple[str, ...]
    inside: str
    archive: zipfile.ZipFile = field(repr=False, compare=False)

    def size(self, name: str) -> int:
        """Bytes of a file, as the zip says."""
        return self.archive.getinfo(self.inside + name).file_size

    @contextmanager
    def stream(self, name: str) -> Iterator[IO[bytes]]:
        """A file opened for reading; ``BundleError`` where it is damaged."""
        try:
            with self.archive.open(self.inside + name) as stream:
                yield stream
        except (OSError, zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, ValueError) as error:
            raise BundleError(f"'{self.place}': {name} is damaged: {error}. Copy the zip again.") from error


def contents_of(path: Path) -> Contents:
    """Files of a bundle.

    Args:
        path: Its folder, or a zip of it.

    Raises:
        BundleError: A zip is damaged, unsafe, or holds no bundle; every fault is listed.
    """
    return _of_zip(path) if path.is_file() else _of_folder(path)


def is_plain(contents: Contents, name: str) -> bool:
    """Whether a file can be read to its end: a pipe would be waited for, a device read for ever."""
    return not os.path.isdir(contents.place) or os.path.isfile(contents.place / name)


def read_text(contents: Contents, name: str) -> str:
    """A configuration file as text.

    Raises:
        BundleError: It is not UTF-8, or too large for a text.
    """
    with contents.stream(name) as stream:
        found = stream.read(MOST_TEXT + 1)
    if len(found) > MOST_TEXT:
        raise BundleError(f"'{contents.place}': {name} has more than {in_words(MOST_TEXT)}, which is no configuration.")
    try:
        return found.decode("utf-8")
    except UnicodeDecodeError:
        raise BundleError(f"'{contents.place}': {name} is not UTF-8 text.") from None


def _of_folder(root: Path) -> FolderContents:
    found = []
    for folder, folders, files in os.walk(root):  # never follows a folder that is a link
        linked = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        found += [Path(folder, name).relative_to(root).as_posix() for name in [*files, *linked]]
    return FolderContents(root, tuple(sorted(found)))


def _of_zip(path: Path) -> ZipContents:
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise BundleError(f"Bundle '{path}' is no zip that can be read: {error}. Copy it again.") from error
    entries = archive.infolist()
    raise_faults(f"Bundle '{path}' is refused and nothing of it was unpacked", zip_faults(entries), BundleError)
    names = [entry.filename for entry in entries if not entry.is_dir()]
    inside = _folder_of_bundle(names)
    if inside is None:
        raise BundleError(f"'{path}' holds no bundle: {METADATA.as_posix()} is neither in it nor in a folder of it.")
    outside = [name for name in names if not name.startswith(inside)]
    if outside:
        raise BundleError(f"'{path}' holds '{outside[0]}' beside the bundle in '{inside}'; pack the bundle alone.")
    return ZipContents(path, tuple(sorted(name.removeprefix(inside) for name in names)), inside, archive)


def zip_faults(entries: Sequence[zipfile.ZipInfo]) -> list[str]:
    """Why a zip may not be unpacked, one sentence each; empty if it may."""
    faults = [fault for entry in entries if (fault := _entry_fault(entry))]
    if len(entries) > MOST_FILES:
        faults.append(f"{len(entries)} files; at most {MOST_FILES} are unpacked")
    total = sum(entry.file_size for entry in entries)
    if total > MOST_BYTES:
        faults.append(f"{in_words(total)} unpacked; at most {in_words(MOST_BYTES)} are")
    return [*faults, *_shared_names(entries), *_shared_bytes(entries)]


def _entry_fault(entry: zipfile.ZipInfo) -> str | None:
    name, parts = entry.orig_filename, entry.filename.removesuffix("/").split("/")
    if not name.isprintable() or "\\" in name or ":" in name:
        return f"{name!a} has a sign that is no part of a plain name"
    if not {"", ".", ".."}.isdisjoint(parts):
        return f"'{name}' leads out of the folder it is unpacked to, or is written in a roundabout way"
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return f"'{name}' is a link or a device, not a file"
    if entry.flag_bits & _ENCRYPTED:
        return f"'{name}' is encrypted"
    if entry.compress_type not in _PACKED:
        return f"'{name}' is packed by method {entry.compress_type}; deflate, which every program has, is read alone"
    if entry.file_size > MUCH and entry.file_size > MOST_RATIO * max(entry.compress_size, 1):
        return f"'{name}' unpacks to {in_words(entry.file_size)} from {in_words(entry.compress_size)}: a bomb"
    return None


def _shared_names(entries: Sequence[zipfile.ZipInfo]) -> list[str]:
    """Names of which the second would replace the first: where capitals do not count, or accents have two spellings."""
    faults, seen, folders = [], set[str](), set[str]()
    for entry in entries:
        name = unicodedata.normalize("NFC", entry.filename.removesuffix("/")).casefold()
        if name in seen:
            faults.append(f"'{entry.filename}' is in it twice")
        seen.add(name)
        folders |= {str(parent) for parent in PurePosixPath(name).parents}
    files = [entry.filename for entry in entries if not entry.filename.endswith("/")]  # is_dir fails on no name at all
    both = [name for name in files if unicodedata.normalize("NFC", name).casefold() in folders]
    return faults + [f"'{name}' is a file and a folder" for name in both]


def _shared_bytes(entries: Iterable[zipfile.ZipInfo]) -> list[str]:
    """Entries that lie in one another, so that few bytes unpack to many without a ratio that would show it."""
    placed = sorted(entries, key=lambda entry: entry.header_offset)
    return [
        f"'{later.filename}' lies within '{earlier.filename}': damaged, or a bomb"
        for earlier, later in itertools.pairwise(placed)
        if earlier.header_offset + _HEADER + earlier.compress_size > later.header_offset
    ]


def _folder_of_bundle(names: list[str]) -> str | None:
    """What stands before configs/metadata.json: nothing, or the name of one folder; None where it is not there."""
    endings = [name.removesuffix(METADATA.as_posix()) for name in names if name.endswith(METADATA.as_posix())]
    return next((one for one in sorted(endings, key=len) if one == "" or (one.count("/") == 1 and one != "/")), None)

"""Files that hold pickles, looked through and never loaded: what torch writes, new and old, TorchScript, exports.

Whatever is damaged, too large or a bomb is told as a fault: what could not be read is not taken for harmless.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import IO

from medseg.bundle.pickles import MOST_INSTRUCTIONS, Pickle, pickle_in
from medseg.core.in_words import size as in_words

MOST_PICKLE = 16 * 2**20  # bytes; that of a network with a thousand tensors has 200 KiB
MOST_DIRECTORY = 4 * 2**20  # bytes of a zip's list of entries, about 50,000 of them
STATE, SCRIPT, EXPORTED = "torch archive", "TorchScript program", "exported program"
PLAIN, TAR = "pickle, or torch file of the old form", "tar of the oldest torch"
DAMAGED = "damaged file"
ANYTHING = "whatever it likes"
_WHOLE = ("/opaque_obj_", "/custom_obj_", "/aotinductor/")  # objects, and code of a processor
_SURE = (".pkl", ".pickle", ".pt", ".pth", ".pt2", ".ts")  # nothing but pickles and archives of them is called so
_PERHAPS = (".ckpt", ".bin", ".joblib", ".tar")
_PICKLES = 5  # torch's old form has that many, one after the other, and then the tensors' bytes
_ZIP, _PROTOCOLS = b"PK\x03\x04", tuple(bytes([0x80, protocol]) for protocol in range(6))
_TAR_AT, _TAR_MAGIC = 257, b"ustar"
_UNREADABLE = (zipfile.BadZipFile, zlib.error, struct.error, RuntimeError, OSError, EOFError, ValueError)


@dataclass(frozen=True)
class Archive:
    """A file that holds pickles.

    Attributes:
        kind: ``STATE``, ``SCRIPT`` …, for people.
        pickles: In the order of the file.
        code: Number of files of TorchScript code in it.
        fault: Why it could not be looked through; "" where it could.
        limited: Whether that is a limit of ours.
    """

    kind: str
    pickles: tuple[Pickle, ...] = ()
    code: int = 0
    fault: str = ""
    limited: bool = False

    @property
    def is_limited(self) -> bool:
        """Whether a part was not looked at, which may import anything."""
        return self.limited or any(one.limited for one in self.pickles)

    @property
    def imports(self) -> tuple[str, ...]:
        """Of all pickles, sorted, each once."""
        return tuple(sorted({name for one in self.pickles for name in one.imports}))

    @property
    def refused(self) -> tuple[str, ...]:
        """Imports that ``torch.load(weights_only=True)`` does not take, sorted, each once."""
        return tuple(sorted({name for one in self.pickles for name in one.refused}))

    @property
    def faults(self) -> tuple[str, ...]:
        """What could not be read, one sentence each; empty where everything was."""
        told = [f"{one.place}: {one.fault}".removeprefix(": ") for one in self.pickles if one.fault]
        return (*([self.fault] if self.fault else []), *told)

    @property
    def instructions(self) -> int:
        """How many were read of all pickles."""
        return _read_of(self.pickles)


def may_hold_pickles(name: str, head: bytes) -> bool:
    """Whether a file is worth looking through.

    Args:
        name: Of the file.
        head: Its first bytes.
    """
    return name.lower().endswith((*_SURE, *_PERHAPS)) or head.startswith((_ZIP, *_PROTOCOLS))


def archive_of(stream: IO[bytes], name: str, *, most: int = MOST_INSTRUCTIONS) -> Archive | None:
    """The pickles of a file.

    Args:
        stream: The file, opened, where one can seek.
        name: Of the file.
        most: Instructions to read in all of its pickles.

    Returns:
        None for what neither is called as a file of weights nor holds a pickle, as far as the limits reach.
    """
    try:
        found = _found(stream, most)
    except _UNREADABLE as error:
        found = Archive(DAMAGED, fault=f"cannot be read: {error or type(error).__name__}")
    holds_pickles = found.imports or found.is_limited or (found.pickles and not found.faults)
    return found if holds_pickles or name.lower().endswith(_SURE) else None


def _found(stream: IO[bytes], most: int) -> Archive:
    head = stream.read(_TAR_AT + len(_TAR_MAGIC))
    stream.seek(0)
    if head.startswith(_ZIP):  # torch asks the same: a zip that begins later is a pickle to it
        return _of_zip(stream, most)
    if head[_TAR_AT:] == _TAR_MAGIC:
        return Archive(TAR, fault="it was not looked through: torch.load(weights_only=True) takes no tar", limited=True)
    return Archive(PLAIN, _in_a_row(stream.read(MOST_PICKLE), most))


def _in_a_row(data: bytes, most: int) -> tuple[Pickle, ...]:
    """The old form: torch unpickles five before it looks at a tensor, whatever the first of them says."""
    stream, found = io.BytesIO(data), list[Pickle]()
    while len(found) < _PICKLES and stream.tell() < len(data) and not (found and found[-1].fault):
        found.append(pickle_in(stream, f"pickle {len(found) + 1}", most=most - _read_of(found)))
    return tuple(_cut_by_us(one, data, stream) for one in found)


def _cut_by_us(found: Pickle, data: bytes, stream: IO[bytes]) -> Pickle:
    """A pickle whose end lies behind the bytes that are read of a file."""
    is_cut = bool(found.fault) and len(data) == MOST_PICKLE and stream.tell() == len(data)
    return replace(found, limited=found.limited or is_cut)


def _of_zip(stream: IO[bytes], most: int) -> Archive:
    told = _directory_bytes(stream)
    if told > MOST_DIRECTORY:
        fault = f"its list of entries has {in_words(told)}, more than any file of weights needs"
        return Archive(STATE, fault=fault, limited=True)
    found: list[Pickle] = []
    with zipfile.ZipFile(stream) as archive:
        entries = archive.infolist()
        for entry in entries:  # not by their names: of two with one name both are looked at
            if entry.filename.lower().endswith((*_SURE, *_PERHAPS)):
                found += _of_entry(archive, entry, most - _read_of(found))
        names = [entry.filename for entry in entries]
        kind = _kind(names)
        found += _unpickled_whole(archive, entries) if kind == EXPORTED else []
    code = sum("/code/" in name and name.endswith(".py") for name in names)
    return Archive(kind, tuple(found), code)


def _kind(names: list[str]) -> str:
    if any(name.endswith("/constants.pkl") for name in names):  # as torch tells them apart
        return SCRIPT
    return EXPORTED if any(name.endswith("/archive_format") for name in names) else STATE


def _unpickled_whole(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> Iterator[Pickle]:
    """What torch.export.load unpickles or runs whatever it holds (torch 2.13, torch/export/pt2_archive/_package.py)."""
    for entry in entries:
        name = entry.filename
        is_config = name.endswith("_config.json")
        if any(mark in name for mark in _WHOLE) or (is_config and _asks_for_pickles(archive, entry)):
            yield Pickle(name, (ANYTHING,), (ANYTHING,))


def _asks_for_pickles(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bool:
    """Whether a list of weights or constants says that one is a pickle; also where it cannot be read."""
    try:
        with archive.open(entry) as inner:
            listed = json.loads(inner.read(MOST_PICKLE))["config"].values()
        return any(one["use_pickle"] is not False for one in listed)
    except (*_UNREADABLE, KeyError, TypeError, AttributeError, RecursionError):
        return True


def _of_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> list[Pickle]:
    """Pickles of a file in an archive; in an exported program that file is an archive again."""
    try:
        with archive.open(entry) as inner:
            data = inner.read(MOST_PICKLE + 1)
        if len(data) > MOST_PICKLE:
            fault = f"cannot be read: it has more than {in_words(MOST_PICKLE)}"
            return [Pickle(entry.filename, fault=fault, limited=True)]
        return _of_inner(data, entry.filename, most) if data.startswith(_ZIP) else [_first(data, entry.filename, most)]
    except _UNREADABLE as error:
        return [Pickle(entry.filename, fault=f"cannot be read: {error or type(error).__name__}")]


def _of_inner(data: bytes, place: str, most: int) -> list[Pickle]:
    found: list[Pickle] = []
    if _directory_bytes(io.BytesIO(data)) > MOST_DIRECTORY:
        raise ValueError("its list of entries is longer than any file of weights needs")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for entry in archive.infolist():
            if entry.filename.lower().endswith(".pkl"):
                with archive.open(entry) as inner:
                    text = inner.read(MOST_PICKLE)
                one = _first(text, f"{place}/{entry.filename}", most - _read_of(found))
                found.append(replace(one, limited=one.limited or len(text) == MOST_PICKLE))
    return found


def _first(data: bytes, place: str, most: int) -> Pickle:
    return pickle_in(io.BytesIO(data), place, most=most)


def _read_of(pickles: tuple[Pickle, ...] | list[Pickle]) -> int:
    return sum(one.instructions for one in pickles)


def _directory_bytes(stream: IO[bytes]) -> int:
    """How long a zip says its list of entries is (PKWARE's APPNOTE 4.3.14 to 4.3.16); 0 where it does not say."""
    end = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, end - 22 - 0xFFFF))
    tail = stream.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        return 0  # zipfile says what is wrong with it
    (told,) = struct.unpack_from("<I", tail, at + 12)
    if told == 0xFFFFFFFF and at >= 20 and tail[at - 20 : at - 16] == b"PK\x06\x07":
        (place,) = struct.unpack_from("<Q", tail, at - 12)
        stream.seek(min(place, end))
        record = stream.read(56)
        told = struct.unpack_from("<Q", record, 40)[0] if len(record) == 56 else 0
    return int(told)

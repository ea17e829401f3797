"""What one look at every file of a dataset shows, remembered so that a second run need not look again."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from medseg.core.errors import MedsegError, OutputError
from medseg.core.files import digest_of_file, write_json
from medseg.core.machine import studies_at_once
from medseg.core.types import Affine, Shape
from medseg.io.formats import reader_of

Role = Literal["image", "label", "instances"]  # the last: a label map whose values number objects of one label

_CACHE_VERSION = 1  # raise it when a check is added, so that files seen before are looked at again


@dataclass(frozen=True)
class FileFacts:
    """What one file holds.

    Attributes:
        shape: Spatial shape (I, J, K).
        channels: Length of the fourth axis; 1 for a 3D file.
        affine_ras: (4, 4), row by row.
        voxels: Label value to number of voxels, 0 included; None for an image.
        digest: SHA-256 of the file.
        fault: Why it cannot be used, in one sentence; all else is empty then.
    """

    shape: Shape = ()
    channels: int = 0
    affine_ras: tuple[float, ...] = ()
    voxels: Mapping[int, int] | None = None
    digest: str = ""
    fault: str | None = None

    @property
    def affine(self) -> Affine:
        """(4, 4), voxel to RAS+ millimetres."""
        return np.array(self.affine_ras, np.float64).reshape(4, 4)


def look_at_files(
    files: Iterable[tuple[Role, Path]], *, cache: Path | None, seen: Callable[[int, int], None] | None = None
) -> dict[tuple[Role, Path], FileFacts]:
    """Read every file once, several at a time.

    Args:
        files: Each with what it is to be read as.
        cache: JSON file of earlier looks, brought up to date; None reads everything.
        seen: Called with the number of files done and of all.

    Returns:
        Facts of each file; one that cannot be read gives a fault and raises nothing.
    """
    wanted = list(dict.fromkeys(files))
    remembered = _load(cache)
    facts: dict[tuple[Role, Path], FileFacts] = {}
    with ThreadPoolExecutor(studies_at_once()) as pool:
        for done, (file, found) in enumerate(pool.map(lambda file: (file, _recall(file, remembered)), wanted), 1):
            facts[file] = found
            if seen:
                seen(done, len(wanted))
    _save(cache, remembered, facts)
    return facts


def _recall(file: tuple[Role, Path], remembered: Mapping[str, Any]) -> FileFacts:
    entry = remembered.get(_key(file))
    if entry and entry["stamp"] == _stamp(file[1]):
        facts = entry["facts"]
        voxels = None if facts["voxels"] is None else {int(value): n for value, n in facts["voxels"].items()}
        return FileFacts(tuple(facts["shape"]), facts["channels"], tuple(facts["affine_ras"]), voxels, facts["digest"])
    try:
        return _look(*file)
    except MedsegError as error:
        return FileFacts(fault=str(error))
    except MemoryError:
        return FileFacts(fault=f"'{file[1]}': too large for the memory of this machine")


def _look(role: Role, path: Path) -> FileFacts:
    reader = reader_of(path)
    header = reader.header(path)
    affine = tuple(float(x) for x in header.affine_ras.ravel())
    if role == "image":
        reader.volume(path, None)  # raises where the voxels are damaged or no numbers
        return FileFacts(header.shape, header.channels, affine, None, digest_of_file(path))
    counts = np.bincount(reader.label(path, instances=role == "instances")[0].ravel(), minlength=256)
    voxels = {int(value): int(counts[value]) for value in np.flatnonzero(counts)}
    return FileFacts(header.shape, header.channels, affine, voxels, digest_of_file(path))


def _key(file: tuple[Role, Path]) -> str:
    return f"{file[0]}:{os.path.realpath(file[1])}"


def _stamp(path: Path) -> list[int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns]


def _load(cache: Path | None) -> dict[str, Any]:
    """Entries of the cache; none where it is absent, damaged or of another version."""
    if cache is None:
        return {}
    try:
        content = json.loads(cache.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    usable = isinstance(content, dict) and content.get("version") == _CACHE_VERSION
    return dict(content["files"]) if usable else {}


def _save(cache: Path | None, remembered: dict[str, Any], facts: Mapping[tuple[Role, Path], FileFacts]) -> None:
    if cache is None:
        return
    sound = {file: found for file, found in facts.items() if found.fault is None}  # a fault may be mended unseen
    fresh = {_key(file): {"stamp": _stamp(file[1]), "facts": asdict(found)} for file, found in sound.items()}
    if all(remembered.get(key, {}).get("stamp") == entry["stamp"] for key, entry in fresh.items()):
        return
    with contextlib.suppress(OutputError):  # without a cache the next run only takes longer
        write_json(cache, {"version": _CACHE_VERSION, "files": {**remembered, **fresh}})

"""Look at a bundle of unknown origin: what it is, what it would run, and what medseg would do with it.

Nothing of it is imported, evaluated, unpickled or unpacked, and torch is not needed. Whatever is in it, an answer
comes: each kind of content has a limit, and what lies beyond one is told as a fault.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from medseg.bundle.archives import Archive, archive_of, may_hold_pickles
from medseg.bundle.contents import Contents, is_plain
from medseg.bundle.file_kinds import HEAD, PYTHON, executable_kind
from medseg.bundle.find import METADATA
from medseg.bundle.foreign_config import MOST_JSON, MOST_VALUES, MOST_YAML, ForeignConfig, config_of
from medseg.bundle.inspection_card import card_of
from medseg.bundle.inspection_verdict import Verdict, verdict_on
from medseg.bundle.manifest import MANIFEST, altered_files, manifest_digest
from medseg.bundle.pickles import MOST_INSTRUCTIONS
from medseg.bundle.runnable import Runnable, logging_runnables, runnables_of
from medseg.bundle.seal import Seal, check_seal
from medseg.bundle.trust import Demand
from medseg.core.errors import BundleError

INFERENCE = ("configs/inference.yaml", "configs/inference.yml", "configs/inference.json")  # medseg takes the first
_ALL_YAML = 2 * MOST_YAML  # bytes in all files
_ALL_JSON = 4 * MOST_JSON
_ALL_VALUES = 3 * MOST_VALUES
_IN_MEMORY = 32 * 2**20  # bytes of a copy that needs no disk
_BLOCK = 1 << 20  # bytes read at a time
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
_LARGE_FILES = re.compile(r"large[_-]?files?\.ya?ml", re.IGNORECASE)


@dataclass(frozen=True)
class FileFacts:
    """One file.

    Attributes:
        name: In the bundle.
        bytes_: How large it is.
        sha256: Of its bytes, in hexadecimal; None where it could not be read.
        runs_as: What kind of code it is; "" where it is none.
        archive: What it holds of pickles; None where it is no such file.
    """

    name: str
    bytes_: int
    sha256: str | None = None
    runs_as: str = ""
    archive: Archive | None = None


@dataclass(frozen=True)
class Inspection:
    """All that was found.

    Attributes:
        name: Of the model.
        version: As metadata.json says; "" where it does not.
        place: The folder or zip.
        files: Sorted by name.
        digest: SHA-256 of manifest.json where it is sealed, else over the names and digests of all files.
        seal: None where it is not what was packaged or not signed as demanded; ``faults`` say why.
        card: Heading to text.
        runnables: What its configurations would make MONAI run.
        downloads: File to address, for those that it leaves to be fetched.
        verdict: What medseg would do.
        faults: What is wrong with its files, one sentence each.
    """

    name: str
    version: str
    place: Path
    files: tuple[FileFacts, ...]
    digest: str
    seal: Seal | None
    card: Mapping[str, str]
    runnables: tuple[Runnable, ...]
    downloads: Mapping[str, str]
    verdict: Verdict
    faults: tuple[str, ...]

    @property
    def python(self) -> tuple[FileFacts, ...]:
        """Python files."""
        return tuple(file for file in self.files if file.runs_as == PYTHON)

    @property
    def executables(self) -> tuple[FileFacts, ...]:
        """Files that run and are no Python."""
        return tuple(file for file in self.files if file.runs_as not in ("", PYTHON))

    @property
    def archives(self) -> dict[str, Archive]:
        """Name to what it holds, for every file with pickles."""
        return {file.name: file.archive for file in self.files if file.archive is not None}


def inspection_of(contents: Contents, demands: Sequence[Demand] = ()) -> Inspection:
    """Everything about a bundle that can be known without running any of it.

    Args:
        contents: Its files.
        demands: Signatures that it must have.
    """
    faults: list[str] = []
    files = tuple(_files(contents, faults))
    seal, broken = _seal(contents, demands, files)
    configs = {config.name: config for config in _configs(contents, files)}
    metadata = configs[METADATA.as_posix()].value if METADATA.as_posix() in configs else None
    inference = next((configs[name] for name in INFERENCE if name in configs), None)
    archives = {file.name: file.archive for file in files if file.archive is not None}
    faults += [f"{name}: {fault}" for name, config in configs.items() for fault in config.faults]
    faults += [f"{name}: {fault}" for name, archive in archives.items() for fault in archive.faults]
    metadata_config = configs.get(METADATA.as_posix())
    return Inspection(
        name=_name(metadata, contents.place),
        version=str(metadata["version"]) if isinstance(metadata, Mapping) and "version" in metadata else "",
        place=contents.place,
        files=files,
        digest=_digest(contents, files),
        seal=seal,
        card=card_of(metadata),
        runnables=(*(one for config in configs.values() for one in runnables_of(config)), *_logging(contents)),
        downloads=_downloads(configs),
        verdict=verdict_on(metadata_config, inference, archives, broken=seal is None),
        faults=(*broken, *faults),
    )


def _files(contents: Contents, faults: list[str]) -> Iterator[FileFacts]:
    left = MOST_INSTRUCTIONS
    for name in contents.names:
        if not is_plain(contents, name):
            faults.append(f"{name}: is no plain file and was not looked at")
            yield FileFacts(name, 0)
            continue
        try:
            facts = _facts(contents, name, left)
        except (BundleError, OSError) as error:
            faults.append(f"{name}: cannot be read: {error}")
            facts = FileFacts(name, 0)
        left -= facts.archive.instructions if facts.archive else 0
        yield facts


def _facts(contents: Contents, name: str, most: int) -> FileFacts:
    """A file is read once from its start to its end; what is packed goes to a copy on the way, where one can seek."""
    with contents.stream(name) as stream, tempfile.SpooledTemporaryFile(_IN_MEMORY) as copy:
        head = stream.read(HEAD)
        wanted, is_packed = may_hold_pickles(name, head), isinstance(stream, zipfile.ZipExtFile)
        digest = _digest_of_stream(head, stream, copy if wanted and is_packed else None)
        archive = None
        if wanted:
            source = copy if is_packed else stream
            source.seek(0)
            archive = archive_of(source, name, most=most)
    return FileFacts(name, contents.size(name), digest, executable_kind(name, head), archive)


def _digest_of_stream(head: bytes, stream: IO[bytes], copy: IO[bytes] | None) -> str:
    digest, block = hashlib.sha256(), head
    while block:
        digest.update(block)
        if copy is not None:
            copy.write(block)
        block = stream.read(_BLOCK)
    return digest.hexdigest()


def _digest(contents: Contents, files: Sequence[FileFacts]) -> str:
    """Of a sealed bundle that of its manifest, which tells the digest of every file."""
    if any(file.name == MANIFEST and file.sha256 for file in files):
        return manifest_digest(contents)
    lines = [f"{file.name}\0{file.sha256}\n".encode(errors="surrogateescape") for file in files]
    return hashlib.sha256(b"".join(sorted(lines))).hexdigest()


def _seal(
    contents: Contents, demands: Sequence[Demand], files: Sequence[FileFacts]
) -> tuple[Seal | None, tuple[str, ...]]:
    if MANIFEST in contents.names and any(file.sha256 is None for file in files):
        return None, ("some of its files cannot be read, so its seal was not checked",)
    try:
        seal = check_seal(contents, demands, files=False)
        altered = altered_files(contents, seal.manifest) if seal.manifest is not None else []
    except BundleError as error:
        return None, (str(error),)
    return (None if altered else seal), tuple(altered)


def _configs(contents: Contents, files: Sequence[FileFacts]) -> Iterator[ForeignConfig]:
    """JSON and YAML of a bundle, what counts most first, as far as the limits reach."""
    left = {True: _ALL_JSON, False: _ALL_YAML}
    values = _ALL_VALUES
    for file in sorted(files, key=lambda one: _rank(one.name)):
        if file.sha256 is None or not file.name.lower().endswith((".json", ".yaml", ".yml")):
            continue
        is_json = file.name.lower().endswith(".json")
        most = MOST_JSON if is_json else MOST_YAML
        with contents.stream(file.name) as stream:
            data = stream.read(most + 1)
        left[is_json] -= len(data)
        if left[is_json] < 0 or values <= 0:
            yield ForeignConfig(file.name, faults=("was not looked at: there is too much before it",))
            continue
        config = config_of(data, file.name, most_values=min(values, MOST_VALUES))
        values -= config.values
        yield config


def _rank(name: str) -> tuple[int, str]:
    order = (METADATA.as_posix(), *INFERENCE)
    return (order.index(name) if name in order else len(order) + (not name.startswith("configs/")), name)


def _logging(contents: Contents) -> list[Runnable]:
    found: list[Runnable] = []
    for name in contents.names:
        if name.lower().endswith((".conf", ".ini", ".cfg")) and is_plain(contents, name):
            with contents.stream(name) as stream:
                found += logging_runnables(stream.read(MOST_YAML).decode("utf-8", "replace"), name)
    return found


def _downloads(configs: Mapping[str, ForeignConfig]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, config in configs.items():
        listed = config.value.get("large_files") if isinstance(config.value, Mapping) else None
        if _LARGE_FILES.fullmatch(name.rsplit("/", 1)[-1]) and isinstance(listed, list):
            found |= {str(one.get("path")): str(one.get("url")) for one in listed if isinstance(one, Mapping)}
    return found


def _name(metadata: Any, place: Path) -> str:
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    if isinstance(name, str) and _PLAIN_NAME.fullmatch(name):
        return name
    return place.stem if os.path.isfile(place) else place.name

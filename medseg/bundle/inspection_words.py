"""An inspection as lines for people, and as values for programs.

The words of a bundle are those of a stranger: what a terminal would obey instead of show is shown as an escape.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from medseg.bundle.archives import SCRIPT, Archive
from medseg.bundle.inspection import FileFacts, Inspection
from medseg.bundle.runnable import COPY, EXPRESSION, TARGET, Runnable
from medseg.core.in_words import counted, size
from medseg.core.printable import printable

WIDTH = 110  # characters of a line
_LONGEST = 500  # characters of a text that are shown; --json has it whole
_MOST_LINES = 200  # of a list; --json has all
_MOST_REASONS = 12  # that are shown of many; by then it is clear
_MOST_PLACES = 6  # of one class in one file
_WIDEST_NAME = 44  # characters of a class in its column
_INDENT = "  "
_Places = set[tuple[str | None, str]]  # file and path of what is marked


def lines_of(found: Inspection) -> list[str]:
    """An inspection as lines; each is safe to print."""
    parts = (_head(found), _card(found), _file_list(found), _running(found), _verdict(found), _faults(found))
    return [printable(line) for part in parts for line in part]


def json_of(found: Inspection) -> dict[str, Any]:
    """An inspection as plain values, everything in full length."""
    return {
        "name": found.name,
        "version": found.version,
        "place": str(found.place),
        "bytes": sum(file.bytes_ for file in found.files),
        "digest": f"sha256:{found.digest}",
        "seal": _seal_of(found),
        "card": dict(found.card),
        "files": [{"name": one.name, "bytes": one.bytes_, "sha256": one.sha256} for one in found.files],
        "targets": [_place_of(one) for one in _of_kind(found, TARGET)],
        "expressions": [_place_of(one) for one in _of_kind(found, EXPRESSION)],
        "copies": [_place_of(one) for one in _of_kind(found, COPY)],
        "python": [one.name for one in found.python],
        "executables": {one.name: one.runs_as for one in found.executables},
        "pickles": {name: _archive_of(archive) for name, archive in found.archives.items()},
        "downloads": dict(found.downloads),
        "medseg": {
            "builds": found.verdict.builds,
            "inference": found.verdict.inference,
            "has_weights": found.verdict.has_weights,
            "unfit": list(found.verdict.unfit),
            "unsafe": list(found.verdict.unsafe),
            "trust_evaluates": [{"path": one.path, "text": one.text} for one in found.verdict.evaluated],
        },
        "faults": list(found.faults),
    }


def _head(found: Inspection) -> Iterator[str]:
    total = _size(sum(file.bytes_ for file in found.files))
    yield from _pairs(
        {
            "bundle": f"{found.name} {found.version}".strip(),
            "place": str(found.place),
            "size": f"{total} in {counted(len(found.files), 'file')}",
            "digest": f"sha256:{found.digest}",
            "seal": found.seal.in_words if found.seal else f"broken: {found.faults[0]}",
        },
        indent="",
    )


def _card(found: Inspection) -> Iterator[str]:
    yield from ("", "What it says of itself")
    yield from _pairs(found.card) if found.card else [f"{_INDENT}nothing"]


def _file_list(found: Inspection) -> Iterator[str]:
    yield from ("", "Files")
    yield from _cut([f"{_INDENT}{_size(file.bytes_):>9}  {file.name}" for file in found.files])


def _running(found: Inspection) -> Iterator[str]:
    marked = {(found.verdict.inference, one.path) for one in found.verdict.evaluated}
    targets, expressions, copies = (_of_kind(found, kind) for kind in (TARGET, EXPRESSION, COPY))
    yield from ("", "What MONAI would run of it" + (" (* evaluated by medseg with --trust)" if marked else ""))
    yield f"{_INDENT}classes to build (_target_): {len(targets)}"
    yield from _cut(
        _class_lines(targets, marked, {file.name.split("/")[0].removesuffix(".py") for file in found.python})
    )
    yield from _some("expressions to evaluate ($)", _told_all(expressions, marked))
    yield from _some("copies of other values or files (%)", _told_all(copies, marked))
    yield from _some("Python files", [_sized(one) for one in found.python])
    yield from _some("other programs", [f"{_sized(one)}: {one.runs_as}" for one in found.executables])
    yield from _some("pickles", [f"{name}: {_archive_words(one)}" for name, one in found.archives.items()])
    yield from _some("files to fetch", [f"{name} from {_shown(url)}" for name, url in found.downloads.items()])


def _verdict(found: Inspection) -> Iterator[str]:
    verdict = found.verdict
    yield from ("", "What medseg would do")
    if verdict.builds:
        yield f"{_INDENT}build {verdict.inference} without evaluating anything"
    if verdict.unsafe:
        yield f"{_INDENT}refuse the bundle, with --trust too: {counted(len(verdict.unsafe), 'reason')}"
        yield from _cut([f"{_INDENT * 2}{_shown(fault)}" for fault in verdict.unsafe], _MOST_REASONS)
    if verdict.unfit:
        yield f"{_INDENT}refuse to build it: {counted(len(verdict.unfit), 'fault')}"
        yield from _cut([f"{_INDENT * 2}{_shown(fault)}" for fault in verdict.unfit], _MOST_REASONS)
    if verdict.unfit and not verdict.unsafe:
        told = f"the {counted(len(verdict.evaluated), 'text')} marked *" if verdict.evaluated else "no text"
        yield f"{_INDENT}with --trust: have MONAI evaluate {told}, and use the bundle if the result is understood"
    if not verdict.has_weights:
        yield f"{_INDENT}find no weights: models/model.pt is not in the bundle"


def _faults(found: Inspection) -> Iterator[str]:
    if found.faults:
        yield from ("", f"What is wrong with its files: {counted(len(found.faults), 'fault')}")
        yield from _cut([f"{_INDENT}{_shown(fault)}" for fault in found.faults])


def _class_lines(targets: Sequence[Runnable], marked: _Places, own: set[str]) -> list[str]:
    """One class after the other with the places it stands in, file by file."""
    classes: dict[str, dict[str, list[str]]] = {}
    for one in targets:
        classes.setdefault(one.text, {}).setdefault(one.file, []).append(_shown(one.path.removesuffix("._target_")))
    starred = {one.text for one in targets if (one.file, one.path) in marked}
    width = min(_WIDEST_NAME, max(map(len, classes), default=0))
    lines = []
    for name, files in sorted(classes.items(), key=lambda item: (item[0] not in starred, item[0])):
        shown = _shown(name) + (" (code of the bundle)" if name.split(".")[0] in own else "")
        first, *rest = _wrapped("; ".join(_places(file, paths) for file, paths in files.items()), WIDTH - width)
        lines.append(f"{_INDENT}{'*' if name in starred else ' '} {shown:<{width}}  {first}")
        lines += [f"{_INDENT * 2}{'':<{width}}  {line}" for line in rest]
    return lines


def _places(file: str, paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _MOST_PLACES} more" if len(paths) > _MOST_PLACES else ""
    return f"{file}: {', '.join(paths[:_MOST_PLACES])}{more}"


def _told_all(ones: Sequence[Runnable], marked: _Places) -> list[str]:
    """Those that medseg would have evaluated first."""
    told = sorted(ones, key=lambda one: (one.file, one.path) not in marked)
    return [f"{'*' if (one.file, one.path) in marked else ' '} {_told(one)}" for one in told]


def _some(what: str, lines: Sequence[str]) -> Iterator[str]:
    yield f"{_INDENT}{what}: {len(lines)}"
    yield from _cut([f"{_INDENT}{line if line[:1] in '* ' else _INDENT + line}" for line in lines])


def _archive_words(archive: Archive) -> str:
    kind = f"{archive.kind} with {counted(archive.code, 'file')} of code" if archive.kind == SCRIPT else archive.kind
    names = ", ".join(archive.imports) or "nothing"
    if archive.kind == SCRIPT:
        return f"{kind}, which torch's own interpreter runs; it names {_shown(names)}"
    beyond = f"; BEYOND PLAIN WEIGHTS: {', '.join(archive.refused)}" if archive.refused else ", as plain weights do"
    unread = "; NOT READ TO ITS END" if archive.faults else ""
    return f"{kind}, imports {_shown(names)}{beyond if archive.imports else ''}{unread}"


def _archive_of(archive: Archive) -> dict[str, Any]:
    return {
        "kind": archive.kind,
        "code_files": archive.code,
        "imports": list(archive.imports),
        "beyond_plain_weights": list(archive.refused),
        "faults": list(archive.faults),
    }


def _seal_of(found: Inspection) -> dict[str, Any]:
    seal = found.seal
    if seal is None:
        return {"state": "broken", "in_words": found.faults[0]}
    state = "none" if seal.manifest is None else "signed" if seal.signed_by else "sealed"
    return {"state": state, "in_words": seal.in_words, "claimed": seal.claimed, "signed_by": seal.signed_by}


def _of_kind(found: Inspection, kind: str) -> list[Runnable]:
    return [one for one in found.runnables if one.kind == kind]


def _place_of(one: Runnable) -> dict[str, str]:
    return {"file": one.file, "path": one.path, "text": one.text}


def _told(one: Runnable) -> str:
    return f"{one.file}: {_shown(one.path)}  {_shown(one.text)}"


def _sized(file: FileFacts) -> str:
    return f"{file.name}, {_size(file.bytes_)}"


def _shown(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} … ({len(text)} characters; --json shows all)"


def _pairs(pairs: Mapping[str, str], *, indent: str = _INDENT) -> Iterator[str]:
    width = max(map(len, pairs))
    for heading, text in pairs.items():
        first, *rest = _wrapped(_shown(text), WIDTH - width)
        yield f"{indent}{heading:<{width}}  {first}"
        yield from (f"{indent}{'':<{width}}  {line}" for line in rest)


def _wrapped(text: str, width: int) -> list[str]:
    """Its lines; one empty line for an empty text."""
    return textwrap.wrap(text, width, break_on_hyphens=False, break_long_words=False) or [""]


def _cut(lines: Sequence[str], most: int = _MOST_LINES) -> Iterator[str]:
    yield from lines[:most]
    if len(lines) > most:
        yield f"{_INDENT * 2}… and {len(lines) - most} more lines; --json shows all"


def _size(bytes_: int) -> str:
    return size(bytes_) if bytes_ >= 1024 else f"{bytes_} B"

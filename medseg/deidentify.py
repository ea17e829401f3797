"""Take patients out of DICOM files: `python -m medseg.deidentify --input DIR --output DIR --key FILE`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medseg.core.command import Parser, run_command
from medseg.core.errors import EXIT_DONE, EXIT_SOME_FAILED, FAULTS_SHOWN, FileError, OutputError
from medseg.core.files import write_json
from medseg.core.in_words import counted

if TYPE_CHECKING:
    from medseg.io.dicom_deidentify import Outcome
    from medseg.io.dicom_pseudonyms import Pseudonyms

RECORD = "deidentified.json"  # marks a folder as written by this verb; names the key by a fingerprint


@dataclass(frozen=True)
class DeidentifyRequest:
    """What to de-identify, and how.

    Attributes:
        input: Folder, looked through in any depth, or one file.
        output: Empty, absent, or written before with the same key and options.
        key: File of the secret that pseudonyms and UIDs are made with; None draws one for this run.
        keep_descriptions: Whether SeriesDescription and ProtocolName stay where they hold no word of the identity.
        allow_burned_in: Whether images are written although text is usual in their pixels, or declared.
    """

    input: Path
    output: Path
    key: Path | None = None
    keep_descriptions: bool = False
    allow_burned_in: bool = False


@dataclass(frozen=True)
class Deidentified:
    """What became of a folder.

    Attributes:
        outcomes: One for every file, by path.
        warnings: What the user should know of what was written.
    """

    outcomes: tuple[Outcome, ...]
    warnings: tuple[str, ...]

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """Files that should have been written and were not."""
        return tuple(one for one in self.outcomes if one.state == "failed")

    def count(self, state: str) -> int:
        """How many files came to "written", "left_out", "failed" or "other"."""
        return sum(one.state == state for one in self.outcomes)


def parser() -> Parser:
    """Options of the verb."""
    options = Parser(
        prog="medseg deidentify",
        description="Copy DICOM images without their patients: attributes on an allow-list (DICOM PS3.15 Basic "
        "Profile), new UIDs, the same pixels and geometry. Every result is searched for its patient before it counts.",
        epilog="Exit code 3: finished, but some files could not be read or still named the patient.",
    )
    options.add_argument("--input", required=True, type=Path, metavar="DIR", help="DICOM files in any depth")
    options.add_argument(
        "--output", required=True, type=Path, metavar="DIR", help="writes DIR/<pseudonym>/<series>/IM0001_….dcm"
    )
    options.add_argument(
        "--key", type=Path, metavar="FILE", help="secret of 16 bytes or more; the same key gives the same pseudonyms"
    )
    options.add_argument(
        "--keep-descriptions",
        action="store_true",
        help="keep SeriesDescription and ProtocolName unless they hold a word of the patient's identity",
    )
    options.add_argument(
        "--allow-burned-in", action="store_true", help="also write images whose pixels may hold text (screenshots …)"
    )
    options.add_argument("--json", action="store_true", help="end with one line of JSON instead of the output's path")
    return options


def run(options: argparse.Namespace) -> int:
    """De-identify as the options say; see ``parser``."""
    request = DeidentifyRequest(
        input=options.input,
        output=options.output,
        key=options.key,
        keep_descriptions=options.keep_descriptions,
        allow_burned_in=options.allow_burned_in,
    )
    found = deidentify(request)
    print(json.dumps(_summary(found, request), ensure_ascii=False) if options.json else request.output)
    return EXIT_SOME_FAILED if found.failed else EXIT_DONE


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr)


def deidentify(request: DeidentifyRequest, *, say: Callable[[str], None] = _to_stderr) -> Deidentified:
    """Write every CT, MR, PET and SEG object of a folder without its patient.

    Args:
        request: What to de-identify, and how.
        say: Shows a line to the user; lines name files of the input, and nothing else of a patient.

    Returns:
        What became of each file; a bad one stops no other.

    Raises:
        FileError: There is no such input, the key cannot be used, or no file could be written.
        OutputError: The output holds something else, lies in the input, or cannot be written.
    """
    from medseg.io.dicom_deidentify import deidentify_file
    from medseg.io.dicom_pseudonyms import Pseudonyms

    _check_folders(request)
    pseudonyms = Pseudonyms.random() if request.key is None else _read_key(request.key)
    _claim(request, pseudonyms)
    root = request.input if request.input.is_dir() else request.input.parent
    taken: set[Path] = set()
    outcomes = tuple(
        deidentify_file(
            file,
            request.output,
            pseudonyms,
            root=root,
            taken=taken,
            keep_descriptions=request.keep_descriptions,
            allow_burned_in=request.allow_burned_in,
        )
        for file in _files_below(request.input)
    )
    found = Deidentified(outcomes, tuple(_warnings(outcomes, request)))
    for line in _report(found):
        say(line)
    if not found.count("written"):
        raise FileError(f"'{request.input}': none of {len(outcomes)} files could be written without its patient.")
    return found


def _check_folders(request: DeidentifyRequest) -> None:
    if not request.input.exists():
        raise FileError(f"no file or folder '{request.input}'; check the path")
    source, target = request.input.resolve(), request.output.resolve()
    if target == source or source in target.parents or target in source.parents:
        raise OutputError(
            f"--output '{request.output}' and --input lie in one another. Choose a folder beside the input."
        )
    if request.key is not None and target in request.key.resolve().parents:
        raise OutputError(
            f"--key '{request.key}' lies in --output: who gets the results could undo them. Move it away."
        )


def _read_key(path: Path) -> Pseudonyms:
    from medseg.io.dicom_pseudonyms import SHORTEST_KEY, Pseudonyms

    try:
        key = path.read_bytes().strip()
    except OSError as error:
        raise FileError(
            f"--key '{path}': {error.strerror}. To make one: "
            f"python -c 'import secrets; print(secrets.token_hex(32))' > FILE"
        ) from error
    if len(key) < SHORTEST_KEY:
        raise FileError(f"--key '{path}': {len(key)} bytes; at least {SHORTEST_KEY} keep it from being guessed.")
    return Pseudonyms(key)


def _claim(request: DeidentifyRequest, pseudonyms: Pseudonyms) -> None:
    """Mark the output as ours, or refuse it: pseudonyms of two keys would make one patient two."""
    record = {"by": "medseg deidentify", "key": pseudonyms.fingerprint, "keep_descriptions": request.keep_descriptions}
    path = request.output / RECORD
    if path.is_file():
        if _read_record(path) != record:
            raise OutputError(
                f"--output '{request.output}' was written with another key or other options. Choose an empty folder."
            )
    elif request.output.exists() and (not request.output.is_dir() or any(request.output.iterdir())):
        raise OutputError(f"--output '{request.output}' is not empty. Choose an empty folder, or a new one.")
    write_json(path, record)


def _read_record(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _files_below(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for folder, folders, names in os.walk(path):
        folders.sort()
        yield from (Path(folder) / name for name in sorted(names))


def _warnings(outcomes: Sequence[Outcome], request: DeidentifyRequest) -> Iterator[str]:
    written = [one for one in outcomes if one.written]
    if request.key is None and written:
        yield "no --key: a random one was used and is gone; another run gives other pseudonyms and UIDs"
    faces = {one.written.parent for one in written if one.face and one.written}
    if faces:
        yield f"{len(faces)} series show heads in thin slices: a face can be rendered from them. Deface before sharing."
    for reason, count in Counter(one.burned_in for one in written if one.burned_in).items():
        yield f"{counted(count, 'file')} written as asked although {reason}. Look at them before sharing."


def _report(found: Deidentified) -> Iterator[str]:
    for one in found.failed[:FAULTS_SHOWN]:
        yield f"failed: {one.source}: {one.reason}"
    if len(found.failed) > FAULTS_SHOWN:
        yield f"failed: … and {len(found.failed) - FAULTS_SHOWN} more"
    for reason, count in Counter(one.reason for one in found.outcomes if one.state == "left_out").items():
        yield f"left out: {counted(count, 'file')}: {reason}"
    yield from (f"warning: {warning}" for warning in found.warnings)
    patients = len({one.patient for one in found.outcomes if one.written})
    yield (
        f"{counted(found.count('written'), 'file')} written of {counted(patients, 'patient')}, "
        f"{found.count('left_out')} left out, {len(found.failed)} failed, {found.count('other')} no DICOM"
    )


def _summary(found: Deidentified, request: DeidentifyRequest) -> dict[str, Any]:
    root = request.input if request.input.is_dir() else request.input.parent
    written = [one.written for one in found.outcomes if one.written]
    return {
        "output": str(request.output),
        "written": len(written),
        "left_out": found.count("left_out"),
        "failed": len(found.failed),
        "no_dicom": found.count("other"),
        "patients": len({path.relative_to(request.output).parts[0] for path in written}),
        "series": len({path.parent for path in written}),
        "warnings": list(found.warnings),
        "not_written": [
            {"file": str(one.source.relative_to(root)), "state": one.state, "code": one.code, "reason": one.reason}
            for one in found.outcomes
            if not one.written
        ],
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run the verb; gives its exit code."""
    return run_command(parser, run, argv)


if __name__ == "__main__":
    sys.exit(main())

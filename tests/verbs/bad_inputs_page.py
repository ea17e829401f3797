"""The page docs/reference/bad-inputs.md, written from what the commands really say.

Run `python tests/verbs/bad_inputs_page.py --write` after a message or a row has changed.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import bad_inputs
import tiny
from bad_inputs import Row
from damage import Place

PAGE = tiny.CHECKOUT / "docs" / "reference" / "bad-inputs.md"
_HEAD = """# Bad inputs, and what medseg says

What a stranger may get wrong, tried out: the command, its exit code and its message. Nothing half-done is left
behind. Where a fault can show only after a run was opened, its `run.json` says `failed`.

Exit codes: 1 refused, 2 wrong usage, 3 finished although some studies failed. `--debug` adds the traceback.

In the commands, DATA is a folder of eight labelled studies in the layout of the Medical Segmentation Decathlon,
BUNDLE a bundle for it without weights, RUN a finished training of it, HERE any folder, OUT where results go and
STUDY what medseg calls a DICOM study.
Trainings and searches also have `--output OUT --workers 0 --no-tracking`, inferences, evaluations and plans
`--output OUT`.

*Written by `tests/verbs/bad_inputs_page.py --write`; a test holds it to what the commands say.*
"""
_COMMON = " ".join(str(word) for word in bad_inputs.TRAIN_WORDS)


@dataclass(frozen=True)
class Tried:
    """What became of one bad input: the command, its answer, and the message alone."""

    words: list[object]
    answer: tiny.Answer
    message: str


def try_row(row: Row, place: Place) -> Tried:
    """Make a bad input and run its command in this process."""
    words = bad_inputs.command(row, place)
    with row.machine():
        answer = tiny.call(str(words[0]), *words[1:])
    # Lines of progress come before an error, and around the line of a study that failed.
    found = (
        re.search(r"^medseg: .*", answer.err, re.MULTILINE | re.DOTALL)
        or re.search(r"failed: .*(\n .*)*", answer.err)  # its table is indented
        or re.search(r"(?<=      )\[\w+\] .*", answer.out)  # a reason in the table of a check
    )
    return Tried(words, answer, found[0].strip() if found else "")


def page_line(row: Row, place: Place, tried: Tried) -> str:
    """A row of the page."""
    command = _plain("medseg " + " ".join(str(word) for word in tried.words), place)
    for common in (f" {_COMMON}", " --output OUT"):
        command = command.replace(common, "")
    message = "<br>".join(_code(line) for line in _plain(tried.message, place).splitlines())
    return f"| {row.name} | {_code(command)} | {row.code} | {message} |"


def page(lines: Mapping[str, str]) -> str:
    """The whole page from the line of each row."""
    parts = [_HEAD]
    for section, rows in bad_inputs.SECTIONS.items():
        parts.append(f"## {section}\n\n| What is wrong | Command | Exit | Message |\n| --- | --- | --- | --- |")
        parts[-1] += "".join(f"\n{lines[row.name]}" for row in rows) + "\n"
    return "\n".join(parts)


def _plain(text: str, place: Place) -> str:
    """The text with names for the folders of this machine, and without numbers that depend on it."""
    names = {place.out: "OUT", place.bundle: "BUNDLE", place.run: "RUN", place.cohort: "DATA", place.root: "HERE"}
    for path, name in names.items():
        for spelling in (path.resolve(), path):
            text = text.replace(str(spelling), name)
    text = text.replace(str(tiny.CHECKOUT), "CHECKOUT")
    text = re.sub(r"\d{8}-\d{6}(-\d+)?", "TIME", text)
    text = re.sub(r"\bstudy-[0-9a-f]{10}\b", "STUDY", text)
    text = re.sub(r"\bhold \d+ at most\b", "hold N at most", text)  # of a packed phantom: by the processor's noise
    return re.sub(r"\d+\.\d+ (s|minutes)\b", r"N \1", text)


def _code(text: str) -> str:
    """Text as code in a cell of a table; a narrow space keeps the indentation of lists."""
    inner = text.strip().replace("|", "\\|").replace("`", "'")
    return "`" + ("· " if text.startswith("  ") else "") + inner + "`"


def write_page() -> None:
    """Try every row and write the page."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        os.environ["XDG_CACHE_HOME"] = str(root / "cache")
        bundle = tiny.write_tiny_bundle(root / "bundles" / "hippocampus_unet3d")
        cohort = tiny.write_tiny_cohort(root / "cohort")
        words = ("--bundle", bundle, "--data", cohort, "--output", root / "runs", "--name", "tiny", "--epochs", 1)
        answer = tiny.call("train", *words, *bad_inputs.TRAIN_WORDS)
        assert answer.code == 0, answer.err
        lines = {}
        for number, row in enumerate(bad_inputs.ROWS):
            place = Place(root / str(number), bundle, root / "runs" / "hippocampus_unet3d" / "tiny", cohort)
            place.root.mkdir()
            tried = try_row(row, place)
            lines[row.name] = page_line(row, place, tried)
            print(tried.answer.code, row.code, lines[row.name], flush=True)
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(page(lines), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("usage: python tests/verbs/bad_inputs_page.py --write")
    write_page()

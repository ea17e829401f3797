"""What of a cohort is done, line by line while it is done: whoever goes on after a kill knows where to begin."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from medseg.core.errors import OutputError
from medseg.core.files import digest_of
from medseg.steps.jobs import Job, Outcome


@dataclass(frozen=True)
class Journal:
    """A file of one JSON object per study.

    A line is written when the results of a study lie whole under temporary names, before they take their places. A
    study is done if it has a line, was made from the same files in the same way, and all its results are there as they
    were written: whatever another inference put in their place is not what the line says.

    Attributes:
        path: Of the file; there need be none yet.
        way: Digest of everything that decides a result beside the study's own files.
    """

    path: Path
    way: str
    _begun: dict[str, str] = field(default_factory=dict)

    def begin(self, job: Job) -> None:
        """A study is about to be read: its files are those of now, whatever becomes of them meanwhile."""
        self._begun[job.id] = _state(job)

    def note(self, job: Job, outcome: Outcome, results: Mapping[str, Path]) -> None:
        """Add a study, on the disk before this returns.

        Args:
            job: The study; ``begin`` has seen it.
            outcome: What became of it.
            results: Name of each result, relative to the journal's folder, and where it lies now.

        Raises:
            OutputError: The file cannot be written.
        """
        facts = {"way": self.way, "files": self._begun.pop(job.id), "outcome": asdict(outcome)}
        line = json.dumps({**facts, "results": {name: _fingerprint(path) for name, path in results.items()}})
        try:
            with self.path.open("a", encoding="utf-8") as stream:
                stream.write(f"\n{line}\n")  # after a kill in the middle of a line too this one is whole
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise OutputError(f"Cannot write '{self.path}': {error.strerror or error}. Free space.") from error

    def done(self, jobs: Sequence[Job], names: Mapping[str, Sequence[str]]) -> dict[str, Outcome]:
        """Outcomes of the studies that need not be segmented again, by id.

        Args:
            jobs: All studies.
            names: Study id to its results, relative to the journal's folder.
        """
        lines = {line["outcome"]["study"]: line for line in _lines(self.path)}
        return {
            job.id: _outcome(lines[job.id]["outcome"])
            for job in jobs
            if job.id in lines
            and lines[job.id]["way"] == self.way
            and lines[job.id]["files"] == _state(job)
            and lines[job.id]["results"] == {name: _fingerprint(self.path.parent / name) for name in names[job.id]}
        }

    def begin_anew(self) -> None:
        """Forget everything.

        Raises:
            OutputError: The file cannot be removed.
        """
        try:
            self.path.unlink(missing_ok=True)
        except NotADirectoryError:
            return  # a file lies where the folder should be; whoever writes there says so
        except OSError as error:
            raise OutputError(f"Cannot replace '{self.path}': {error.strerror or error}.") from error


def _state(job: Job) -> str:
    """Digest of how a study is read, and of its files by size and time, since reading all of them takes long."""
    values = sorted(job.value_of.items())
    return digest_of([job.key, values, [[str(path), _fingerprint(path)] for path in job.sources]])


def _fingerprint(path: Path) -> list[int] | None:
    """Size and time of a file, which a move keeps; None where there is none."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return [stat.st_size, stat.st_mtime_ns]


def _lines(path: Path) -> list[dict[str, Any]]:
    """What can be read of it; a kill may have left half of the last line."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        return []
    found = []
    for line in text.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict) and value.keys() >= {"way", "files", "outcome", "results"}:
            found.append(value)
    return found


def _outcome(told: Mapping[str, Any]) -> Outcome:
    """As it was: JSON has made texts of label values, and lists of tuples."""
    by_value = ("labels", "label_names", "uncertainty")
    keyed = {name: {int(value): one for value, one in told[name].items()} for name in by_value}
    lists = {name: tuple(told[name]) for name in ("outputs", "warnings")}
    return Outcome(**{**told, **keyed, **lists})

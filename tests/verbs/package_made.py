"""A run with everything that is known of it, packaged; and how its tests call the verb."""

import gzip
import io
import json
import platform
import shutil
import socket
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import tiny

from medseg.bundle.minisign import new_key
from medseg.bundle.minisign_keys import public_text, secret_text

NAME = "hippocampus_unet3d"
HOST, USER = "host-of-a-test", "user-of-a-test"  # the real ones may be words that a package says


@dataclass(frozen=True)
class Made:
    """A package, and how it came to be.

    Attributes:
        zip: It.
        folder: What is in it, unpacked by Python's zipfile.
        run: Of its training, tracked.
        evaluation: Of its model.
        public: File of the key that signed it.
        answer: What the command said.
    """

    zip: Path
    folder: Path
    run: Path
    evaluation: Path
    public: Path
    answer: tiny.Answer

    @property
    def mlflow(self) -> str:
        """Address of the MLflow of the run."""
        return f"sqlite:///{self.run.parents[1] / 'mlflow.db'}"

    def read(self, name: str) -> Any:
        """A JSON file of it."""
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    def text(self, name: str) -> str:
        """A text of it."""
        return (self.folder / name).read_text(encoding="utf-8")


def make(place: Path, run: Path, cohort: Path) -> Made:
    """Evaluate a copy of a run, sign and register its package; nothing of it may be written into afterwards.

    Args:
        place: An empty folder for all of it.
        run: Tracked, two folders below its MLflow.
        cohort: What it was trained on, its hold-out among it.
    """
    runs = Path(shutil.copytree(run.parents[1], place / "runs"))
    run, key = runs / run.relative_to(run.parents[1]), new_key()
    (place / "lab.key").write_text(secret_text(key))
    (place / "lab.pub").write_text(public_text(key.public))
    words = ("--bundle", run, "--data", cohort, "--output", place / "evaluation", "--no-report", "--no-tracking")
    evaluated = tiny.call("evaluate", *words)
    assert evaluated.code == 0, evaluated.err
    output = place / "out" / f"{NAME}-1.2.0.zip"
    more = ("--evaluation", place / "evaluation", "--sign", place / "lab.key", "--changes", "first for the clinic")
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in {"USER": USER, "LOGNAME": USER, "HOSTNAME": HOST}.items():
            patch.setenv(variable, value)
        patch.setattr(socket, "gethostname", lambda: HOST)
        patch.setattr(platform, "node", lambda: HOST)
        patch.setattr("medseg.steps.golden_study.DRAWN", 1)  # of which else the best is kept
        answer = tiny.call("package", "--run", run, "--output", output, *more)
    assert answer.code == 0, answer.err
    with zipfile.ZipFile(output) as archive:
        archive.extractall(place / "unpacked")
    return Made(output, place / "unpacked" / NAME, run, place / "evaluation", place / "lab.pub", answer)


def packaged(run: Path, output: Path, *words: object) -> tiny.Answer:
    return tiny.call("package", "--run", run, "--output", output, "--no-tracking", *words)


def copied(run: Path, folder: Path, **changes: Any) -> Path:
    """A run of its own, away from its MLflow, whose record says something else."""
    copy = Path(shutil.copytree(run, folder / "run"))
    record = json.loads((copy / "run.json").read_text())
    (copy / "run.json").write_text(json.dumps(record | changes))
    return copy


def record_of(run: Path) -> dict[str, Any]:
    return dict(json.loads((run / "run.json").read_text()))


def unwrapped(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """A file and whatever is packed in it."""
    yield name, name.encode() + content
    if content[:2] == b"\x1f\x8b":
        yield f"{name}, unpacked", gzip.decompress(content)
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for inner in archive.namelist():
                yield from unwrapped(f"{name}: {inner}", archive.read(inner))

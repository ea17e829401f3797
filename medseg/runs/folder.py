"""Where a run leaves what it makes: one folder, with one name for each thing in it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

from medseg.core.errors import FileError, OutputError, UsageError
from medseg.runs.record import read_record

NAME_LENGTH = 100  # characters; leaves room below the 255 that file systems allow


@dataclass(frozen=True)
class RunFolder:
    """The files of one run.

    Attributes:
        root: The run's folder.
    """

    root: Path

    @property
    def name(self) -> str:
        """Name of the run."""
        return self.root.name

    @property
    def bundle(self) -> Path:
        """The trained model, as a complete bundle."""
        return self.root / "bundle"

    @property
    def last(self) -> Path:
        """Checkpoint with all that is needed to go on."""
        return self.root / "last.pt"

    @property
    def best(self) -> Path:
        """Checkpoint with the best validation score."""
        return self.root / "best.pt"

    @property
    def record(self) -> Path:
        """What was run, with what, and how it ended."""
        return self.root / "run.json"

    @property
    def config(self) -> Path:
        """The resolved recipe, each value with its origin."""
        return self.root / "config.yaml"

    @property
    def metrics(self) -> Path:
        """One row an epoch."""
        return self.root / "metrics.csv"

    @property
    def log(self) -> Path:
        """What the run said."""
        return self.root / "log.txt"

    @property
    def curves(self) -> Path:
        """Loss, learning rate and Dice over epochs."""
        return self.root / "curves.png"

    @property
    def overlays(self) -> Path:
        """Folder of pictures, one a hold-out study."""
        return self.root / "overlays"

    @property
    def holdout(self) -> Path:
        """Scores of the hold-out studies, one row each."""
        return self.root / "holdout.csv"

    @property
    def folds(self) -> tuple[RunFolder, ...]:
        """The runs in the folder of a cross-validation that have begun, in the order of their folds."""
        begun = [path for path in self.root.glob("fold*") if path.name.removeprefix("fold").isdecimal()]
        return tuple(RunFolder(path) for path in sorted(begun, key=lambda path: int(path.name.removeprefix("fold"))))

    @property
    def validation(self) -> Path:
        """Scores of the validation studies, one row each, where the hold-out is left alone."""
        return self.root / "validation.csv"


def create_run_folder(
    output: Path, bundle_name: str, name: str | None = None, *, within: Path | None = None
) -> RunFolder:
    """Make ``output/<bundle>/<name>``.

    Args:
        output: Folder of all runs, "runs" by default on the command line.
        bundle_name: Name of the bundle that is trained.
        name: Name of the run; None takes the time in UTC, such as "20261121-014300", with "-2"
            and so on behind it where that is taken.
        within: Folder of another run that this one is a part of, to be made in place of ``output/<bundle>``.

    Raises:
        UsageError: The name cannot be a folder's.
        OutputError: The name is taken, or the folder cannot be made.
    """
    parent = within or output / checked_name(bundle_name, "the bundle's name")
    try:
        parent.mkdir(parents=True, exist_ok=True)
        root = _make_unnamed(parent) if name is None else _make_named(parent / checked_name(name, "--name"))
    except OSError as error:
        raise OutputError(
            f"Cannot make a run folder in '{parent}': {error.strerror or error}. Choose another --output."
        ) from error
    return RunFolder(root)


def find_run(path: Path) -> RunFolder:
    """The run at ``path``, to resume it or to look at it.

    Raises:
        FileError: There is no run; names the newest one below ``path``, if any.
    """
    run = RunFolder(path)
    if run.record.is_file():
        return run
    what = "holds no run.json" if path.is_dir() else "is not a folder" if path.exists() else "does not exist"
    raise FileError(f"'{path}' is no run: it {what}. {_newest_below(path)}")


def fold_runs(path: Path) -> list[Path]:
    """Folders of the trainings of a cross-validation, in the order of their folds; none where ``path`` is not one.

    Args:
        path: Any folder; one of ``medseg train --folds`` has a run.json that lists "folds".

    Raises:
        FileError: A fold is not trained to its end yet, so not every patient has a model that did not see them.
    """
    run = RunFolder(path)
    folds = read_record(run.record).get("folds") if run.record.is_file() else None
    if folds is None:
        return []
    roots = [path / str(fold["name"]) for fold in folds]
    unfinished = [root.name for root in roots if not is_trained(root)]
    if unfinished:
        raise FileError(
            f"Run '{path}' is a cross-validation whose {', '.join(unfinished)} is not trained to the end. "
            f"Go on with it by python -m medseg.train --resume {path}, or give the folders of finished folds."
        )
    return roots


def is_trained(path: Path) -> bool:
    """Whether a training in this folder came to its end."""
    run = RunFolder(path)
    return run.record.is_file() and read_record(run.record).get("outcome") in ("finished", "stopped")


def checked_name(name: str, what: str) -> str:
    """The name, if a folder can have it.

    Raises:
        UsageError: It is empty, too long, starts with a dot or a dash, or holds a slash or a
            character that does not print.
    """
    fault = _name_fault(name)
    if fault:
        raise UsageError(f"{what} {name!r} {fault}. Use letters, digits, '-', '_' and '.'.")
    return name


def _name_fault(name: str) -> str | None:
    if not name.strip():
        return "is empty"
    if len(name) > NAME_LENGTH:
        return f"has {len(name)} characters; {NAME_LENGTH} are allowed"
    if name[0] in ".-":
        return f"starts with '{name[0]}'"
    if name != name.strip():
        return "starts or ends with a space"
    if any(ch in "/\\:" or not ch.isprintable() for ch in name):
        return "holds a character that a folder's name should not"
    return None


def _make_named(root: Path) -> Path:
    if root.is_dir() and any(root.iterdir()):
        raise OutputError(
            f"The run '{root}' exists. Go on with it by --resume '{root}', or choose another --name for a new run."
        )
    root.mkdir(exist_ok=True)
    return root


def _make_unnamed(parent: Path) -> Path:
    stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S")
    count = 1
    while True:
        root = parent / (stamp if count == 1 else f"{stamp}-{count}")
        try:
            root.mkdir()  # fails where another process was first: two runs never share a folder
            return root
        except FileExistsError:
            count += 1


def _newest_below(path: Path) -> str:
    records = [*path.glob("*/run.json"), *path.glob("*/*/run.json")] if path.is_dir() else []
    if not records:
        return "Give the folder that a training named in its last line."
    newest = max(records, key=lambda record: record.stat().st_mtime)
    return f"The newest run in it is '{newest.parent}'."

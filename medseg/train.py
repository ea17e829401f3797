"""Train a bundle: `python -m medseg.train --bundle brats_unet3d --data DIR`."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from medseg.bundle.find import is_bundle
from medseg.bundle.read import Bundle, read_bundle
from medseg.core.command import run_command
from medseg.core.errors import EXIT_DONE, EXIT_INTERRUPTED, DatalistError, FileError, UsageError
from medseg.core.files import without_nan
from medseg.recipe.layers import Resolved
from medseg.runs.config_file import format_config
from medseg.runs.folder import RunFolder, checked_name, find_run
from medseg.runs.record import read_record
from medseg.runs.tracking_uri import choose_uri
from medseg.steps.given_bundle import given_bundle
from medseg.steps.request import TrainRequest, resolve_recipe
from medseg.steps.train_options import parser, request_of

if TYPE_CHECKING:
    from medseg.steps.closing import Result
    from medseg.steps.folds import CrossValidation


def run(options: argparse.Namespace) -> int:
    """Train as the options say; see ``medseg.steps.train_options``."""
    result: Result | CrossValidation | None
    if options.resume is not None:
        parser().refuse_beside_resume(options, "run")
        result = resume(options.resume)
    elif options.bundle is None:
        raise UsageError("medseg train: --bundle is missing, for example --bundle brats_unet3d")
    elif options.print_config:
        return _print_config(request_of(options))
    elif options.dry_run:
        return _dry_run(request_of(options), folds=options.folds is not None)
    else:
        result = (train if options.folds is None else cross_validate)(request_of(options))
    root = options.resume if result is None else result.run.root
    print(json.dumps(_summary(result, root)) if options.json else root)
    return EXIT_INTERRUPTED if result is not None and result.outcome == "interrupted" else EXIT_DONE


def _print_config(request: TrainRequest) -> int:
    resolved = resolve_recipe(given_bundle(request.bundle, request.trust), request)
    print(format_config(resolved.values, resolved.origins), end="")
    return EXIT_DONE


def _dry_run(request: TrainRequest, *, folds: bool) -> int:
    began_s = time.monotonic()
    bundle, resolved = _checked(request)
    session = _load_session(request)
    session.dry_run(session.check_task(request, bundle, resolved, began_s=began_s, say=print), say=print)
    if folds:
        print(f"--folds trains {resolved.recipe.split.folds} times as much; a --budget is shared among the folds.")
    return EXIT_DONE


def _checked(request: TrainRequest) -> tuple[Bundle, Resolved]:
    """Bundle and recipe, and whatever else can be refused before torch is imported."""
    bundle = given_bundle(request.bundle, request.trust)
    resolved = resolve_recipe(bundle, request)
    if request.tracking:
        choose_uri(request.tracking_uri, request.output)
    if request.name is not None:
        checked_name(request.name, "--name")
    if request.data is not None and not request.data.exists():
        raise DatalistError(f"No data '{request.data}'. Give an existing folder or datalist, or check the spelling.")
    return bundle, resolved


def _load_session(request: TrainRequest) -> ModuleType:
    """Import torch and MONAI, with the allocator and MLflow told beforehand how to behave."""
    from medseg.engine.allocator import keep_freed_memory
    from medseg.runs.tracking_client import keep_mlflow_quiet

    if request.keep_memory:
        keep_freed_memory()
    keep_mlflow_quiet()  # MONAI imports MLflow, which would leave a mark in the home folder
    from medseg.steps import session

    return session


def _summary(result: Result | CrossValidation | None, root: Path) -> dict[str, Any]:
    if result is None:
        return {"run": str(root), "outcome": "finished"}
    return {"run": str(root), "outcome": result.outcome, "holdout_dice": without_nan(result.dice)}


def train(request: TrainRequest, *, say: Callable[[str], None] = print) -> Result:
    """Train a bundle and score it on studies it never saw.

    Args:
        request: What to train on what.
        say: Shows a line to the user.

    Returns:
        The run's folder, how it ended, and the scores.

    Raises:
        MedsegError: Something cannot be used; nothing was trained.
    """
    began_s = time.monotonic()
    bundle, resolved = _checked(request)
    session = _load_session(request)
    say = say if _leads() else _silence
    task = session.check_task(request, bundle, resolved, began_s=began_s, say=say)
    result: Result = session.train_task(task, resume=None, say=say)
    return result


def cross_validate(request: TrainRequest, *, say: Callable[[str], None] = print) -> CrossValidation:
    """Train a bundle once for each fold, and score every patient by the model that did not see them.

    Args:
        request: What to train on what; its ``fold`` does not matter, its budget is that of the whole.
        say: Shows a line to the user.

    Returns:
        The folder that holds the runs of the folds, how it ended, and the scores.

    Raises:
        MedsegError: Something cannot be used, or a fold cannot be trained.
    """
    began_s = time.monotonic()
    _refuse_several_processes()
    request = replace(request, fold=0)
    bundle, resolved = _checked(request)
    session = _load_session(request)
    from medseg.steps import folds

    task = session.check_task(request, bundle, resolved, began_s=began_s, say=say)
    return folds.cross_validate(task, resume=None, say=say)


def _refuse_several_processes() -> None:
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UsageError(
            "--folds trains one fold after another in one process, and torchrun started several. "
            "Start it without torchrun, or give torchrun one --fold K at a time."
        )


def resume(path: Path, *, say: Callable[[str], None] = print) -> Result | CrossValidation | None:
    """Go on with an interrupted run or cross-validation; None if it is finished already.

    Raises:
        FileError: There is no run at ``path``.
    """
    began_s = time.monotonic()
    run = find_run(path)
    record = read_record(run.record)
    if record.get("verb") == "train" and record["outcome"] in ("finished", "stopped"):
        say(f"Run '{run.root}' is finished; nothing is left to do.")
        return None
    if record.get("verb") != "train":
        raise FileError(f"'{run.root}' is no training: its run.json was written by medseg {record.get('verb')}.")
    request = TrainRequest.from_dict(record["request"])
    if "folds" in record:
        _refuse_several_processes()
    bundle = _bundle_to_go_on_with(run, request)
    session = _load_session(request)
    from medseg.steps import folds, resuming

    say = say if _leads() else _silence
    # As it was when the run began: by now its own folds may have chosen for the bundle that it goes on with.
    chose = resuming.choosers_of_run(record)
    task = session.check_task(request, bundle, resuming.recipe_of_run(run), began_s=began_s, say=say, chose=chose)
    if "folds" in record:
        resuming.check_data(task, record, run.root)
        return folds.cross_validate(task, resume=run.root, say=say)
    resuming.check_same(task, record, run.root)
    result: Result = session.train_task(task, resume=run.root, say=say)
    return result


def _bundle_to_go_on_with(run: RunFolder, request: TrainRequest) -> Bundle:
    """The copy that the run made of its bundle, which nobody signed; what it was made of was checked when it began.

    A cross-validation has a copy in each fold, and none before the first began.
    """
    copies = [copy for copy in (run.bundle, *(fold.bundle for fold in run.folds)) if is_bundle(copy)]
    return read_bundle(copies[0]) if copies else given_bundle(request.bundle, request.trust)


def _leads() -> bool:
    return os.environ.get("RANK", "0") == "0"


def _silence(_: str) -> None:
    pass


def main(argv: Sequence[str] | None = None) -> int:
    """Run the verb; gives its exit code."""
    return run_command(parser, run, argv)


if __name__ == "__main__":
    sys.exit(main())

"""Search recipe values by their validation Dice: `python -m medseg.tune --bundle B --data DIR --space FILE`."""

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

from medseg.bundle.read import Bundle
from medseg.core.command import Parser, minutes, run_command
from medseg.core.errors import EXIT_DONE, EXIT_INTERRUPTED, DatalistError, FileError, UsageError
from medseg.recipe.space import read_space
from medseg.runs.folder import checked_name, find_run
from medseg.runs.record import read_record
from medseg.runs.tracking_uri import choose_uri
from medseg.steps.given_bundle import add_trust_options, given_bundle
from medseg.steps.request import TrainRequest, resolve_recipe
from medseg.steps.train_options import request_of
from medseg.steps.tuning_request import SPACE, TuneRequest, check_settings
from medseg.steps.tuning_search import SEARCHES, check_search

if TYPE_CHECKING:
    from medseg.steps.tuning_state import Ended

LEAST_TRIALS = 2  # one alone compares nothing
_ENDED = ("finished", "stopped")


def parser() -> Parser:
    """Options of the verb."""
    options = Parser(
        prog="medseg tune",
        description="Search values of a recipe: train one trial after another, compare them on the validation studies, "
        "and leave the best as a file for medseg train --config. The hold-out is never scored.",
        epilog="Trial 0 is the bundle's own recipe, so that the result says what the search gained.",
    )
    what = options.add_argument_group("what to search on what")
    what.add_argument("--bundle", help="name, folder, zip, run folder, or models:/NAME/VERSION of the model")
    add_trust_options(what)
    what.add_argument("--data", type=Path, metavar="DIR", help="labelled dataset, as for medseg train")
    what.add_argument("--space", type=Path, metavar="FILE", help="YAML: recipe key to values, or to low and high")
    what.add_argument("--fold", type=int, default=0, metavar="K", help="which of the folds is held out (default 0)")
    how = options.add_argument_group("how")
    how.add_argument("--search", choices=SEARCHES, default="random", help="how values are chosen (default random)")
    how.add_argument("--trials", type=int, metavar="N", help="trainings in all; a grid has as many as it has points")
    length = how.add_mutually_exclusive_group()
    length.add_argument("--budget", type=minutes, metavar="TIME", help="wall time of the whole command: 90s, 15m, 2h")
    length.add_argument("--epochs", type=int, metavar="N", help="passes of each trial over the training studies")
    how.add_argument("--no-baseline", action="store_true", help="do not train the bundle's own recipe as trial 0")
    how.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="value of all trials; may be repeated"
    )
    how.add_argument(
        "--config", action="append", default=[], type=Path, metavar="FILE", help="values of all trials; may be repeated"
    )
    how.add_argument("--seed", type=int, metavar="N", help="seed of the search and of every trial")
    how.add_argument("--device", default="auto", metavar="D", help="auto, cpu, cuda, cuda:N or mps")
    how.add_argument("--workers", type=int, metavar="N", help="processes that prepare batches")
    how.add_argument(
        "--cache", choices=("auto", "memory", "disk"), default="auto", help="where prepared studies are kept"
    )
    how.add_argument("--cache-dir", type=Path, metavar="DIR", help="folder of the disk cache")
    where = options.add_argument_group("where the result goes")
    where.add_argument("--output", type=Path, default=Path("runs"), metavar="DIR", help="folder of all runs")
    where.add_argument("--name", metavar="NAME", help="name of the search (default: the time)")
    where.add_argument("--resume", type=Path, metavar="RUN", help="go on with a search; no other option is needed")
    where.add_argument("--tracking-uri", metavar="URI", help="MLflow server or sqlite:/// database")
    where.add_argument("--experiment", metavar="NAME", help="MLflow experiment (default: the bundle's name)")
    where.add_argument("--no-tracking", action="store_true", help="do not use MLflow")
    where.add_argument("--json", action="store_true", help="end with one line of JSON instead of the search's path")
    options.set_defaults(folds=None, precision=None, allocator="keep")  # of a training, which a search leaves alone
    return options


def run(options: argparse.Namespace) -> int:
    """Search as the options say; see ``parser``."""
    if os.environ.get("WORLD_SIZE", "1") != "1":
        raise UsageError("medseg tune runs in one process; start it without torchrun, once per GPU with its own --seed")
    if options.resume is not None:
        parser().refuse_beside_resume(options, "search")
        ended = resume(options.resume)
    else:
        ended = tune(_request(options))
    root = options.resume if ended is None else ended.run.root
    print(json.dumps(_summary(root)) if options.json else root)
    return EXIT_INTERRUPTED if ended is not None and ended.outcome == "interrupted" else EXIT_DONE


def tune(request: TuneRequest, *, say: Callable[[str], None] = print) -> Ended:
    """Search a space for the recipe with the best validation Dice; the hold-out is never scored.

    Args:
        request: What to search, how, and how long.
        say: Shows a line to the user.

    Returns:
        The search's folder, how it ended, and its trials.

    Raises:
        MedsegError: Something cannot be used, or no trial came to its end.
    """
    began_s = time.monotonic()
    bundle = given_bundle(request.training.bundle, request.training.trust)
    # A resume in another folder must find the same bundle.
    request = replace(request, training=replace(request.training, bundle=str(bundle.root)))
    space = read_space(request.space)
    check_settings(request, space)
    resolved = resolve_recipe(bundle, request.of_all_trials())
    own = {key: resolved.values[key] for key in space.dimensions} if request.baseline else None
    count = check_search(space, request.search, trials=request.trials, own=own)
    _check_places(request.training)
    tuning = _load(request.training)
    ended: Ended = tuning.start_search(request, bundle, resolved, space, count=count, began_s=began_s, say=say)
    return ended


def resume(path: Path, *, say: Callable[[str], None] = print) -> Ended | None:
    """Go on with an interrupted search; None if it is finished already.

    Raises:
        FileError: There is no search at ``path``.
    """
    began_s = time.monotonic()
    run = find_run(path)
    record = read_record(run.record)
    if record.get("verb") != "tune":
        raise FileError(f"'{run.root}' is no search: its run.json was written by medseg {record.get('verb')}.")
    if record["outcome"] in _ENDED:
        say(f"Search '{run.root}' is finished; nothing is left to do.")
        return None
    request = TuneRequest.from_dict(record["request"])
    bundle: Bundle = given_bundle(request.training.bundle, request.training.trust)
    space = read_space(run.root / SPACE)
    check_search(space, request.search, trials=request.trials, own=None)
    tuning = _load(request.training)
    ended: Ended = tuning.resume_search(run, record, request, bundle, space, began_s=began_s, say=say)
    return ended


def _request(options: argparse.Namespace) -> TuneRequest:
    missing = [f"--{name}" for name in ("bundle", "data", "space") if getattr(options, name) is None]
    if missing:
        raise UsageError(f"medseg tune: {', '.join(missing)} missing; 'medseg tune --help' lists the options")
    least = {"fold": 0, "workers": 0, "seed": 0, "epochs": 1, "trials": LEAST_TRIALS}
    for name, low in least.items():
        value = getattr(options, name)
        if value is not None and value < low:
            raise UsageError(f"medseg tune: --{name} {value} is out of range; give {low} or more")
    return TuneRequest(request_of(options), options.space, options.search, options.trials, not options.no_baseline)


def _check_places(training: TrainRequest) -> None:
    """Whatever else can be refused before torch is imported."""
    if training.tracking:
        choose_uri(training.tracking_uri, training.output)
    if training.name is not None:
        checked_name(training.name, "--name")
    if training.data is not None and not training.data.exists():
        raise DatalistError(f"No data '{training.data}'. Give an existing folder or datalist, or check the spelling.")


def _load(training: TrainRequest) -> ModuleType:
    """Import torch and MONAI, with the allocator and MLflow told beforehand how to behave."""
    from medseg.engine.allocator import keep_freed_memory
    from medseg.runs.tracking_client import keep_mlflow_quiet

    if training.keep_memory:
        keep_freed_memory()
    keep_mlflow_quiet()
    from medseg.steps import tuning

    return tuning


def _summary(root: Path) -> dict[str, Any]:
    record = read_record(root / "run.json")
    best = record.get("best")
    trials = {trial["number"]: trial for trial in record["trials"]}
    found = {} if best is None else {"best": trials[best], "gain": record["gain"], "patients": record["patients"]}
    return {"run": str(root), "outcome": record["outcome"], **found}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the verb; gives its exit code."""
    return run_command(parser, run, argv)


if __name__ == "__main__":
    sys.exit(main())

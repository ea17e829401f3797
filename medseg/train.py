"""Train a bundle: `python -m medseg.train --bundle brats_unet3d --data DIR`."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from medseg.bundle.find import find_bundle
from medseg.bundle.read import Bundle, read_bundle
from medseg.core.command import Parser, minutes, run_command
from medseg.core.errors import EXIT_DONE, EXIT_INTERRUPTED, DatalistError, FileError, UsageError
from medseg.recipe.layers import Layer, Resolved, flatten, resolve
from medseg.recipe.yaml_file import read_yaml
from medseg.runs.config_file import format_config
from medseg.runs.folder import checked_name, find_run
from medseg.runs.record import read_record
from medseg.runs.tracking_uri import choose_uri
from medseg.steps.request import TrainRequest, resolve_recipe

if TYPE_CHECKING:
    from medseg.steps.closing import Result


def parser() -> Parser:
    """Options of the verb."""
    options = Parser(
        prog="medseg train",
        description="Train a bundle on your data, score it on patients it never saw, and leave a bundle that infers.",
        epilog="Without --data it trains on a synthetic phantom cohort, to show what a run looks like.",
    )
    what = options.add_argument_group("what to train on what")
    what.add_argument("--bundle", help="name, folder, or run folder of the model")
    what.add_argument(
        "--data", type=Path, metavar="DIR", help="BraTS, MSD or nnU-Net folder, images/ + labels/, or a datalist JSON"
    )
    what.add_argument("--fold", type=int, default=0, metavar="K", help="which of the folds is held out (default 0)")
    how = options.add_argument_group("how")
    length = how.add_mutually_exclusive_group()
    length.add_argument("--epochs", type=int, metavar="N", help="passes over the training studies")
    length.add_argument("--budget", type=minutes, metavar="TIME", help="wall time of the whole command: 90s, 15m, 2h")
    how.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change a value of the recipe; may be repeated"
    )
    how.add_argument(
        "--config",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="YAML with recipe values; may be repeated",
    )
    how.add_argument("--seed", type=int, metavar="N", help="seed of split, weights and every draw")
    how.add_argument("--precision", metavar="P", help="fp32, bf16, fp16 or auto")
    how.add_argument("--device", default="auto", metavar="D", help="auto, cpu, cuda, cuda:N or mps")
    how.add_argument(
        "--workers", type=int, metavar="N", help="processes that prepare batches (default: cores - 1, at most 4)"
    )
    how.add_argument(
        "--cache", choices=("auto", "memory", "disk"), default="auto", help="where prepared studies are kept"
    )
    how.add_argument("--cache-dir", type=Path, metavar="DIR", help="folder of the disk cache")
    how.add_argument(
        "--allocator", choices=("keep", "system"), default="keep", help="whether freed memory is kept (faster on Linux)"
    )
    where = options.add_argument_group("where the result goes")
    where.add_argument(
        "--output", type=Path, default=Path("runs"), metavar="DIR", help="folder of all runs (default runs)"
    )
    where.add_argument("--name", metavar="NAME", help="name of the run (default: the time)")
    where.add_argument(
        "--resume", type=Path, metavar="RUN", help="go on with an interrupted run; no other option is needed"
    )
    where.add_argument(
        "--tracking-uri", metavar="URI", help="MLflow server or sqlite:/// database (default: OUTPUT/mlflow.db)"
    )
    where.add_argument("--experiment", metavar="NAME", help="MLflow experiment (default: the bundle's name)")
    where.add_argument("--no-tracking", action="store_true", help="do not use MLflow")
    look = options.add_argument_group("look without training")
    look.add_argument(
        "--print-config", action="store_true", help="show each value of the recipe and where it comes from"
    )
    look.add_argument(
        "--dry-run", action="store_true", help="check all data, do one step and one study, say time and memory"
    )
    look.add_argument("--json", action="store_true", help="end with one line of JSON instead of the run's path")
    return options


def run(options: argparse.Namespace) -> int:
    """Train as the options say; see ``parser``."""
    if options.resume is not None:
        _refuse_beside_resume(options)
        result = resume(options.resume)
    elif options.bundle is None:
        raise UsageError("medseg train: --bundle is missing, for example --bundle brats_unet3d")
    elif options.print_config:
        return _print_config(_request(options))
    elif options.dry_run:
        return _dry_run(_request(options))
    else:
        result = train(_request(options))
    root = options.resume if result is None else result.run.root
    print(json.dumps(_summary(result, root)) if options.json else root)
    return EXIT_INTERRUPTED if result is not None and result.outcome == "interrupted" else EXIT_DONE


def _request(options: argparse.Namespace) -> TrainRequest:
    for name, least in (("fold", 0), ("workers", 0), ("seed", 0), ("epochs", 1)):
        value = getattr(options, name)
        if value is not None and value < least:
            raise UsageError(f"medseg train: --{name} {value} is out of range; give {least} or more")
    return TrainRequest(
        bundle=options.bundle,
        data=options.data,
        output=options.output,
        name=options.name,
        config=tuple(options.config),
        settings=tuple(options.set),
        fold=options.fold,
        epochs=options.epochs,
        budget_min=options.budget,
        seed=options.seed,
        precision=options.precision,
        device=options.device,
        workers=options.workers,
        cache=options.cache,
        cache_dir=options.cache_dir,
        tracking=not options.no_tracking,
        tracking_uri=options.tracking_uri,
        experiment=options.experiment,
        keep_memory=options.allocator == "keep",
    )


def _refuse_beside_resume(options: argparse.Namespace) -> None:
    """A resumed run keeps its options; one given beside --resume would be ignored in silence."""
    plain = parser().parse([])
    allowed = {"resume", "json", "debug"}
    given = [key for key, value in vars(options).items() if key not in allowed and value != getattr(plain, key)]
    if given:
        listed = ", ".join("--" + key.replace("_", "-") for key in sorted(given))
        raise UsageError(
            f"medseg train: {listed} cannot stand beside --resume; the run keeps the options it began with"
        )


def _print_config(request: TrainRequest) -> int:
    resolved = resolve_recipe(read_bundle(find_bundle(request.bundle)), request)
    print(format_config(resolved.values, resolved.origins), end="")
    return EXIT_DONE


def _dry_run(request: TrainRequest) -> int:
    began_s = time.monotonic()
    bundle, resolved = _checked(request)
    session = _load_session(request)
    session.dry_run(session.check_task(request, bundle, resolved, began_s=began_s, say=print), say=print)
    return EXIT_DONE


def _checked(request: TrainRequest) -> tuple[Bundle, Resolved]:
    """Bundle and recipe, and whatever else can be refused before torch is imported."""
    bundle = read_bundle(find_bundle(request.bundle))
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
    from medseg.runs.tracking import keep_mlflow_quiet

    if request.keep_memory:
        keep_freed_memory()
    keep_mlflow_quiet()  # MONAI imports MLflow, which would leave a mark in the home folder
    from medseg.steps import session

    return session


def _summary(result: Result | None, root: Path) -> dict[str, Any]:
    if result is None:
        return {"run": str(root), "outcome": "finished"}
    means = {} if result.holdout is None else {key: one.mean for key, one in result.holdout.summaries.items()}
    scores = {key: None if math.isnan(mean) else mean for key, mean in means.items()}
    return {"run": str(root), "outcome": result.outcome, "holdout_dice": scores}


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


def resume(path: Path, *, say: Callable[[str], None] = print) -> Result | None:
    """Go on with an interrupted run; None if it is finished already.

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
    bundle = read_bundle(run.bundle)
    resolved = resolve([Layer("config.yaml of the run", flatten(read_yaml(run.config)))], f"Run '{run.root}'")
    session = _load_session(request)
    say = say if _leads() else _silence
    task = session.check_task(request, bundle, resolved, began_s=began_s, say=say)
    if record["data_digest"] != task.cohort.inspection.data_digest:
        raise DatalistError(
            f"The data in '{record['data']}' changed since run '{run.root}' began; going on would mix two cohorts. "
            "Put the files back, or start a new run."
        )
    if record["ranks"] != task.world.size or record["split"] != task.split.as_dict():
        raise DatalistError(
            f"Run '{run.root}' began with {record['ranks']} process(es) and a split that {task.world.size} process(es) "
            "and the data of now do not give again. Go on as it began, or start a new run."
        )
    result: Result = session.train_task(task, resume=run.root, say=say)
    return result


def _leads() -> bool:
    return os.environ.get("RANK", "0") == "0"


def _silence(_: str) -> None:
    pass


def main(argv: Sequence[str] | None = None) -> int:
    """Run the verb; gives its exit code."""
    return run_command(parser, run, argv)


if __name__ == "__main__":
    sys.exit(main())

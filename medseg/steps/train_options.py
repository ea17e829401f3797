"""The options of `medseg train`, and the request they make."""

from __future__ import annotations

import argparse
from pathlib import Path

from medseg.bundle.minisign_keys import read_public_key
from medseg.core.command import Parser, minutes
from medseg.core.errors import UsageError
from medseg.core.split import EVERYONE
from medseg.steps.given_bundle import add_trust_options
from medseg.steps.request import TrainRequest

RECIPES = "recipe"  # --folds without a number: as many as the recipe says


def parser() -> Parser:
    """Options of the verb."""
    options = Parser(
        prog="medseg train",
        description="Train a bundle on your data, score it on patients it never saw, and leave a bundle that infers.",
        epilog="Without --data it trains on a synthetic phantom cohort, to show what a run looks like.",
    )
    what = options.add_argument_group("what to train on what")
    what.add_argument("--bundle", help="name, folder, zip, run folder, or models:/NAME/VERSION of the model")
    add_trust_options(what)
    what.add_argument(
        "--data", type=Path, metavar="DIR", help="BraTS, MSD or nnU-Net folder, images/ + labels/, or a datalist JSON"
    )
    which = what.add_mutually_exclusive_group()
    which.add_argument("--fold", type=_fold, metavar="K", help="which of the folds is held out (default 0); all: none")
    which.add_argument(
        "--folds",
        nargs="?",
        const=RECIPES,
        type=_folds,
        metavar="N",
        help="train all N folds (default: the recipe's number) and score each patient by the model that did not see it",
    )
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


def request_of(options: argparse.Namespace) -> TrainRequest:
    """What the options ask of a training.

    Raises:
        UsageError: A number is out of range.
    """
    for name, least in (("fold", 0), ("folds", 2), ("workers", 0), ("seed", 0), ("epochs", 1)):
        value = getattr(options, name)
        if isinstance(value, int) and value < least:
            raise UsageError(f"medseg train: --{name} {value} is out of range; give {least} or more")
    return TrainRequest(
        bundle=options.bundle,
        data=options.data,
        output=options.output,
        name=options.name,
        config=tuple(options.config),
        settings=tuple(options.set),
        fold={None: 0, EVERYONE: None}.get(options.fold, options.fold),
        folds=None if options.folds == RECIPES else options.folds,
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
        key=None if options.key is None else read_public_key(options.key).text,  # a resume may run elsewhere
    )


def _fold(text: str) -> int | str:
    if text == EVERYONE:
        return text
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no fold; write its number, or all to hold no one out") from None


def _folds(text: str) -> int | str:
    if text == RECIPES:
        return text
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no number of folds; write 5, or nothing behind it") from None

"""Plan a bundle from data: `python -m medseg.plan --data DIR --name NAME`."""

from __future__ import annotations

import argparse
import logging
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from medseg.core.command import Parser, gib, minutes, run_command
from medseg.core.errors import EXIT_DONE, DatalistError, OutputError, UsageError
from medseg.core.machine import default_folder
from medseg.planning.modality import asked_modality
from medseg.planning.networks import NETWORKS
from medseg.runs.folder import checked_name

LOG = logging.getLogger("medseg")
MEMORY_GIB = 8.0  # a common graphics card, and a laptop beside its other work; never what happens to be free


def parser() -> Parser:
    """Options of the verb."""
    options = Parser(
        prog="medseg plan",
        description="Measure a data set and write a bundle that fits it, each choice with its measured reason.",
        epilog="The same data and options give the same bundle. Train it with: medseg train --bundle NAME --data DIR",
    )
    what = options.add_argument_group("what to plan")
    what.add_argument("--data", type=Path, required=True, metavar="DIR", help="labelled data in any layout")
    what.add_argument("--name", required=True, metavar="NAME", help="name of the new bundle")
    what.add_argument("--modality", metavar="M", help="MR, CT, microscopy … (default: what the data says)")
    how = options.add_argument_group("what to fit")
    how.add_argument(
        "--memory", type=gib, default=MEMORY_GIB, metavar="SIZE", help="limit of a training: 8GB (the default), 900MB"
    )
    how.add_argument("--budget", type=minutes, metavar="TIME", help="wall time of a training: 90s, 15m, 2h")
    how.add_argument("--device", default="auto", metavar="D", help="auto, cpu, cuda, cuda:N or mps")
    how.add_argument(
        "--network", choices=("auto", *NETWORKS), default="auto", metavar="N", help=f"auto, {', '.join(NETWORKS)}"
    )
    where = options.add_argument_group("where the result goes")
    where.add_argument(
        "--output", type=Path, default=Path("bundles"), metavar="DIR", help="folder of bundles (default bundles)"
    )
    return options


def run(options: argparse.Namespace) -> int:
    """Plan as the options say; see ``parser``."""
    print(
        plan(
            options.data,
            options.name,
            output=options.output,
            network=options.network,
            memory_gib=options.memory,
            budget_min=options.budget,
            device=options.device,
            modality=options.modality,
        )
    )
    return EXIT_DONE


def plan(
    data: Path,
    name: str,
    *,
    output: Path = Path("bundles"),
    network: str = "auto",
    memory_gib: float = MEMORY_GIB,
    budget_min: float | None = None,
    device: str = "auto",
    modality: str | None = None,
    say: Callable[[str], None] = print,
) -> Path:
    """Write a bundle for a data set.

    Args:
        data: Labelled, in any layout.
        name: Of the bundle; letters, digits, "-", "_" and ".".
        output: Folder of bundles.
        network: "auto", or one of ``medseg.planning.networks.NETWORKS``.
        memory_gib: Limit of a training.
        budget_min: Wall time of a training, in minutes; None counts epochs.
        device: Where it will be trained.
        modality: MR, CT, microscopy …; None takes what the data says.
        say: Shows a line to the user.

    Returns:
        The bundle's folder.

    Raises:
        MedsegError: Something cannot be used; nothing was written.
    """
    checked_name(name, "--name")
    if not data.exists():
        raise DatalistError(f"No data '{data}'. Give an existing folder or datalist, or check the spelling.")
    if (output / name).exists():
        raise OutputError(f"'{output / name}' exists; give another --name, or remove it to plan again")
    if network not in ("auto", *NETWORKS):
        raise UsageError(f"--network {network}: choose auto, {', '.join(NETWORKS)}")
    from medseg.steps.planning import PlanRequest, plan_bundle

    request = PlanRequest(
        data=data,
        name=name,
        output=output,
        network=network,
        memory_gib=memory_gib,
        budget_min=budget_min,
        device=device,
        modality=modality and modality_word(modality),
        cache=default_folder(),
    )
    return plan_bundle(request, say=say, warn=LOG.warning)


def modality_word(text: str) -> str:
    """A modality as medseg writes it: "CT" for CBCT, "microscopy" for histology.

    Raises:
        UsageError: It is no word.
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,31}", text):
        raise UsageError(f"--modality '{text}' is no word; give MR, CT, microscopy or another")
    return asked_modality(text)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the verb; gives its exit code."""
    return run_command(parser, run, argv)


if __name__ == "__main__":
    sys.exit(main())

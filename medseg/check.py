"""Say what is wrong with a bundle or a dataset: `python -m medseg.check --bundle B --data DIR`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from medseg.bundle.find import find_bundle
from medseg.bundle.metadata import metadata_faults
from medseg.bundle.read import Bundle, read_bundle
from medseg.core.command import Parser, run_command
from medseg.core.errors import EXIT_DONE, BundleError, raise_faults


def parser() -> Parser:
    """Options of the verb."""
    options = Parser(
        prog="medseg check",
        description="Check a bundle, and with --data whether it can be trained on that. Lists every fault at once.",
    )
    options.add_argument("--bundle", required=True, help="name, folder, or run folder of a model")
    options.add_argument("--data", type=Path, metavar="DIR", help="dataset to read through")
    options.add_argument("--network", action="store_true", help="also build the network and try the shapes it declares")
    return options


def run(options: argparse.Namespace) -> int:
    """Check as the options say; see ``parser``."""
    check(options.bundle, options.data, network=options.network)
    return EXIT_DONE


def check(bundle: str, data: Path | None = None, *, network: bool = False, say: Callable[[str], None] = print) -> None:
    """Raise on whatever is wrong with a bundle, and with data it is to be trained on.

    Args:
        bundle: Name, folder or run.
        data: Dataset in any layout; None checks the bundle alone.
        network: Whether to build the network and try the shapes metadata.json declares.
        say: Shows a line to the user.

    Raises:
        MedsegError: Every fault of the bundle, or every fault of the data.
    """
    found = read_bundle(find_bundle(bundle))
    faults = metadata_faults(found.metadata)
    if network:
        faults += _network_faults(found)
    raise_faults(f"Bundle '{found.name}' in {found.root}", faults, BundleError)
    say(f"Bundle {found.name} {found.version}: nothing wrong")
    if data is not None:
        from medseg.steps.data import load_cohort, summary

        for line in summary(load_cohort(data, found, cache=None)):
            say(line)


def _network_faults(bundle: Bundle) -> list[str]:
    from medseg.runs.tracking import keep_mlflow_quiet

    keep_mlflow_quiet()
    from medseg.bundle.build import build_network, network_faults

    return network_faults(bundle, build_network(bundle))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the verb; gives its exit code."""
    return run_command(parser, run, argv)


if __name__ == "__main__":
    sys.exit(main())

"""Say what is wrong with scans, a dataset or a bundle: `python -m medseg.check --input DIR`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from medseg.bundle.coding import coding_faults
from medseg.bundle.contents import contents_of
from medseg.bundle.metadata import metadata_faults
from medseg.bundle.read import Bundle
from medseg.bundle.series import keyword_faults
from medseg.bundle.trust import NOTHING_SAID, Trust
from medseg.bundle.weights_look import weights_file_faults
from medseg.core.command import Parser, pairs, run_command
from medseg.core.errors import EXIT_DONE, EXIT_REFUSED, BundleError, DatalistError, UsageError, raise_faults
from medseg.steps.given_bundle import add_trust_options, given_bundle, trust_of

if TYPE_CHECKING:
    from medseg.steps.stock import Stock


def parser() -> Parser:
    """Options of the verb."""
    options = Parser(
        prog="medseg check",
        description="Check scans (--input), a training set (--data), a bundle (--bundle), or whether a bundle can be "
        "trained on a set (both). Lists every fault at once.",
        epilog="Exit code 1: something is refused.",
    )
    options.add_argument(
        "--input", type=Path, metavar="DIR", help="scans, DICOM or NIfTI: what is there, and may it be used"
    )
    options.add_argument("--data", type=Path, metavar="DIR", help="dataset to read through")
    options.add_argument("--bundle", help="name, folder, zip, run folder, or models:/NAME/VERSION of the model")
    add_trust_options(options)
    options.add_argument("--tracking-uri", metavar="URI", help="MLflow that knows models:/NAME/VERSION")
    options.add_argument("--network", action="store_true", help="also build the network and try the shapes it declares")
    options.add_argument(
        "--select",
        action="append",
        default=[],
        metavar="ATTRIBUTE=VALUE",
        help="keep one volume of a series that holds several, for example EchoTime=4.92",
    )
    options.add_argument("--resample-tilt", action="store_true", help="accept a tilted gantry, as infer would with it")
    options.add_argument("--json", action="store_true", help="with --input: print one JSON object instead of a table")
    return options


def run(options: argparse.Namespace) -> int:
    """Check as the options say; see ``parser``."""
    _check_options(options)
    if options.bundle is not None:
        check(options.bundle, options.data, network=options.network, trust=trust_of(options))
    elif options.data is not None:
        check_data(options.data)
    if options.input is None:
        return EXIT_DONE
    stock = check_input(options.input, select=pairs(options.select, "--select"), resample_tilt=options.resample_tilt)
    return _show(stock, options.input, as_json=options.json)


def check(
    bundle: str,
    data: Path | None = None,
    *,
    network: bool = False,
    trust: Trust = NOTHING_SAID,
    say: Callable[[str], None] = print,
) -> None:
    """Raise on whatever is wrong with a bundle, and with data it is to be trained on.

    Args:
        bundle: Name, folder or run.
        data: Dataset in any layout; None checks the bundle alone.
        network: Whether to build the network and try the shapes metadata.json declares.
        trust: Who must have signed the bundle.
        say: Shows a line to the user.

    Raises:
        MedsegError: Every fault of the bundle, or every fault of the data.
    """
    found = given_bundle(bundle, trust)
    uncoded = coding_faults(found)
    faults = [*weights_file_faults(contents_of(found.root)), *metadata_faults(found.metadata)]
    faults += [*(uncoded if found.coded else ()), *keyword_faults(found.series)]
    if network:
        faults += _network_faults(found)
    raise_faults(f"Bundle '{found.name}' in {found.root}", faults, BundleError)
    say(f"Bundle {found.name} {found.version}: nothing wrong")
    if uncoded and not found.coded:
        say("note: metadata.json has no label_codes, so no DICOM segmentation can be written with it")
    if data is not None:
        from medseg.steps.data import load_cohort, summary

        for line in summary(load_cohort(data, found, cache=None)):
            say(line)


def check_data(data: Path, *, say: Callable[[str], None] = print) -> None:
    """Raise on whatever is wrong with a dataset, whatever model it is for.

    Files are read through; grids and values of labels are looked at, names of channels and labels are not.

    Args:
        data: In any layout.
        say: Shows a line to the user.

    Raises:
        DatalistError: Every fault of the data.
    """
    from medseg.steps.data import look_at_data

    for line in look_at_data(data):
        say(line)


def check_input(path: Path, *, select: Mapping[str, str] | None = None, resample_tilt: bool = False) -> Stock:
    """Every DICOM series and NIfTI file at a path with its verdict; a bad one raises nothing.

    Args:
        path: A folder, looked through in any depth, or a file.
        select: Attribute to value: keeps one volume of a series that holds several.
        resample_tilt: Whether a tilted gantry is accepted.

    Raises:
        DatalistError: There is no such path.
    """
    if not path.exists():
        raise DatalistError(f"no file or folder '{path}'; check the path")
    from medseg.steps.stock import take_stock

    return take_stock(path, select=select, resample_tilt=resample_tilt)


def _check_options(options: argparse.Namespace) -> None:
    if options.input is None and options.data is None and options.bundle is None:
        raise UsageError("medseg check: nothing to check. Give --input DIR, --data DIR, --bundle B, or several.")
    if options.json and (options.input is None or options.data is not None or options.bundle is not None):
        raise UsageError("medseg check: --json is for --input alone.")
    if options.network and options.bundle is None:
        raise UsageError("medseg check: --network needs --bundle.")
    if options.key is not None and options.bundle is None:
        raise UsageError("medseg check: --key needs --bundle.")
    if options.input is None and (options.select or options.resample_tilt):
        raise UsageError("medseg check: --select and --resample-tilt are for --input.")


def _show(stock: Stock, path: Path, *, as_json: bool) -> int:
    from medseg.steps.stock import table

    if as_json:
        print(json.dumps({"series": [item.as_json() for item in stock.items]}))
    else:
        for line in table(stock):
            print(line)
    if not any(item.is_image for item in stock.items):
        left_out = "; ".join([*(one.sentence for one in stock.damaged), *stock.notes])
        found = f" ({left_out})" if left_out else ""
        raise DatalistError(f"no DICOM or NIfTI image found in '{path}'{found}")
    return EXIT_DONE if stock.sound else EXIT_REFUSED


def _network_faults(bundle: Bundle) -> list[str]:
    from medseg.runs.tracking_client import keep_mlflow_quiet

    keep_mlflow_quiet()
    from medseg.bundle.build import build_network, network_faults

    return network_faults(bundle, build_network(bundle))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the verb; gives its exit code."""
    return run_command(parser, run, argv)


if __name__ == "__main__":
    sys.exit(main())

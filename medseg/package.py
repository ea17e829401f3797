"""Package a trained model for others: `python -m medseg.package --run RUN --output brats_unet3d-1.2.0.zip`."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from medseg.bundle.minisign import SecretKey
from medseg.bundle.minisign_keys import has_password, read_secret_key
from medseg.core.command import Parser, run_command
from medseg.core.errors import EXIT_DONE, UsageError
from medseg.core.exports import EXPORTS
from medseg.steps.given_bundle import add_trust_options, trust_of
from medseg.steps.package_request import QUANTIZATIONS, PackageRequest, check_request
from medseg.steps.stopping import stop_on_signals

if TYPE_CHECKING:
    from medseg.steps.packaging import Package


def parser() -> Parser:
    """Options of the verb."""
    options = Parser(
        prog="medseg package",
        description="Turn a trained run into one file that says what it is, how good it is, on which scans it may be "
        "used, and whether a byte of it was changed. Stock MONAI runs it; medseg infer checks it.",
        epilog="For research only, unless --intended-use says otherwise.",
    )
    what = options.add_argument_group("what")
    what.add_argument("--run", required=True, help="folder of a run, or a bundle that holds weights")
    what.add_argument("--output", required=True, type=Path, metavar="ZIP", help="zip or folder to write")
    what.add_argument("--version", metavar="V", help="of the package (default: from the name of --output)")
    what.add_argument("--changes", default="", metavar="TEXT", help="what is new in it, a line of its changelog")
    add_trust_options(what)
    knows = options.add_argument_group("what it says of itself")
    knows.add_argument("--evaluation", type=Path, metavar="EVAL", help="folder of medseg evaluate: how good it is")
    knows.add_argument(
        "--gallery",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="with --evaluation: pictures of the worst scans, without names, on the card (default)",
    )
    knows.add_argument("--data", type=Path, metavar="DIR", help="what it was trained on (default: as its run says)")
    knows.add_argument("--data-licence", type=Path, metavar="FILE", help="text with the terms of that data")
    knows.add_argument("--limits", type=Path, metavar="FILE", help="validity.json to take as it is (default: measured)")
    knows.add_argument("--intended-use", metavar="TEXT", help="what it may be used for, on your word")
    knows.add_argument("--golden", type=Path, metavar="SCAN", help="small scan to try it on (default: a drawn one)")
    knows.add_argument("--golden-licence", default="", metavar="TEXT", help="under which that scan is given away")
    forms = options.add_argument_group("other forms of the network")
    forms.add_argument("--export", nargs="+", choices=EXPORTS, default=[], help="each is compared with torch")
    forms.add_argument("--quantize", choices=QUANTIZATIONS, help="also in eight bits, for medseg infer --engine int8")
    forms.add_argument("--calibrate", type=Path, metavar="DIR", help="studies that set the ranges of eight bits")
    gets = options.add_argument_group("who gets it")
    gets.add_argument("--sign", type=Path, metavar="KEY", help="secret key that signs it; `medseg keygen` makes one")
    gets.add_argument("--tracking-uri", metavar="URI", help="MLflow that registers it (default: that of the run)")
    gets.add_argument("--no-tracking", action="store_true", help="do not use MLflow")
    gets.add_argument("--json", action="store_true", help="end with one line of JSON instead of the package's path")
    return options


def run(options: argparse.Namespace) -> int:
    """Package as the options say; see ``parser``."""
    request = PackageRequest(
        run=options.run,
        output=options.output,
        exports=tuple(dict.fromkeys(options.export)),
        quantize=options.quantize,
        calibrate=options.calibrate,
        sign=options.sign,
        evaluation=options.evaluation,
        data=options.data,
        data_licence=options.data_licence,
        limits=options.limits,
        golden=options.golden,
        golden_licence=options.golden_licence,
        version=options.version,
        change=options.changes,
        intended_use=options.intended_use,
        gallery=options.gallery,
        tracking=not options.no_tracking,
        tracking_uri=options.tracking_uri,
        trust=trust_of(options),
    )
    with stop_on_signals():  # a scheduler's SIGTERM ends it as Ctrl-C does: nothing is left behind
        package(request)
    print(json.dumps({"output": str(request.output)}) if options.json else request.output)
    return EXIT_DONE


def package(
    request: PackageRequest, *, password: Callable[[str], str] = getpass.getpass, say: Callable[[str], None] = print
) -> Package:
    """Package a trained model, and register it where its run is tracked.

    Args:
        request: What to package.
        password: Asks for that of the secret key, where it has one.
        say: Shows a line to the user.

    Raises:
        MedsegError: Something is missing, does not hold, or cannot be written; no package was made.
        OutputError: Also where an MLflow that was asked for does not take the package, which is there by then.
    """
    check_request(request)
    key = None if request.sign is None else _key(request.sign, password)
    from medseg.runs.tracking_client import keep_mlflow_quiet

    keep_mlflow_quiet()
    from medseg.steps.package_register import register_package
    from medseg.steps.packaging import make_package

    made = make_package(request, key, say=say)
    register_package(made, request, say=say)
    return made


def _key(path: Path, password: Callable[[str], str]) -> SecretKey:
    try:
        return read_secret_key(path, password(f"Password of {path}: ") if has_password(path) else None)
    except EOFError:
        raise UsageError(f"'{path}' has a password, and nobody is there to type it. Run it on a terminal.") from None


def main(argv: Sequence[str] | None = None) -> int:
    """Run the verb; gives its exit code."""
    return run_command(parser, run, argv)


if __name__ == "__main__":
    sys.exit(main())

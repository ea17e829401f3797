"""Say what a bundle is and what it would run, running none of it: `python -m medseg.inspect --bundle X`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from medseg.bundle.contents import contents_of
from medseg.bundle.inspection import Inspection, inspection_of
from medseg.bundle.inspection_words import json_of, lines_of
from medseg.bundle.open import place_of
from medseg.bundle.trust import NOTHING_SAID, Trust, demands_of
from medseg.core.command import Parser, run_command
from medseg.core.errors import EXIT_DONE, BundleError


def parser() -> Parser:
    """Options of the verb."""
    options = Parser(
        prog="medseg inspect",
        description="Say what a bundle is and what it would run: its card, seal and files, every class and expression "
        "in its configurations, its Python, what its weights would import, and what medseg would do with it. Works on "
        "any MONAI bundle. Nothing of it is run or loaded.",
        epilog="Exit code 1: no bundle, a zip that is not safe to unpack, not what was packaged, not signed by --key. "
        "What it would run, and whether medseg would use it, is told and changes no exit code.",
    )
    options.add_argument("--bundle", required=True, metavar="B", help="name, folder, zip, run, or models:/NAME/VERSION")
    options.add_argument("--key", metavar="PUB", help="public key, file or text, to check its signature with")
    options.add_argument("--tracking-uri", metavar="URI", help="MLflow that knows models:/NAME/VERSION")
    options.add_argument("--json", action="store_true", help="print one JSON object, everything in full length")
    return options


def run(options: argparse.Namespace) -> int:
    """Inspect as the options say; see ``parser``."""
    found = inspect_bundle(options.bundle, trust=Trust(options.key, registry=options.tracking_uri))
    if options.json:
        print(json.dumps(json_of(found), indent=2))
    else:
        print("\n".join(lines_of(found)))
    if found.seal is None:
        raise BundleError(f"'{found.place}' is not as it was packaged, or not signed as demanded: {found.faults[0]}")
    return EXIT_DONE


def inspect_bundle(bundle: str, *, trust: Trust = NOTHING_SAID) -> Inspection:
    """Everything about a bundle that can be known without running any of it.

    Args:
        bundle: Name, folder, zip, or run.
        trust: Who must have signed it; where nobody did, that is a fault of what is found and no error.

    Raises:
        BundleError: It is no bundle, or a zip that is not safe to unpack.
        UsageError: The key cannot be read.
        ConfigError: A site's file cannot be read.
    """
    demands = demands_of(trust)
    return inspection_of(contents_of(place_of(_fetched(bundle, trust))), demands)


def _fetched(bundle: str, trust: Trust) -> str:
    """The bundle's place on this machine; what fetches is imported for that alone."""
    if not bundle.startswith("models:/"):
        return bundle
    from medseg.steps.given_bundle import local_place

    return str(local_place(bundle, trust))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the verb; gives its exit code."""
    return run_command(parser, run, argv)


if __name__ == "__main__":
    sys.exit(main())

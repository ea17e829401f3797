"""Say whether a package is as it was made, by whom, and whether it works here: `python -m medseg.verify --bundle X`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from medseg.bundle.contents import contents_of
from medseg.bundle.golden import LEAST_DICE
from medseg.bundle.manifest import MANIFEST
from medseg.bundle.open import folder_of, place_of
from medseg.bundle.read import WEIGHTS, Bundle, read_bundle
from medseg.bundle.seal import check_seal
from medseg.bundle.trust import NOTHING_SAID, Trust, demands_of
from medseg.bundle.weights_look import weights_file_faults
from medseg.core.command import Parser, run_command
from medseg.core.errors import EXIT_DONE, BundleError, GateError, raise_faults
from medseg.core.in_words import counted, size
from medseg.steps.given_bundle import add_trust_options, local_place, trust_of


def parser() -> Parser:
    """Options of the verb."""
    options = Parser(
        prog="medseg verify",
        description="Check a package: every byte against its manifest, the signature, what its configuration may say; "
        "with --golden also that this installation computes what was validated.",
        epilog="Exit code 1: refused, with every reason. 4: the golden study comes out otherwise.",
    )
    options.add_argument(
        "--bundle", required=True, help="zip or folder of a package, or models:/NAME/VERSION of an MLflow registry"
    )
    add_trust_options(options)
    options.add_argument("--tracking-uri", metavar="URI", help="MLflow that knows models:/NAME/VERSION")
    options.add_argument("--golden", action="store_true", help="segment its golden study and compare")
    return options


def run(options: argparse.Namespace) -> int:
    """Check as the options say; see ``parser``."""
    verify(options.bundle, trust_of(options), golden=options.golden)
    return EXIT_DONE


def verify(
    bundle: str, trust: Trust = NOTHING_SAID, *, golden: bool = False, say: Callable[[str], None] = print
) -> None:
    """Raise on whatever is wrong with a package.

    Args:
        bundle: Zip or folder, or a name in a registry.
        trust: Who must have signed it.
        golden: Whether to segment its golden study.
        say: Shows a line to the user.

    Raises:
        BundleError: It is no package, altered, unsafe, or not signed as demanded.
        GateError: The golden study comes out otherwise than where it was packaged.
    """
    place = place_of(str(local_place(bundle, trust)))
    contents = contents_of(place)
    if MANIFEST not in contents.names:
        raise BundleError(f"Bundle '{place}' has no {MANIFEST}: it is no package. `medseg package` makes one of a run.")
    seal = check_seal(contents, demands_of(trust), files=False)
    assert seal.manifest is not None
    folder = folder_of(str(place), trust)
    bytes_ = sum(contents.size(name) for name in contents.names)
    say(f"{place}: {seal.manifest['name']} {seal.manifest['version']}")
    say(f"{counted(len(seal.manifest['files']), 'file')}, {size(bytes_)}: as the manifest says")
    say(seal.in_words)
    found = read_bundle(folder)
    lacking = [] if found.weights.is_file() else [f"{WEIGHTS.as_posix()} is missing: a package holds weights"]
    raise_faults(f"Bundle '{place}'", [*lacking, *weights_file_faults(contents_of(folder))], BundleError)
    say(f"configuration: builds {found.name} {found.version} without evaluating anything")
    if golden:
        _check_golden(found, say)


def _check_golden(bundle: Bundle, say: Callable[[str], None]) -> None:
    from medseg.bundle.plain_torch import is_plain_torch
    from medseg.core.lean_import import import_monai_lean

    import_monai_lean(plain=is_plain_torch(bundle))
    from medseg.steps.golden_study import verify_golden

    found = verify_golden(bundle, say)
    wrong = next((one for one in found if not one.holds), None)
    if wrong is not None:
        raise GateError(
            f"The golden study of bundle '{bundle.name}' comes out otherwise here: Dice {wrong.least:.4f}, at least "
            f"{LEAST_DICE} is wanted. Either this installation computes something else (sbom.cdx.json names what it "
            "was validated with), or the package is not what was validated, which --key tells. Do not use it here."
        )
    if found[-1].least < LEAST_DICE:
        say("note: with --exact infer computes what was validated; without it, it is faster and differs as told above")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the verb; gives its exit code."""
    return run_command(parser, run, argv)


if __name__ == "__main__":
    sys.exit(main())

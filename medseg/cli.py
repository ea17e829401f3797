"""The door: which verbs there are. Imports a verb only when it is called."""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Sequence

from medseg import __version__
from medseg.core.errors import EXIT_DONE, EXIT_USAGE

# Verb, the module whose main() runs it, and what it does.
VERBS = {
    "plan": ("medseg.plan", "measure a data set and write a bundle that fits it"),
    "train": ("medseg.train", "train a bundle, score it on a hold-out, leave a bundle that infers"),
    "tune": ("medseg.tune", "search values of a recipe by their validation Dice"),
    "infer": ("medseg.infer", "segment studies with a bundle or a run"),
    "evaluate": ("medseg.evaluate", "score predictions against references, with intervals and a report"),
    "package": ("medseg.package", "make one file of a run: what it is, how good, on which scans, and by whom"),
    "verify": ("medseg.verify", "say whether a package is as it was made, by whom, and whether it works here"),
    "inspect": ("medseg.inspect", "say what a bundle is and what it would run, without running any of it"),
    "keygen": ("medseg.keygen", "make keys to sign packages with"),
    "check": ("medseg.check", "say what is wrong with a bundle or a dataset, without training"),
    "deidentify": ("medseg.deidentify", "copy DICOM images without their patients"),
}


def dispatch(words: Sequence[str]) -> int:
    """Run the verb that the first word names; gives its exit code."""
    verb = words[0] if words else "--help"
    if verb in ("-h", "--help", "help"):
        print(_help())
        return EXIT_DONE
    if verb in ("-V", "--version"):
        print(__version__)
        return EXIT_DONE
    if verb not in VERBS:
        nearest = difflib.get_close_matches(verb, list(VERBS), n=1, cutoff=0.5)
        hint = f"; did you mean '{nearest[0]}'?" if nearest else f"; there are {', '.join(VERBS)}"
        print(f"medseg: unknown verb '{verb}'{hint}", file=sys.stderr)
        return EXIT_USAGE
    code: int = importlib.import_module(VERBS[verb][0]).main(words[1:])
    return code


def _help() -> str:
    lines = ["usage: medseg VERB [options]", "", "verbs:"]
    lines += [f"  {verb:<10} {what}" for verb, (_, what) in VERBS.items()]
    return "\n".join(
        [*lines, "", "'medseg VERB --help' lists a verb's options. 'medseg --version' prints the version."]
    )

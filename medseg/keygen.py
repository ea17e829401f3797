"""Make a pair of keys to sign packages with: `python -m medseg.keygen --output clinic`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from medseg.bundle.minisign import new_key
from medseg.bundle.minisign_keys import write_key_pair
from medseg.core.command import Parser, run_command
from medseg.core.errors import EXIT_DONE, UsageError


def parser() -> Parser:
    """Options of the verb."""
    options = Parser(
        prog="medseg keygen",
        description="Make NAME.key, which signs packages and is kept secret, and NAME.pub, which checks them and may be"
        " given to anyone. Keys are minisign's: its own commands take them, and medseg takes its.",
        epilog="NAME.key has no password. `minisign -G` makes one that has; --sign asks for it.",
    )
    options.add_argument("--output", required=True, type=Path, metavar="NAME", help="writes NAME.key and NAME.pub")
    return options


def run(options: argparse.Namespace) -> int:
    """Make keys as the options say; see ``parser``."""
    print(keygen(options.output))
    return EXIT_DONE


def keygen(name: Path) -> Path:
    """A new pair of keys; gives the file of the public one.

    Args:
        name: Of both files, with or without an ending.

    Raises:
        UsageError: It is no name: "." or "/", or a folder.
        OutputError: A file exists or cannot be written.
    """
    plain = name.stem if name.suffix in (".key", ".pub") else name.name  # who names one of both files means the pair
    if plain in ("", "..", ".key", ".pub"):
        raise UsageError(f"--output '{name}' is no name of a file; give one, as in --output clinic")
    if name.is_dir():
        raise UsageError(f"--output '{name}' is a folder; name the keys in it, as in --output {name / 'clinic'}")
    secret, public = name.with_name(f"{plain}.key"), name.with_name(f"{plain}.pub")
    write_key_pair(secret, public, new_key())
    return public


def main(argv: Sequence[str] | None = None) -> int:
    """Run the verb; gives its exit code."""
    return run_command(parser, run, argv)


if __name__ == "__main__":
    sys.exit(main())

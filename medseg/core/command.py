"""What every verb shares: an option parser that suggests, and one place where errors become exit codes."""

from __future__ import annotations

import argparse
import atexit
import contextlib
import difflib
import io
import logging
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

from medseg.core.errors import EXIT_INTERRUPTED, EXIT_REFUSED, MedsegError, UsageError
from medseg.core.printable import printable

_TIME = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|min|h)?", re.IGNORECASE)
_MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*(gb|gib|g|mb|mib|m)?", re.IGNORECASE)
_MINUTES = {"s": 1 / 60, "m": 1.0, "min": 1.0, "h": 60.0}
_BESIDE_RESUME = {"resume", "json", "debug"}  # they say what to show, not what to do


def pairs(words: Sequence[str], option: str) -> dict[str, str]:
    """Values of an option given as KEY=VALUE, perhaps several times.

    Args:
        words: What was given.
        option: Its name, for the message.

    Raises:
        UsageError: A word has no key or no value, or a key has two.
    """
    found: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not (key and equals and value):
            raise UsageError(f"{option} '{word}': write {option} KEY=VALUE.")
        if found.setdefault(key, value) != value:
            raise UsageError(f"{option}: '{key}' is given twice, as '{found[key]}' and '{value}'; keep one.")
    return found


def minutes(text: str) -> float:
    """Minutes of a time given as 90s, 15m, 2h; a bare number is minutes.

    Raises:
        argparse.ArgumentTypeError: It is no time, or none at all.
    """
    match = _TIME.fullmatch(text.strip())
    if match is None or float(match[1]) == 0:
        raise argparse.ArgumentTypeError(f"'{text}' is not a time; write 90s, 15m or 2h")
    return float(match[1]) * _MINUTES[(match[2] or "m").lower()]


def gib(text: str) -> float:
    """GiB of a size given as 8GB, 900MB; a bare number is GiB.

    Raises:
        argparse.ArgumentTypeError: It is no size, or none at all.
    """
    match = _MEMORY.fullmatch(text.strip())
    if match is None or float(match[1]) == 0:
        raise argparse.ArgumentTypeError(f"'{text}' is no size; write 8GB or 900MB")
    return float(match[1]) / (1024 if (match[2] or "g").lower().startswith("m") else 1)


class Parser(argparse.ArgumentParser):
    """An argument parser that names the nearest right option instead of printing its usage."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **options)
        self.add_argument("--debug", action="store_true", help="show the traceback of an error")

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the whole usage.

        Raises:
            UsageError: Always.
        """
        raise UsageError(f"{self.prog}: {message}. '{self.prog} --help' lists the options.")

    def parse(self, argv: Sequence[str] | None) -> argparse.Namespace:
        """Options of a command line.

        Raises:
            UsageError: An option or value is wrong; names the nearest right option.
        """
        options, unknown = self.parse_known_args(argv)
        if unknown:
            self.error("; ".join(self._suggest(word) for word in unknown))
        return options

    def refuse_beside_resume(self, options: argparse.Namespace, what: str) -> None:
        """Refuse options beside --resume: what goes on keeps its own, and they would be ignored in silence.

        Args:
            options: As ``parse`` gave them.
            what: Goes on, for the message: "run".

        Raises:
            UsageError: There is one.
        """
        plain = vars(self.parse([]))
        given = [key for key, value in vars(options).items() if key not in _BESIDE_RESUME and value != plain[key]]
        if given:
            listed = ", ".join("--" + key.replace("_", "-") for key in sorted(given))
            raise UsageError(
                f"{self.prog}: {listed} cannot stand beside --resume; the {what} keeps the options it began with"
            )

    def _suggest(self, word: str) -> str:
        if not word.startswith("-"):
            return f"'{word}' is not expected here"
        known = [text for action in self._actions for text in action.option_strings]
        nearest = difflib.get_close_matches(word.split("=")[0], known, n=1, cutoff=0.5)
        return f"unknown option '{word}'" + (f"; did you mean '{nearest[0]}'?" if nearest else "")


def part_of(text: str) -> tuple[int, int]:
    """Which part of how many "2/4" names.

    Raises:
        UsageError: It is no such thing.
    """
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    number, parts = (int(one) for one in match.groups()) if match else (0, 0)
    if not 1 <= number <= parts:
        raise UsageError(f"--part {text}: give K/N with K from 1 to N, for example 2/4 for the second of four machines")
    return number, parts


def run_command(
    parser: Callable[[], Parser], run: Callable[[argparse.Namespace], int], argv: Sequence[str] | None = None
) -> int:
    """Parse, run, and turn whatever goes wrong into one message on stderr and an exit code.

    Args:
        parser: Makes the verb's parser.
        run: The verb; gets the options, gives an exit code.
        argv: Words after the verb; None takes those of the process.

    Returns:
        Exit code: 0 done, 1 refused, 2 wrong usage, 3 some studies failed, 4 a gate was not met,
        130 interrupted.
    """
    words = sys.argv[1:] if argv is None else list(argv)
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")  # no name of a file may end a command, whatever its letters
    with _warnings_shown():
        return _run(parser, run, words)


@contextlib.contextmanager
def _warnings_shown() -> Iterator[None]:
    """Warnings of medseg go to stderr, whatever else listens to its logger."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(logging.WARNING)
    handler.setFormatter(logging.Formatter("medseg: warning: %(message)s"))
    logging.getLogger("medseg").addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger("medseg").removeHandler(handler)


def leave(code: int) -> NoReturn:
    """End the process now; taking torch apart object by object takes a third of a second, and the system is quicker.

    Only where nothing is left to do: no thread that works, no file that is open.

    Raises:
        SystemExit: torch was never loaded.
    """
    if "torch" not in sys.modules:
        sys.exit(code)
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _run(parser: Callable[[], Parser], run: Callable[[argparse.Namespace], int], words: list[str]) -> int:
    try:
        return run(parser().parse(words))
    except MedsegError as error:
        _show(f"{error}", "--debug" in words)
        return error.exit_code
    except KeyboardInterrupt:
        _show("Interrupted.", "--debug" in words)
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader of our output has gone (`| head`); nothing is left to say
        with contextlib.suppress(OSError):
            sys.stderr.close()
        return EXIT_REFUSED
    except Exception as error:
        reason = " ".join(str(error).split())[:500]
        _show(
            f"Unexpected {type(error).__name__}: {reason}. Run again with --debug and report the traceback.",
            "--debug" in words,
        )
        return EXIT_REFUSED


def _show(message: str, with_traceback: bool) -> None:
    if with_traceback:
        traceback.print_exc()
    shown = "\n".join(map(printable, message.split("\n")))  # it quotes files that strangers wrote
    print(f"medseg: {shown}", file=sys.stderr)

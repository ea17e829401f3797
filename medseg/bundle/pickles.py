"""Which Python names a pickle would import, read without unpickling it.

A pickle is a small program. What it imports stands in it as text or is put together on its stack, so its stack is
followed with the texts alone, and nothing is called. What cannot be followed is told as unknown, never left out.
"""

from __future__ import annotations

import pickletools
import re
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from medseg.bundle.plain_globals import PLAIN_GLOBALS

MOST_INSTRUCTIONS = 300_000  # under a second; a network with a thousand tensors needs 30,000
UNKNOWN = "a name put together while it is unpickled"
_MARK = object()
_STRINGS = {
    *("STRING", "BINSTRING", "SHORT_BINSTRING"),
    *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
}
# What genops raises depends on where the bytes are damaged; int() refuses more than 4300 digits with a ValueError.
_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_UNREADABLE = (ValueError, EOFError, OverflowError, MemoryError)


@dataclass(frozen=True)
class Pickle:
    """What one pickle would import.

    Attributes:
        place: Where it is in its file: "archive/data.pkl"; "" for the file itself.
        imports: Dotted names, sorted; ``UNKNOWN`` among them where one could not be followed.
        refused: Those that ``torch.load(weights_only=True)`` does not take.
        instructions: How many were read.
        fault: Why it could not be read to its end; "" where it could.
        limited: Whether that is a limit of ours, so that what was not looked at may import anything.
    """

    place: str
    imports: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    instructions: int = 0
    fault: str = ""
    limited: bool = False


def pickle_in(stream: IO[bytes], place: str = "", *, most: int = MOST_INSTRUCTIONS) -> Pickle:
    """What the next pickle of a stream would import.

    Args:
        stream: Stands at its first byte, and after it once it was read.
        place: What to call it.
        most: Instructions to read.

    Returns:
        What was found up to the first damage, if there is one: an unpickler would have imported that too.
    """
    taken: dict[str, bool] = {}
    count, fault, limited = 0, "", False
    begins = stream.tell()
    try:
        for name, is_taken in _steps(stream):
            count += 1
            if name:
                taken[name] = taken.get(name, True) and is_taken
            if count >= most:
                fault, limited = f"has more than {most} instructions; the rest was not read", True
                break
    except _UNREADABLE as error:
        fault = f"cannot be read after {count} instructions: {error or type(error).__name__}"
        if not _says_its_protocol(stream, begins):  # numbers, or a text: what is no name there was never meant as one
            taken = {name: is_taken for name, is_taken in taken.items() if _NAME.fullmatch(name)}
    refused = tuple(sorted(name for name in taken if not taken[name]))
    return Pickle(place, tuple(sorted(taken)), refused, count, fault, limited)


def _says_its_protocol(stream: IO[bytes], begins: int) -> bool:
    here = stream.tell()
    stream.seek(begins)
    first = stream.read(1)
    stream.seek(here)
    return first == b"\x80"


def _steps(stream: IO[bytes]) -> Iterator[tuple[str, bool]]:
    """Per instruction the name that it imports, "" for none, and whether torch's safe reader takes it."""
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    for opcode, argument, _ in pickletools.genops(stream):
        yield _imported(opcode.name, argument, stack)
        _apply(opcode, argument, stack, memo)


def _imported(kind: str, argument: Any, stack: list[Any]) -> tuple[str, bool]:
    if kind in ("GLOBAL", "INST"):
        module, _, attribute = str(argument).partition(" ")
        name = _dotted(module, attribute)
        return name, kind == "GLOBAL" and name in PLAIN_GLOBALS
    if kind == "STACK_GLOBAL":  # torch's safe reader knows no such instruction
        pair = [one for one in stack[-2:] if isinstance(one, str)]
        return _dotted(*pair) if len(pair) == 2 else UNKNOWN, False
    return (f"extension {argument} of copyreg", False) if kind in ("EXT1", "EXT2", "EXT4") else ("", False)


def _dotted(module: str, name: str) -> str:
    """A name as Python 3 imports it, whatever Python 2 called it."""
    module, name = NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))
    return f"{module}.{name}"


def _apply(opcode: pickletools.OpcodeInfo, argument: Any, stack: list[Any], memo: dict[int, Any]) -> None:
    """Do to a stack what an instruction does; anything but a text or a mark is None on it."""
    kind = opcode.name
    if kind in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
        memo[len(memo) if kind == "MEMOIZE" else argument] = stack[-1] if stack else None
    elif kind in ("GET", "BINGET", "LONG_BINGET"):
        stack.append(memo.get(argument))
    elif kind == "DUP":
        stack.append(stack[-1] if stack else None)
    elif kind == "MARK":
        stack.append(_MARK)
    else:
        _take(opcode, stack)
        stack += [argument if kind in _STRINGS else None for _ in opcode.stack_after]


def _take(opcode: pickletools.OpcodeInfo, stack: list[Any]) -> None:
    below = opcode.stack_before
    if pickletools.markobject in below:
        while stack and stack.pop() is not _MARK:
            pass
        below = below[: below.index(pickletools.markobject)]
    del stack[len(stack) - min(len(below), len(stack)) :]

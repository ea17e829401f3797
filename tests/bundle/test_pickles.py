import collections
import datetime
import decimal
import fractions
import io
import os
import pickle
import uuid
from typing import Any

import pytest

from medseg.bundle.pickles import UNKNOWN, Pickle, pickle_in

VALUES = {
    "numbers and texts": {"a": [1, 2.0, "x", b"y", None, True, 10**30]},
    "a class twice": [collections.OrderedDict(a=1), collections.OrderedDict(b=2)],
    "several modules": (datetime.date(2020, 1, 2), fractions.Fraction(1, 3), decimal.Decimal("1.5"), uuid.UUID(int=7)),
    "a nested name": collections.Counter("aab"),
    "functions": [len, os.path.join, str.lower],
    "a deep mixture": {"a": [{"b": (collections.deque([1]), {1, 2}, frozenset([3]))}]},
}


class Imports(pickle.Unpickler):
    """The unpickler of Python, telling what it imports."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self.names: set[str] = set()

    def find_class(self, module: str, name: str) -> Any:
        found = super().find_class(module, name)  # under its new name, whatever Python 2 called it
        self.names.add(f"{found.__module__}.{found.__qualname__}")
        return found


def read(data: bytes) -> Pickle:
    return pickle_in(io.BytesIO(data))


class Runs:
    def __reduce__(self) -> Any:
        return os.system, ("false",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("name", VALUES)
def test_what_python_imports_is_what_is_told(name: str, protocol: int) -> None:
    data = pickle.dumps(VALUES[name], protocol)
    python = Imports(data)
    python.load()
    found = read(data)
    assert set(found.imports) == python.names
    assert found.fault == ""


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_call_is_told_and_not_made(protocol: int, monkeypatch: pytest.MonkeyPatch) -> None:
    data, module = pickle.dumps(Runs(), protocol), os.system.__module__
    monkeypatch.setattr(os, "system", lambda text: pytest.fail("it ran"))
    assert read(data).refused == (f"{module}.system",)


@pytest.mark.parametrize(
    ("data", "imports"),
    [
        (b"cos\nsystem\n.", ("os.system",)),
        (b"(ios\nsystem\n.", ("os.system",)),
        (b"(c__builtin__\neval\nS'1'\no.", ("builtins.eval",)),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", ("os.system",)),
        (b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94h\x00h\x01\x93.", ("os.system",)),  # by way of the memo
        (b"\x80\x04\x8c\x02os02\x8c\x02os\x8c\x06system\x93.", ("os.system",)),  # popped and copied in between
        (b"\x80\x04\x8c\x02os\x8c\x01x1\x8c\x06system\x93.", (UNKNOWN,)),
        (b"\x80\x04]\x8c\x06system\x93.", (UNKNOWN,)),
        (b"\x80\x02\x82\x05.", ("extension 5 of copyreg",)),
        (b"\x80\x04\x93.", (UNKNOWN,)),
    ],
)
def test_every_way_to_import_is_followed_or_told_as_unknown(data: bytes, imports: tuple[str, ...]) -> None:
    found = read(data)
    assert found.imports == imports
    assert found.refused == imports


def test_a_name_that_weights_need_is_refused_where_it_comes_in_a_way_that_torch_does_not_read() -> None:
    plain = b"\x80\x02ccollections\nOrderedDict\n."
    odd = b"\x80\x04\x8c\x0bcollections\x8c\x0bOrderedDict\x93."
    assert read(plain).refused == ()
    assert read(odd).refused == ("collections.OrderedDict",)


@pytest.mark.parametrize(
    "tail",
    [
        b"",
        b"\xff",
        b"\x8c\xffx",
        b"L" + b"9" * 5000 + b"L\n.",
        b"S'x\n.",
        b"\x8e" + b"\xff" * 8,
        b"cnot ascii \xff\nx\n.",
    ],
)
def test_what_stands_before_the_damage_is_told_with_the_damage(tail: bytes) -> None:
    """An unpickler has imported it by then."""
    found = read(b"cos\nsystem\n" + tail)
    assert found.imports == ("os.system",)
    assert "cannot be read after 1 instructions" in found.fault


def test_a_pickle_that_does_not_end_is_left_at_its_limit() -> None:
    found = pickle_in(io.BytesIO(b"\x80\x02" + b")0" * 1000 + b"N."), most=100)
    assert found.instructions == 100
    assert found.fault == "has more than 100 instructions; the rest was not read"


def test_the_stream_stands_behind_the_pickle() -> None:
    stream = io.BytesIO(pickle.dumps(1) + b"rest")
    pickle_in(stream)
    assert stream.read() == b"rest"

"""Files that pretend to be weights. Each is written by a function of a path and a shell command that must not run."""

from __future__ import annotations

import collections
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch


class _Payload:
    """Runs a command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (os.system, (self.command,))


def _state(path: Path) -> dict[str, torch.Tensor]:
    return torch.load(path, weights_only=True) if path.is_file() else {"a": torch.zeros(1)}


def pickled_object(path: Path, command: str) -> None:
    torch.save({**_state(path), "x": _Payload(command)}, path)


def old_form(path: Path, command: str) -> None:
    torch.save({**_state(path), "x": _Payload(command)}, path, _use_new_zipfile_serialization=False)


def bare_pickle(path: Path, command: str) -> None:
    path.write_bytes(pickle.dumps(_Payload(command)))


def program(path: Path, _: str) -> None:
    torch.jit.script(torch.nn.Linear(1, 1)).save(path)


def ordinary_zip(path: Path, command: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("__main__.py", f"import os; os.system('{command}')")


def not_numbers(path: Path, _: str) -> None:
    state = _state(path)
    next(iter(state.values())).fill_(float("nan"))
    torch.save(state, path)


def of_another(path: Path, _: str) -> None:
    torch.save(torch.nn.Linear(2, 2).state_dict(), path)


def nested(path: Path, _: str) -> None:
    torch.save({"network": _state(path), "x": collections.OrderedDict()}, path)


def sparse(path: Path, _: str) -> None:
    torch.save({key: value.to_sparse() for key, value in _state(path).items()}, path)


def numbered(path: Path, _: str) -> None:
    torch.save(dict(enumerate(_state(path).values())), path)


def on_no_device(path: Path, _: str) -> None:
    torch.save({key: value.to("meta") for key, value in _state(path).items()}, path)


def inflating(path: Path, _: str) -> None:
    """One tensor of 64 MiB of zeros, which torch itself would store as it is, packed a thousandfold."""
    plain = path.with_suffix(".plain")
    state = _state(path)
    state["x"] = torch.zeros(4)
    torch.save(state, plain)
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        last = max((name for name in old.namelist() if "/data/" in name), key=lambda name: int(name.rpartition("/")[2]))
        for name in old.namelist():
            if name != last:
                new.writestr(name, old.read(name))
                continue
            with new.open(name, "w", force_zip64=True) as sink:
                for _n in range(64):
                    sink.write(bytes(2**20))
    plain.unlink()

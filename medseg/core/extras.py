"""Packages that medseg works without until an option asks for them: the extras of pyproject.toml."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable

from medseg.core.errors import UsageError

EXTRAS = {
    "onnx": ("onnx", "onnxscript", "onnxruntime"),
    "openvino": ("openvino",),
    "package": ("cyclonedx",),
    "tune": ("optuna",),
}


def missing(packages: Iterable[str]) -> list[str]:
    """Those that are not installed; none is imported."""
    return [name for name in packages if importlib.util.find_spec(name) is None]


def lack(what: str, *extras: str) -> str:
    """What something needs and this machine has not, and how to get it; "" where all is there.

    Args:
        what: An option, for the message: "--export onnx".
        extras: Of ``EXTRAS``.
    """
    absent = missing(package for extra in extras for package in EXTRAS[extra])
    return f"{what} needs {', '.join(absent)}: pip install 'medseg[{','.join(extras)}]'" if absent else ""


def require(what: str, *extras: str) -> None:
    """Raise UsageError where something is missing; as ``lack``."""
    if told := lack(what, *extras):
        raise UsageError(told)

"""Choose the device and the precision by what the machine can do."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

import torch

from medseg.core.errors import UsageError
from medseg.core.machine import peak_of_process_gib

_TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Precision:
    """Arithmetic of the network.

    Attributes:
        name: fp32, bf16 or fp16.
        device_type: "cpu", "cuda" or "mps".
    """

    name: str
    device_type: str

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """Context in which the network runs in this precision."""
        if self.name == "fp32":
            return contextlib.nullcontext()
        return torch.autocast(self.device_type, dtype=_TYPES[self.name])

    @property
    def needs_scaler(self) -> bool:
        """Whether gradients would underflow without scaling."""
        return self.name == "fp16"


def choose_device(text: str, *, local_rank: int = 0) -> torch.device:
    """Device of a name: auto, cpu, cuda, cuda:N or mps.

    Raises:
        UsageError: This machine has no such device.
    """
    if text == "auto":
        text = "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, number = text.partition(":")
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not present.get(kind, False) or (number and not number.isdigit()):
        have = ", ".join(name for name, there in present.items() if there)
        raise UsageError(f"--device {text}: this machine has {have}; choose one of these or auto")
    if kind != "cuda":
        return torch.device(kind)
    index = int(number) if number else local_rank
    if index >= torch.cuda.device_count():
        raise UsageError(
            f"--device {text}: this machine has {torch.cuda.device_count()} CUDA device(s), counted from 0"
        )
    return torch.device("cuda", index)


def choose_precision(name: str, device: torch.device) -> Precision:
    """Precision of a name; auto takes bf16 where the device computes it natively, else fp32.

    Raises:
        UsageError: fp16 on a CPU, which is about a hundred times slower than fp32 there.
    """
    if name == "fp16" and device.type == "cpu":
        raise UsageError(
            "precision fp16: a CPU computes it about 100 times slower than fp32; choose bf16, fp32 or auto"
        )
    if name == "auto":
        name = "bf16" if _has_bf16(device) else "fp32"
    return Precision(name, device.type)


def _has_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def peak_memory_gib(device: torch.device) -> float:
    """Most memory this process held so far: on the GPU for CUDA, otherwise in main memory."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**30
    return peak_of_process_gib()

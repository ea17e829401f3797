"""Where the weighted sums of windows are kept: on the device, in main memory, or on the disk."""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from medseg.core import in_words
from medseg.core.big_array import empty_big
from medseg.core.errors import InferenceError


class Sums(Protocol):
    """Zeros in fp32 that windows are added to.

    Attributes:
        array: The sums.
    """

    array: torch.Tensor

    def settle(self) -> None:
        """What was changed may leave main memory until it is needed again."""


MakeSums = Callable[[Sequence[int]], Sums]


class InMemory:
    """Sums on a device; "cpu" is main memory.

    Args:
        shape: Of the sums.
        device: Where they are.
    """

    def __init__(self, shape: Sequence[int], device: torch.device | str = "cpu") -> None:
        self.array = zeros(shape, device)

    def settle(self) -> None:
        """Nothing to do."""


def zeros(shape: Sequence[int], device: torch.device | str = "cpu") -> torch.Tensor:
    """Zeros in fp32 that stay while windows come and go; in main memory outside the heap, which they would break up."""
    if torch.device(device).type == "cpu":
        return torch.from_numpy(empty_big(shape)).zero_()
    return torch.zeros(tuple(shape), device=device)


class OnDisk:
    """Sums in a file that goes with them; main memory holds what is worked on.

    Args:
        shape: Of the sums.
        folder: Of the file; None for the system's folder of temporary files.

    Raises:
        InferenceError: There is no room for the file.
    """

    def __init__(self, shape: Sequence[int], folder: Path | None = None) -> None:
        size = 4 * int(np.prod(shape))
        try:
            with tempfile.TemporaryFile(dir=folder) as file:
                _reserve(file.fileno(), size)
                self._map = mmap.mmap(file.fileno(), size)  # keeps the file when its name and handle are gone
        except OSError as error:
            raise InferenceError(
                f"Cannot keep {in_words.size(size)} of sums in '{folder or tempfile.gettempdir()}': "
                f"{error.strerror or error}. Free space there, or allow more --max-memory."
            ) from error
        self.array = torch.frombuffer(self._map, dtype=torch.float32).view(tuple(shape))

    def settle(self) -> None:
        """Give the pages back; what they hold stays in the file."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)


def _reserve(file: int, size: int) -> None:
    """Claim the room now: a full disk under a mapped file would end the process without a word."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)
    else:
        os.truncate(file, size)

"""Arrays whose memory goes back to the system when they are let go, whatever the C library keeps of the rest."""

from __future__ import annotations

import math
import mmap
from collections.abc import Sequence

import numpy as np

from medseg.core.types import FloatArray

LEAST_BYTES = 2**22  # below 4 MiB a block of the heap is found again soon enough, and a mapping costs page faults


def empty_big(shape: Sequence[int]) -> FloatArray:
    """Float32 array of a shape, for what is held for a while between others that come and go: a scan.

    In the heap, which keeps freed memory, such a block leaves a hole that smaller ones break up.
    """
    size = 4 * math.prod(shape)
    if size < LEAST_BYTES:
        return np.empty(shape, np.float32)
    return np.frombuffer(mmap.mmap(-1, size), np.float32).reshape(shape)

"""The most memory that something took, by what it allocates: the same number each time, on every system."""

from __future__ import annotations

import tracemalloc
import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

# What an operation makes for itself, by what it gives: places in four coordinates before they become three.
_SCRATCH = {"aten::affine_grid_generator": 4 / 3}


class Peak(TorchDispatchMode):
    """Counts bytes of tensors and of numpy arrays that are made inside, and the most that were alive at once.

    What a kernel takes for itself and gives back before it ends is not seen. It slows down what it watches and is no
    good beside other threads that allocate.

    Args:
        arrays: Whether numpy's are counted; without, it is faster.

    Attributes:
        highest: Bytes, beside what was alive before.
    """

    def __init__(self, *, arrays: bool = True) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.highest, self._arrays = 0, arrays
        self._alive = 0
        self._known: set[int] = set()

    def __enter__(self) -> Peak:
        if self._arrays:
            tracemalloc.start(1)
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)  # type: ignore[no-untyped-call]
        self._note()
        if self._arrays:
            tracemalloc.stop()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operation and count what is new of what it gives."""
        result = func(*args, **(kwargs or {}))
        scratch = 0.0
        for one in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(one, torch.Tensor):
                self._count(one)
                scratch += one.nbytes * _SCRATCH.get(func.name(), 0.0)
        self._note(round(scratch))
        return result

    def _count(self, tensor: torch.Tensor) -> None:
        storage = tensor.untyped_storage()
        address = storage.data_ptr()
        if address and address not in self._known:
            size = storage.nbytes()
            self._known.add(address)
            self._alive += size
            weakref.finalize(storage, self._gone, address, size)

    def _gone(self, address: int, size: int) -> None:
        self._known.discard(address)
        self._alive -= size

    def _note(self, scratch: int = 0) -> None:
        arrays, most = tracemalloc.get_traced_memory()
        if self._arrays:
            tracemalloc.reset_peak()
        self.highest = max(self.highest, self._alive + scratch + max(arrays, most))


def peak_of(action: Callable[[], object]) -> int:
    """Bytes that an action takes at most, beside what was there before it.

    It runs twice and is measured the second time: the first one may import, compile and fill caches.
    """
    with Peak(arrays=False):
        action()
    with Peak() as peak:
        action()
    return peak.highest

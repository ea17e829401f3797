import platform
import subprocess
import sys

import pytest

from medseg.engine.allocator import keep_freed_memory

CODE = """
import ctypes, resource, sys
from medseg.engine.allocator import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
library = ctypes.CDLL(None)
library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
library.free.argtypes = [ctypes.c_void_p]
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    block = library.malloc(64 * 2**20)
    ctypes.memset(block, 1, 64 * 2**20)
    library.free(block)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
GLIBC = platform.libc_ver()[0] == "glibc"


@pytest.mark.skipif(not GLIBC, reason="only glibc hands big blocks back at once")
def test_freed_memory_is_used_again_instead_of_mapped_anew() -> None:
    faults = {}
    for mode in ("system", "keep"):
        words = [sys.executable, "-c", CODE, mode]
        faults[mode] = int(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    assert faults["keep"] < 0.1 * faults["system"]


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    assert keep_freed_memory() is False
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "libc_ver", lambda: ("musl", "1.2"))
    assert keep_freed_memory() is False


@pytest.mark.skipif(not GLIBC, reason="only glibc keeps what is free")
def test_what_was_kept_can_be_handed_back() -> None:
    code = """
from medseg.core.machine import process_bytes
from medseg.engine.allocator import keep_freed_memory, return_freed_memory
keep_freed_memory()
blocks = [bytearray(2**20) for _ in range(100)]
last = bytearray(2**20)
del blocks
before = process_bytes()
return_freed_memory()
print((before - process_bytes()) / 2**20)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) > 80

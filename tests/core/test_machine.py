import os
import subprocess
import sys
from pathlib import Path

import pytest

from medseg.core.machine import cores, default_folder, peak_of_process_gib, studies_at_once


def test_cores_are_those_that_this_process_may_use() -> None:
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system does not bind processes to cores")
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert cores() == 1
        assert studies_at_once() == 1
    finally:
        os.sched_setaffinity(0, allowed)
    assert cores() == len(allowed)


def test_the_users_cache_folder_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "medseg"


def test_the_peak_is_at_least_what_was_held() -> None:
    held = bytearray(os.urandom(2**20)) * 256
    assert len(held) / 2**30 < peak_of_process_gib() < 64


def test_the_peak_is_not_that_of_the_process_that_started_this_one() -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("this system has no other account of the peak than that which a process inherits")
    held = bytearray(os.urandom(2**20)) * 512
    words = "from medseg.core.machine import peak_of_process_gib; print(peak_of_process_gib())"
    said = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert float(said.stdout) < len(held) / 2**30

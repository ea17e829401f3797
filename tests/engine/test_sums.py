import errno
import os
from pathlib import Path

import pytest
import torch

from medseg.core.errors import InferenceError
from medseg.engine.sums import InMemory, OnDisk


@pytest.mark.parametrize("make", [InMemory, OnDisk])
def test_sums_begin_at_zero_and_keep_what_is_added(make) -> None:
    sums = make((3, 4, 5))
    assert sums.array.dtype == torch.float32
    assert torch.equal(sums.array, torch.zeros(3, 4, 5))
    for _ in range(3):
        sums.array[1, 2] += 0.25
        sums.settle()
    assert float(sums.array.sum()) == pytest.approx(3 * 5 * 0.25)
    assert float(sums.array[1, 2, 3]) == 0.75


def test_on_the_disk_main_memory_is_given_back(tmp_path: Path) -> None:
    sums = OnDisk((64, 1024, 256), tmp_path)
    sums.array += 1.0
    full = resident_mib()
    sums.settle()
    if not hasattr(__import__("mmap"), "MADV_DONTNEED"):
        pytest.skip("this system keeps the pages")
    assert full - resident_mib() > 32
    assert bool((sums.array == 1.0).all())


def resident_mib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def test_the_file_has_no_name(tmp_path: Path) -> None:
    sums = OnDisk((8, 8, 8), tmp_path)
    assert not list(tmp_path.iterdir())
    assert not sums.array.any()


def test_a_disk_without_room_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("medseg.engine.sums._reserve", full)
    with pytest.raises(InferenceError, match=r"Cannot keep 2 GiB of sums in .*: No space left on device\."):
        OnDisk((2, 512, 512, 1024), tmp_path)

import numpy as np
import pytest
import torch
from torch import nn

from medseg.engine.peak import peak_of

MIB = 2**20


def test_what_is_alive_at_once_counts_and_what_is_gone_does_not() -> None:
    def work() -> None:
        for _ in range(5):
            one = torch.zeros(MIB)  # 4 MiB
            other = one + 1
            del one, other

    assert peak_of(work) == pytest.approx(8 * MIB, rel=0.02)


def test_views_and_what_is_changed_in_place_cost_nothing() -> None:
    def work() -> None:
        one = torch.zeros(4, MIB)
        one[1:].mul_(2).view(-1).add_(1)

    assert peak_of(work) == pytest.approx(16 * MIB, rel=0.02)


def test_arrays_of_numpy_count_beside_tensors() -> None:
    def work() -> None:
        array = np.zeros(MIB, np.float32)
        tensor = torch.from_numpy(array)
        double = tensor * 2
        del tensor, double
        np.zeros(3 * MIB, np.float32)

    assert peak_of(work) == pytest.approx(16 * MIB, rel=0.1)


def test_a_network_takes_memory_by_the_voxel() -> None:
    network = nn.Sequential(nn.Conv3d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv3d(8, 2, 3, padding=1)).eval()
    with torch.inference_mode():
        small, large = (peak_of(lambda side=side: network(torch.zeros(1, 1, side, side, side))) for side in (16, 32))
    assert large == pytest.approx(8 * small, rel=0.05)
    assert small == pytest.approx(16**3 * 4 * (1 + 8 + 8), rel=0.05)  # image, features, and the same behind ReLU


def test_an_error_inside_ends_the_counting() -> None:
    def work() -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        peak_of(work)
    assert peak_of(lambda: torch.zeros(MIB)) >= 4 * MIB

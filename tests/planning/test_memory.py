import pytest

from medseg.planning.memory import (
    BYTES_PER_WEIGHT,
    LOSS_BYTES,
    PROGRAM_GIB,
    STUDY_BYTES,
    Demand,
    demand,
    prepared_gib,
)
from medseg.planning.networks import NETWORKS, Network
from medseg.planning.topology import plan_topology

PATCH = (32, 32, 32)
GIB = 2**30


@pytest.fixture
def network() -> Network:
    return NETWORKS["segresnet"](plan_topology(PATCH, (1.0, 1.0, 1.0), most_halvings=3), 1, 3, 16)


def asked(network: Network, batch: int = 2, side: int = 64, device: str = "cpu") -> Demand:
    return demand(network, PATCH, batch, channels=1, classes=3, largest=(side,) * 3, device=device)


def test_a_step_holds_the_weights_once_and_each_patch(network: Network) -> None:
    one, two = asked(network, 1).step_gib, asked(network, 2).step_gib
    patch = network.kept_gib(PATCH) + LOSS_BYTES * 32**3 * 3 / GIB
    assert two - one == pytest.approx(patch)
    assert one - patch == pytest.approx(BYTES_PER_WEIGHT * network.parameters / GIB)


def test_a_patch_of_twice_the_voxels_keeps_twice_as_much(network: Network) -> None:
    assert network.kept_gib((64, 32, 32)) == pytest.approx(2 * network.kept_gib(PATCH))


def test_steps_and_studies_take_turns(network: Network) -> None:
    small, large = asked(network, side=16), asked(network, side=512)
    assert small.gib == pytest.approx(PROGRAM_GIB + small.step_gib)
    assert large.gib == pytest.approx(PROGRAM_GIB + large.study_gib)
    per_voxel = STUDY_BYTES[0] + 3 * STUDY_BYTES[1]
    assert large.study_gib - small.study_gib == pytest.approx((512**3 - 16**3) * per_voxel / GIB)


def test_a_gpu_holds_no_program(network: Network) -> None:
    assert asked(network, device="cuda").program_gib == 0.0


def test_prepared_studies_are_channels_in_four_bytes_and_a_label_in_one() -> None:
    assert prepared_gib([(64, 64, 64)] * 2, channels=4) == pytest.approx(2 * 64**3 * 17 / GIB)

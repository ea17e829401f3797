"""What a few steps of a planned bundle say of a training."""

import pytest

from medseg.steps.planning_probe import between_steps_s


@pytest.mark.parametrize(
    ("threads", "workers", "cores", "seconds"),
    [
        (2, 0, 2, 1.4),  # the step waits for its batch
        (1, 1, 2, 1.0),  # a core for each
        (2, 1, 2, 1.2),  # 2 x 1.0 + 0.4 core seconds on two cores
        (8, 4, 8, 1.05),
        (1, 4, 8, 1.0),  # a GPU
    ],
)
def test_workers_take_from_the_steps_what_cores_they_need(
    threads: int, workers: int, cores: int, seconds: float
) -> None:
    assert between_steps_s(1.0, 0.4, threads=threads, workers=workers, cores=cores) == pytest.approx(seconds)


def test_a_gpu_waits_for_slow_workers() -> None:
    assert between_steps_s(0.1, 2.0, threads=1, workers=4, cores=8) == pytest.approx(0.5)

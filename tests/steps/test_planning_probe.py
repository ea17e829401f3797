"""What a few steps of a planned bundle say of a training."""

import io
import json
from typing import Any

import pytest
import torch

from medseg.steps import planning_probe
from medseg.steps.planning_probe import ANSWER, between_steps_s, ran_out_of_memory


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


def test_an_allocation_that_torch_cannot_make_is_known_by_its_text() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)  # an exbibyte: no machine has it
    assert ran_out_of_memory(caught.value)
    assert ran_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 3 GiB"))
    assert ran_out_of_memory(MemoryError())
    assert not ran_out_of_memory(RuntimeError("sizes of tensors must match"))


def test_memory_that_runs_out_is_an_answer(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def no_memory(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(planning_probe, "measure_bundle", no_memory)
    monkeypatch.setattr("sys.stdin", io.StringIO('{"bundle": "b", "data": "d", "studies": []}'))
    assert planning_probe._main("cpu") == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert json.loads(last.removeprefix(ANSWER)) == {"short": "memory ran out"}

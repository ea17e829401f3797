from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from monai.inferers import SimpleInferer
from torch import nn

from medseg.core.errors import InferenceError
from medseg.core.volume import Volume
from medseg.core.window import Window
from medseg.engine.averaging import Member
from medseg.engine.device import Precision
from medseg.engine.footprint import read_bytes
from medseg.engine.forward import Forward, Mode
from medseg.engine.rehearsal import Costs
from medseg.steps import memory_plan
from medseg.steps.job_grid import Grid
from medseg.steps.memory_plan import MemoryPlan
from medseg.transforms.part import Part, all_of

GIB = 2**30
CT = (512, 512, 600)
BASE = GIB // 4
SAME = ((1.0, 0.0), (1.0, 0.0), (1.0, 0.0))
MEMBER = Member(
    Forward(nn.Conv3d(1, 31, 1), Mode(Precision("fp32", "cpu"))),
    SimpleInferer(),
    Window((96, 96, 96), (0.5, 0.5, 0.5)),
    classes=31,
    voxel_bytes=150.0,
)


@pytest.fixture(autouse=True)
def _a_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_plan, "process_bytes", lambda: BASE)
    monkeypatch.setattr(memory_plan, "free_memory_bytes", lambda: 16 * GIB)


def plan_of(folder: Path, limit: float | None, shape=CT, **more: Any) -> tuple[MemoryPlan, list[str]]:
    said: list[str] = []
    predictor = SimpleNamespace(members=(MEMBER,), device=torch.device("cpu"), extras=frozenset())
    costs = SimpleNamespace(channels=1, at=lambda place: Costs((0, 1, 2), SAME, (12.0, 0.0), (2.0, 0.0)))
    options = {"keeps_scan": False, "say": said.append} | more
    return MemoryPlan(predictor, costs, Grid(shape, np.eye(4)), limit, **options), said  # type: ignore[arg-type]


def scan(shape=CT) -> Part:
    return all_of(Volume(np.broadcast_to(np.float32(0), (1, *shape)), np.eye(4)))


@pytest.mark.parametrize(("limit", "rung"), [(None, "host"), (16.0, "host"), (5.0, "disk"), (3.5, "disk")])
def test_sums_lie_where_they_fit(tmp_path: Path, limit: float | None, rung: str) -> None:
    plan, _ = plan_of(tmp_path, limit)
    assert plan.rung(scan()) == rung


def test_what_fits_nowhere_is_refused_with_what_it_takes_and_what_is_allowed(tmp_path: Path) -> None:
    plan, said = plan_of(tmp_path, 2.0)
    with pytest.raises(InferenceError, match=r"512 x 512 x 600 voxels takes .* GiB of memory, 2 GiB are allowed"):
        plan.rung(scan())
    assert len(said) == 1
    assert plan.rung(scan((64, 64, 64))) == "host"


def test_a_scan_that_cannot_even_be_held_is_refused_before_it_is_read(tmp_path: Path) -> None:
    plan, _ = plan_of(tmp_path, 1.0)
    plan.check_readable(None)
    plan.check_readable(Grid((64, 64, 64), np.eye(4)))
    with pytest.raises(InferenceError, match="1 GiB are allowed"):
        plan.check_readable(Grid(CT, np.eye(4)))


@pytest.mark.parametrize(("limit", "beside"), [(40.0, True), (6.0, False)])
def test_studies_overlap_only_where_three_fit(tmp_path: Path, limit: float, beside: bool) -> None:
    plan, said = plan_of(tmp_path, limit)
    plan.choose_overlap()
    assert plan.beside is beside
    plan.rung(scan())
    assert ("three studies at a time" in said[0]) is beside


def test_small_scans_are_done_one_by_one(tmp_path: Path) -> None:
    plan, _ = plan_of(tmp_path, None, shape=(64, 64, 64))
    plan.choose_overlap()
    assert plan.beside is False


def test_the_estimate_is_told_once_and_is_that_of_the_largest_study(tmp_path: Path) -> None:
    plan, said = plan_of(tmp_path, None)
    plan.rung(scan((64, 64, 64)))
    plan.rung(scan())
    assert len(said) == 1
    assert "512 x 512 x 600 voxels, sums in main memory" in said[0]
    assert 5.0 < float(said[0].split()[2]) < 7.0


def test_a_crop_of_the_first_study_is_expected_of_the_largest(tmp_path: Path) -> None:
    whole, said = plan_of(tmp_path / "a", None)
    whole.rung(scan())
    cropped, cropped_said = plan_of(tmp_path / "b", None)
    cropped.rung(Part(scan((60, 60, 60)).volume, (2, 2, 2), (120, 120, 120), np.eye(4)))
    assert float(cropped_said[0].split()[2]) < 0.6 * float(said[0].split()[2])


def test_a_scan_that_the_process_holds_already_is_not_counted_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, said = plan_of(tmp_path, None)
    plan.rung(scan())
    monkeypatch.setattr(memory_plan, "process_bytes", lambda: BASE + read_bytes(1, CT))
    later, said_later = plan_of(tmp_path, None, read_ahead=CT)
    later.rung(scan())
    assert said == said_later


def test_what_will_be_refused_is_told_with_the_limit(tmp_path: Path) -> None:
    plan, said = plan_of(tmp_path, 2.0)
    assert plan.rung(scan((64, 64, 64))) == "host"
    assert said[0].endswith("; 2 GiB are allowed")

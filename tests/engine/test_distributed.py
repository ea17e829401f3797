import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from medseg.engine.checkpoint import load_checkpoint
from medseg.engine.distributed import World, gather, join, largest, leader_says, leave, world_of_environment

SCRIPT = Path(__file__).with_name("two_ranks.py")
# Name, studies, batch per rank (one process takes twice that), rank on which the user asks to stop.
# 7 studies: steps of 4 and 3 patches, so the last is shared 2 to 1. 8: all steps are even.
RUNS = [["uneven", 7, 2, None], ["even", 8, 2, None], ["stopped", 8, 2, 1]]
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each rank of two, and one process alone, wrote down, by file name."""
    folder = tmp_path_factory.mktemp("two")
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", str(SCRIPT)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run([*words, str(folder), json.dumps(RUNS)], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    return {file.stem: json.loads(file.read_text()) for file in folder.glob("*.json")} | {"folder": folder}


def apart(one: list[float], other: list[float]) -> float:
    return float((torch.tensor(one) - torch.tensor(other)).abs().max())


@pytest.mark.parametrize("name", ["uneven", "even"])
def test_both_ranks_end_with_equal_weights(name: str, facts: dict[str, Any]) -> None:
    for part in ("weights", "average"):
        assert facts[f"{name}-2-0"][part] == facts[f"{name}-2-1"][part]


@pytest.mark.parametrize(("name", "studies"), [("uneven", 7), ("even", 8)])
def test_each_ticket_is_seen_once_over_the_ranks(name: str, studies: int, facts: dict[str, Any]) -> None:
    seen = [ticket for rank in (0, 1) for ticket in facts[f"{name}-2-{rank}"]["seen"]]
    for epoch in range(3):
        assert sorted(t for t in seen if t[0] == epoch) == [[epoch, study, 0] for study in range(studies)]


@pytest.mark.parametrize("name", ["uneven", "even"])
def test_two_ranks_learn_what_one_process_with_twice_the_batch_learns(name: str, facts: dict[str, Any]) -> None:
    alone = facts[f"{name}-1-0"]
    assert alone["steps"] == facts[f"{name}-2-0"]["steps"] == 6
    assert apart(facts[f"{name}-2-0"]["weights"], alone["weights"]) < 1e-5
    assert apart(facts[f"{name}-2-0"]["average"], alone["average"]) < 1e-5


@pytest.mark.parametrize("name", ["uneven", "even"])
def test_ranks_that_share_the_validation_score_as_one_process(name: str, facts: dict[str, Any]) -> None:
    assert facts[f"{name}-2-0"]["dice"] == facts[f"{name}-2-1"]["dice"]
    for shared, alone in zip(facts[f"{name}-2-0"]["dice"], facts[f"{name}-1-0"]["dice"], strict=True):
        assert shared == pytest.approx(alone, abs=1e-3)


def test_a_stop_on_one_rank_stops_all_after_the_same_step(facts: dict[str, Any]) -> None:
    ends = [facts[f"stopped-2-{rank}"] for rank in (0, 1)]
    assert [end["outcome"] for end in ends] == ["interrupted", "interrupted"]
    assert [end["steps"] for end in ends] == [2, 2]


def test_the_checkpoint_of_the_leader_has_no_prefixes(facts: dict[str, Any]) -> None:
    state = load_checkpoint(facts["folder"] / "uneven-2.pt")
    assert set(state["network"]) == {"0.weight", "0.bias"}
    assert (
        torch.cat([value.flatten() for value in state["network"].values()]).tolist() == facts["uneven-2-0"]["weights"]
    )


def test_ranks_hear_each_other(facts: dict[str, Any]) -> None:
    for rank in (0, 1):
        assert facts[f"talk-2-{rank}"] == {"gather": [0, 10], "leader": "from 0", "largest": [1.0, 0.0]}


def test_a_process_alone_needs_no_others() -> None:
    world = World()
    join(world, CPU)
    assert world.leads
    assert gather("x", world) == ["x"]
    assert leader_says("x", world) == "x"
    assert largest([1.0, 2.0], world, CPU) == [1.0, 2.0]
    leave(world)


def test_the_world_is_what_torchrun_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert world_of_environment() == World(0, 1, 0)
    for name, value in (("WORLD_SIZE", "4"), ("RANK", "3"), ("LOCAL_RANK", "1")):
        monkeypatch.setenv(name, value)
    assert world_of_environment() == World(3, 4, 1)
    assert not world_of_environment().leads

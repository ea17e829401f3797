"""Acceptance: demands are read exactly, and what was not scored meets none."""

import math

import pytest

from medseg.core.errors import ConfigError, UsageError
from medseg.metrics.evaluation import Evaluation
from medseg.metrics.gates import Gate, GateResult, check_gates, gates_of, gates_of_thresholds
from medseg.metrics.metric import METRICS
from medseg.metrics.policy import POLICIES
from medseg.metrics.scores import LabelScore, StudyScores

NAMES = ("WT", "necrotic core", "v1.0")


def _evaluation(*dice: float) -> Evaluation:
    studies = (
        StudyScores(f"s{n}", f"p{n}", {"WT": LabelScore("scored", dict.fromkeys(METRICS, value))})
        for n, value in enumerate(dice)
    )
    return Evaluation(POLICIES["default"], ("WT",), tuple(studies))


def test_demands_are_read_in_their_order() -> None:
    gates = gates_of({"dice.WT": "0.85", "nsd.necrotic core": ".5"}, {"hd95_mm.v1.0": "1e1"}, NAMES)
    assert gates == [
        Gate("dice", "WT", "min", 0.85),
        Gate("nsd", "necrotic core", "min", 0.5),
        Gate("hd95_mm", "v1.0", "max", 10.0),
    ]


def test_no_demand_is_no_gate() -> None:
    assert gates_of({}, {}, NAMES) == []


@pytest.mark.parametrize(("key", "metric"), METRICS.items(), ids=METRICS)
def test_each_metric_takes_a_demand_on_its_good_side_alone(key: str, metric: object) -> None:
    limit = {f"{key}.WT": "1"}
    right, wrong = ((limit, {}), ({}, limit)) if metric.better == "higher" else (({}, limit), (limit, {}))
    if metric.better is None:
        for sides in (right, wrong):
            with pytest.raises(UsageError, match="it makes no gate"):
                gates_of(*sides, NAMES)
        return
    assert [gate.metric for gate in gates_of(*right, NAMES)] == [key]
    with pytest.raises(UsageError, match=f"is better; write --{'min' if metric.better == 'higher' else 'max'}"):
        gates_of(*wrong, NAMES)


@pytest.mark.parametrize(
    ("key", "limit", "told"),
    [
        ("dise.WT", "0.8", "no metric 'dise'; known are dice"),
        ("dice", "0.8", "'' is not scored; scored are WT"),
        ("dice.wt", "0.8", "'wt' is not scored"),
        ("dice.WT", "high", "'high' is not a number"),
        ("dice.WT", "nan", "'nan' is not a number"),
        ("dice.WT", "inf", "'inf' is not a number"),
        ("dice.WT", "", "'' is not a number"),
    ],
)
def test_a_demand_that_cannot_be_meant_is_refused(key: str, limit: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        gates_of({key: limit}, {}, NAMES)


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        gates_of({"dise.WT": "1", "dice.WT": "x"}, {"dice.WT": "1"}, NAMES)
    assert len(str(caught.value).splitlines()) == 4


def test_thresholds_of_a_file_demand_the_good_side_and_give_way_to_the_command_line() -> None:
    given = [Gate("dice", "WT", "min", 0.9)]
    gates = gates_of_thresholds({"dice": {"WT": 0.8, "v1.0": 0.7}, "hd95_mm": {"WT": 5}}, given)
    assert gates == [Gate("dice", "v1.0", "min", 0.7), Gate("hd95_mm", "WT", "max", 5.0)]


def test_a_fault_in_thresholds_does_not_guess_which_file_they_came_from() -> None:
    with pytest.raises(ConfigError, match=r"^Thresholds: 1 fault.*\n  thresholds\.dise: no metric of a gate"):
        gates_of_thresholds({"dise": {"WT": 0.8}}, [])


@pytest.mark.parametrize(
    ("gate", "met"),
    [
        (Gate("dice", "WT", "min", 0.75), True),
        (Gate("dice", "WT", "min", 0.7501), False),
        (Gate("hd95_mm", "WT", "max", 0.75), True),
        (Gate("hd95_mm", "WT", "max", 0.7499), False),
    ],
)
def test_the_mean_must_reach_the_limit_and_may_equal_it(gate: Gate, met: bool) -> None:
    (result,) = check_gates([gate], _evaluation(0.5, 1.0))
    assert (result.value, result.met) == (0.75, met)


@pytest.mark.parametrize("side", ["min", "max"])
def test_where_nothing_was_scored_no_demand_is_met(side: str) -> None:
    (result,) = check_gates([Gate("dice", "WT", side, 0.5)], _evaluation(math.nan))
    assert not result.met
    assert "nothing was scored" in result.sentence


def test_the_sentence_tells_what_was_found_and_demanded() -> None:
    result = GateResult(Gate("hd95_mm", "WT", "max", 10.0), 12.3456)
    assert result.sentence == "HD95 of WT: 12.35 mm; at most 10 mm is demanded: not met."
    assert GateResult(Gate("dice", "WT", "min", 0.8), 0.9).sentence.endswith("at least 0.8 is demanded: met.")

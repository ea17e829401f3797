from typing import Any

import pytest

from medseg.bundle.scoring import scoring_of, scoring_of_classes


def test_labels_regions_tolerances_and_thresholds_are_read(evaluate: dict[str, Any]) -> None:
    scoring, faults = scoring_of(evaluate)
    assert faults == []
    assert scoring.labels.scored == ("whole",)
    assert [label.value for label in scoring.labels.labels] == [1, 7]


def test_without_regions_the_labels_are_scored(evaluate: dict[str, Any]) -> None:
    evaluate |= {"regions": {}, "tolerance_mm": {"core": 1, "rim": 2.5}, "thresholds": {}}
    scoring, faults = scoring_of(evaluate)
    assert (scoring.labels.scored, faults) == (("core", "rim"), [])


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"labels": {}}, "labels: empty"),
        ({"labels": ["core"]}, "labels: ['core'] is not keys and values"),
        ({"labels": {"core": 1}}, "labels.core: 1; write"),
        ({"labels": {"core": {"value": 300}}}, "labels.core.value: 300"),
        ({"labels": {"core": {"value": True}}}, "labels.core.value: True"),
        ({"labels": {"core": {"value": 1}, "rim": {"value": 1}}}, "labels.rim.value: 1 is taken by core"),
        ({"labels": {"core": {"value": 1, "instances": 1}}}, "labels.core.instances: 1 is neither true nor false"),
        ({"labels": {"core": {"value": 2, "instances": True}}}, "labels.core.instances: true makes every value"),
        ({"regions": {"whole": "core"}}, "regions.whole: 'core' is not a list"),
        ({"regions": {"whole": ["cor"]}}, "regions.whole: no label cor; known are core, rim"),
        ({"tolerance_mm": {}}, "tolerance_mm.whole: missing"),
        ({"tolerance_mm": {"whole": 0}}, "tolerance_mm.whole: 0 is not a number above 0"),
        ({"tolerance_mm": {"whole": 1, "part": 1}}, "tolerance_mm.part: no label or region; known are whole, core"),
        ({"thresholds": {"dice": 0.8}}, "thresholds.dice: 0.8 is not names and numbers"),
        ({"thresholds": {"dice": {"whole": "high"}}}, "thresholds.dice.whole: 'high' is not a number"),
        ({"lables": {}}, "lables: unknown key"),
    ],
)
def test_a_fault_names_its_key_and_value(evaluate: dict[str, Any], change: dict[str, Any], fault: str) -> None:
    _, faults = scoring_of(evaluate | change)
    assert any(found.startswith(fault) for found in faults), faults


def test_values_may_number_the_objects_of_the_only_label() -> None:
    nucleus = {"nucleus": {"value": 1, "instances": True}}
    scoring, faults = scoring_of({"labels": nucleus, "regions": {}, "tolerance_mm": {"nucleus": 1}, "thresholds": {}})
    assert faults == []
    assert scoring.labels.instances
    two = nucleus | {"stroma": {"value": 2}}
    _, faults = scoring_of({"labels": two, "regions": {}, "tolerance_mm": {}, "thresholds": {}})
    assert any("it must be the only one (of 2)" in fault for fault in faults)


@pytest.mark.parametrize("key", ["labels", "regions", "tolerance_mm", "thresholds"])
def test_a_missing_key_is_named(evaluate: dict[str, Any], key: str) -> None:
    del evaluate[key]
    assert scoring_of(evaluate)[1] == [f"{key}: missing; write {{}} for none"]


def test_classes_alone_become_labels_with_their_index_as_value() -> None:
    labels = scoring_of_classes(["background", "liver", "tumour"]).labels
    assert labels.class_of_value() == {0: 0, 1: 1, 2: 2}
    assert labels.scored == ("liver", "tumour")

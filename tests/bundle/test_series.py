from typing import Any

import pytest

from medseg.bundle.series import keyword_faults, series_rules_of
from medseg.core.series_rules import Condition, SeriesRules

VALUES: dict[str, Any] = {
    "reference": "t1c",
    "tie_breaks": ["most_slices"],
    "every": {"Modality": {"in": ["MR"]}},
    "channels": {
        "t1": [{"ContrastBolusAgent": "absent"}],
        "t1c": [{"ContrastBolusAgent": "present"}, {"SeriesDescription": {"matches": "post", "lacks": "sub"}}],
    },
}


def _with(condition: Any) -> dict[str, Any]:
    return VALUES | {"channels": VALUES["channels"] | {"t1": [{"EchoTime": condition}]}}


def test_alternatives_come_in_order_and_what_every_channel_shares_comes_first() -> None:
    rules, faults = series_rules_of(VALUES, ["t1", "t1c"])
    mr = Condition("Modality", "in", ("MR",))
    assert faults == []
    assert rules == SeriesRules(
        reference="t1c",
        channels={
            "t1": ((mr, Condition("ContrastBolusAgent", "absent")),),
            "t1c": (
                (mr, Condition("ContrastBolusAgent", "present")),
                (
                    mr,
                    Condition("SeriesDescription", "matches", ("post",)),
                    Condition("SeriesDescription", "lacks", ("sub",)),
                ),
            ),
        },
        tie_breaks=("most_slices",),
    )


def test_every_may_be_left_out() -> None:
    values = {key: value for key, value in VALUES.items() if key != "every"}
    rules, faults = series_rules_of(values, ["t1", "t1c"])
    assert faults == []
    assert rules is not None
    assert rules.channels["t1"] == ((Condition("ContrastBolusAgent", "absent"),),)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"refrence": "t1c"}, "refrence: unknown key; did you mean 'reference'?"),
        ({"reference": "ct"}, "reference: 'ct' is no channel of the bundle; write one of t1, t1c"),
        ({"tie_breaks": "most_slices"}, "tie_breaks: 'most_slices' is not a list; write [] for none"),
        ({"tie_breaks": ["most"]}, "tie_breaks: 'most' is not one of most_slices, thinnest, latest"),
        ({"every": ["MR"]}, "every: ['MR'] is not keywords and conditions"),
        ({"channels": "t1"}, "channels: 't1' is not channels and rules"),
        ({"channels": {"t1": []}}, "channels.t1: [] is not a list of alternatives"),
        ({"channels": {"t1": {"EchoTime": "present"}}}, "channels.t1: {'EchoTime': 'present'} is not a list of"),
        ({"channels": {"t1": [{}]}}, "channels.t1[0]: {} is not keywords and conditions"),
        ({"channels": {"t1ce": []}}, "channels.t1ce: no channel of the bundle; did you mean 't1c'?"),
        ({"channels": {}}, "channels.t1: missing"),
        (_with("here"), "channels.t1[0].EchoTime: 'here'; write present, absent, or a test such as"),
        (_with({}), "channels.t1[0].EchoTime: {}; write present, absent, or a test such as"),
        (_with({"rang": [1, 2]}), "channels.t1[0].EchoTime.rang: unknown test; did you mean 'range'?"),
        (_with({"present": True}), "channels.t1[0].EchoTime.present: unknown test"),
        (_with({"in": "SE"}), "channels.t1[0].EchoTime.in: 'SE' is not a list of values"),
        (_with({"in": []}), "channels.t1[0].EchoTime.in: [] is not a list of values"),
        (_with({"in": [True]}), "channels.t1[0].EchoTime.in: True is how YAML reads a bare yes, no, on or off"),
        (_with({"not_in": [[1]]}), "channels.t1[0].EchoTime.not_in: [1] is not a text or number"),
        (_with({"range": [1]}), "channels.t1[0].EchoTime.range: [1] is not two numbers"),
        (_with({"range": ["1", 2]}), "channels.t1[0].EchoTime.range: ['1', 2] is not two numbers"),
        (_with({"range": [float("nan"), 2]}), "channels.t1[0].EchoTime.range: [nan, 2] is not two numbers"),
        (_with({"range": [None, None]}), "channels.t1[0].EchoTime.range: [null, null] excludes nothing"),
        (_with({"outside": [9, 2]}), "channels.t1[0].EchoTime.outside: [9, 2] is empty: 9 is above 2"),
        (_with({"matches": ""}), "channels.t1[0].EchoTime.matches: '' is not a regular expression"),
        (_with({"lacks": "(a"}), "channels.t1[0].EchoTime.lacks: '(a' is not a regular expression (missing )"),
    ],
)
def test_a_fault_names_its_place_and_value(change: dict[str, Any], fault: str) -> None:
    rules, faults = series_rules_of(VALUES | change, ["t1", "t1c"])
    assert rules is None
    assert any(found.startswith(fault) for found in faults), faults


@pytest.mark.parametrize("key", ["reference", "tie_breaks", "channels"])
def test_a_missing_key_is_named(key: str) -> None:
    values = {name: value for name, value in VALUES.items() if name != key}
    assert series_rules_of(values, ["t1", "t1c"]) == (None, [f"{key}: missing"])


def test_all_faults_are_found_at_once() -> None:
    values = _with({"range": [1], "matches": "("}) | {"reference": "ct", "tie_breaks": None}
    assert len(series_rules_of(values, ["t1", "t1c"])[1]) == 4


def test_keywords_that_dicom_does_not_know_or_that_tell_of_the_patient_are_faults() -> None:
    rows = ((Condition("EchoTym", "present"), Condition("PatientName", "present"), Condition("EchoTime", "present")),)
    faults = keyword_faults(SeriesRules("t1", {"t1": rows}))
    assert faults[0] == "configs/series.yaml: EchoTym: no DICOM keyword; did you mean 'EchoTime'?"
    assert faults[1].startswith("configs/series.yaml: PatientName: tells of patient")
    assert len(faults) == 2
    assert keyword_faults(None) == []

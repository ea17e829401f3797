"""Outcomes as records: reasons keep their tables and lose identities; codes come from the gate."""

from medseg.core.errors import DatalistError, DicomError
from medseg.core.redact import Redactor
from medseg.core.verdict import Finding
from medseg.runs.report_facts import ReportChannel
from medseg.steps.jobs import Worklist, channel_record, failed, finding_records


def test_a_refusal_of_the_gate_keeps_its_code() -> None:
    outcome = failed("study-1", DicomError("series 1: gap", "slice_missing"), 1.5, code="other")
    assert (outcome.study, outcome.code, outcome.reason, outcome.seconds) == (
        "study-1",
        "slice_missing",
        "series 1: gap",
        1.5,
    )
    assert outcome.prediction is None
    assert outcome.outputs == ()


def test_an_error_without_a_code_takes_the_one_given() -> None:
    assert failed("s", DatalistError("no series")).code == "failed"
    assert failed("s", DatalistError("no series"), code="slice_missing").code == "slice_missing"


def test_the_lines_of_a_table_stay_lines() -> None:
    assert failed("s", DatalistError("t1: two\n  series 1\n  series 2")).reason == "t1: two\n  series 1\n  series 2"


def test_an_unforeseen_error_is_one_line_with_its_kind() -> None:
    assert failed("s", ValueError("bad\n  thing")).reason == "ValueError: bad thing"


def test_an_identity_is_taken_out_of_the_reason() -> None:
    outcome = failed("s", ValueError("no file '/data/Dumbledore_Albus/x'"), redactor=Redactor(["Dumbledore^Albus"]))
    assert outcome.reason is not None
    assert "umbledore" not in outcome.reason


def test_worklists_join_in_order_and_name_each_word_once() -> None:
    one, two = failed("a", ValueError()), failed("b", ValueError())
    joined = Worklist(outcomes=(one,), identity=("Albus", "7")).plus(Worklist(outcomes=(two,), identity=("7", "Poppy")))
    assert joined == Worklist((), (one, two), ("Albus", "7", "Poppy"))


def test_records_hold_plain_values() -> None:
    channel = ReportChannel("t1", "RepetitionTime 500", 3, "T1 SE", (4, 5, 6), (1 / 3, 1.0, 2.0), True, "accepted")
    assert channel_record(channel) == {
        "series_number": 3,
        "description": "T1 SE",
        "recognised": "RepetitionTime 500",
        "shape": [4, 5, 6],
        "spacing_mm": [0.333333, 1.0, 2.0],
        "resampled": True,
        "verdict": "accepted",
    }
    assert finding_records([Finding("lossy", "series 1: lossy")]) == ({"code": "lossy", "sentence": "series 1: lossy"},)

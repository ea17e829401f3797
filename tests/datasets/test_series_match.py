from collections.abc import Callable
from typing import Any

import pytest

from medseg.core.errors import BundleError, DatalistError
from medseg.core.series_rules import Condition, SeriesRules
from medseg.datasets.series_match import match_series

Make = Callable[..., Any]

AGENT = Condition("ContrastBolusAgent", "present")
NO_AGENT = Condition("ContrastBolusAgent", "absent")
SHORT = Condition("RepetitionTime", "range", (None, 1500))
POST = Condition("SeriesDescription", "matches", ("post",))
RULES = SeriesRules("t1c", {"t1": ((NO_AGENT, SHORT),), "t1c": ((AGENT, SHORT), (POST,))}, ("most_slices",))
BOTH = ("t1", "t1c")


def _native(series: Make, number: int = 3, **attributes: Any) -> Any:
    return series(number, "AX T1", RepetitionTime="600", **attributes)


def _enhanced(series: Make, number: int = 4, **attributes: Any) -> Any:
    return series(number, "AX T1 GD", RepetitionTime="500", ContrastBolusAgent="9 ml", **attributes)


def _message(*arguments: Any, channels: tuple[str, ...] = BOTH, **overrides: str) -> str:
    with pytest.raises(DatalistError) as caught:
        match_series(*arguments, overrides, channels=channels)
    return str(caught.value)


def test_each_channel_gets_its_series_with_every_condition_in_words(series: Make) -> None:
    native, enhanced = _native(series), _enhanced(series)
    match = match_series(RULES, [native, enhanced], channels=BOTH)
    assert list(match.channels) == ["t1", "t1c"]
    assert match.channels["t1"].series is native
    assert match.channels["t1"].reason == "RepetitionTime 600 ≤ 1500; ContrastBolusAgent absent"
    assert match.channels["t1c"].series is enhanced
    assert match.channels["t1c"].reason == "ContrastBolusAgent present; RepetitionTime 500 ≤ 1500"
    assert (match.reference, match.warnings) == ("t1c", ())


def test_the_order_of_series_changes_nothing(series: Make) -> None:
    study = [_native(series), _enhanced(series), series(9, "T2", RepetitionTime="4000")]
    forward, backward = (match_series(RULES, one, channels=BOTH) for one in (study, study[::-1]))
    assert forward == backward


def test_a_later_alternative_decides_only_where_no_series_meets_an_earlier(series: Make) -> None:
    by_agent, by_name = _enhanced(series), series(5, "T1 post", RepetitionTime="2000", shape=(64, 64, 90))
    assert match_series(RULES, [_native(series), by_name, by_agent], channels=BOTH).channels["t1c"].series is by_agent
    chosen = match_series(RULES, [_native(series), by_name], channels=BOTH).channels["t1c"]
    assert (chosen.series, chosen.reason) == (by_name, "SeriesDescription 'T1 post' has 'post'")


def test_a_tie_break_that_decides_is_named(series: Make) -> None:
    thick, fine = _enhanced(series, 4, shape=(64, 64, 11)), _enhanced(series, 5, shape=(64, 64, 22))
    chosen = match_series(RULES, [_native(series), thick, fine], channels=BOTH).channels["t1c"]
    assert chosen.series is fine
    assert chosen.reason.endswith("; tie-break most_slices 22 > 11")


def test_series_that_stay_tied_are_an_error_with_the_table_of_candidates(series: Make) -> None:
    study = [_native(series), _enhanced(series, 4), _enhanced(series, 5), _enhanced(series, 6, shape=(64, 64, 5))]
    assert _message(RULES, study) == (
        "Channels t1, t1c among 4 series: 1 fault\n"
        "  t1c: 2 series meet its rule\n"
        "      series 3  'AX T1'     64x64x20  1x1x3 mm  ContrastBolusAgent absent\n"
        "      series 4  'AX T1 GD'  64x64x20  1x1x3 mm  meets the rule\n"
        "      series 5  'AX T1 GD'  64x64x20  1x1x3 mm  meets the rule\n"
        "      series 6  'AX T1 GD'  64x64x5   1x1x3 mm  meets the rule, loses by a tie-break\n"
        "      If one of them is t1c, name it: --series t1c=NUMBER"
    )


def test_no_series_is_an_error_that_names_the_first_failing_condition_of_the_nearest_alternative(series: Make) -> None:
    study = [_enhanced(series), series(7, "T2", RepetitionTime="4000")]
    assert _message(RULES, study) == (
        "Channels t1, t1c among 2 series: 1 fault\n"
        "  t1: no series meets its rule\n"
        "      series 4  'AX T1 GD'  64x64x20  1x1x3 mm  ContrastBolusAgent present\n"
        "      series 7  'T2'        64x64x20  1x1x3 mm  RepetitionTime 4000, wanted ≤ 1500\n"
        "      If one of them is t1, name it: --series t1=NUMBER"
    )


def test_the_faults_of_all_channels_come_at_once(series: Make) -> None:
    message = _message(RULES, [series(7, "T2", RepetitionTime="4000")])
    assert "2 faults" in message
    assert "t1: no series" in message
    assert "t1c: no series" in message


def test_a_study_without_series_is_an_error(series: Make) -> None:
    assert "t1: no series meets its rule" in _message(RULES, [])
    assert "t1: 0 accepted image series" in _message(None, [], channels=("t1",))


def test_the_refusal_is_the_error_where_the_only_series_is_refused(series: Make) -> None:
    study = [_native(series), _enhanced(series, refused="gap of 13 mm between slices 11 and 12.")]
    assert "t1c: no accepted series meets its rule; series 4 'AX T1 GD' (MR) is refused: gap of 13 mm" in _message(
        RULES, study
    )


def test_a_refused_series_beside_an_accepted_one_is_a_warning(series: Make) -> None:
    study = [_native(series), _enhanced(series, 4), _enhanced(series, 5, shape=(64, 64, 90), refused="a gap.")]
    match = match_series(RULES, study, channels=BOTH)
    assert match.channels["t1c"].series is study[1]
    assert match.warnings == ("t1c: series 5 'AX T1 GD' (MR) meets the rule too and is refused: a gap.",)


def test_a_result_object_is_no_candidate(series: Make) -> None:
    study = [_native(series), _enhanced(series, 4), _enhanced(series, 5, shape=(64, 64, 90), is_image=False)]
    assert match_series(RULES, study, channels=BOTH).channels["t1c"].series is study[1]


def test_one_series_cannot_serve_two_channels(series: Make) -> None:
    rules = SeriesRules("t1", {"t1": ((SHORT,),), "t1c": ((AGENT,),)})
    message = _message(rules, [_enhanced(series)])
    assert "t1 and t1c: series 4 'AX T1 GD' (MR) meets both rules" in message


def test_a_named_series_is_taken_and_not_offered_to_the_others(series: Make) -> None:
    study = [_native(series, 3), _native(series, 5)]
    match = match_series(RULES, study, {"t1c": "5"}, channels=BOTH)
    assert {channel: choice.series.number for channel, choice in match.channels.items()} == {"t1": 3, "t1c": 5}
    assert match.channels["t1c"].reason == "named by --series"
    assert "series 3  'AX T1'  64x64x20  1x1x3 mm  taken for t1c by --series" in _message(RULES, study[:1], t1c="3")


def test_faults_of_overrides_come_at_once_before_any_rule(series: Make) -> None:
    message = _message(RULES, [_native(series, refused="a gap.")], t1="3", t2="4", t1c="9")
    assert "3 faults" in message
    assert "--series t1=3: series 3 'AX T1' (MR) is refused: a gap." in message
    assert "no channel 't2'" in message
    assert "--series t1c=9: no series has this number" in message


def test_a_bundle_of_one_channel_without_rules_takes_the_only_image_series(series: Make) -> None:
    scan, report = series(2, "T1"), series(99, "report", is_image=False)
    match = match_series(None, [scan, report, series(3, "T1 bad", refused="a gap.")], channels=("t1",))
    assert match.channels["t1"].series is scan
    assert match.channels["t1"].reason == "the only accepted image series"
    assert (match.reference, match.warnings) == ("t1", ("series 3 'T1 bad' (MR) is refused: a gap.",))


def test_two_image_series_and_no_rules_are_an_error_with_the_table(series: Make) -> None:
    message = _message(None, [series(2, "T1"), series(5, "T2"), series(6, "", refused="a gap.")], channels=("t1",))
    assert "t1: 2 accepted image series, one is wanted\n" in message
    assert "series 2  'T1'            64x64x20  1x1x3 mm  accepted\n" in message
    assert "series 6  no description  64x64x20  1x1x3 mm  refused: a gap.\n" in message
    assert "--series t1=NUMBER" in message


def test_several_channels_without_rules_are_one_error_that_says_what_to_write(series: Make) -> None:
    message = _message(None, [_native(series), _enhanced(series)], channels=BOTH, t1="3")
    assert "1 fault\n" in message
    assert "write configs/series.yaml, or name every series: --series t1c=NUMBER\n" in message


def test_several_channels_without_rules_work_where_all_are_named(series: Make) -> None:
    match = match_series(None, [_native(series), _enhanced(series)], {"t1": "3", "t1c": "4"}, channels=BOTH)
    assert match.reference == "t1"


def test_a_rule_that_asks_for_the_patient_is_refused_before_a_value_is_read(series: Make) -> None:
    rules = SeriesRules("t1", {"t1": ((Condition("PatientName", "matches", ("x",)),),)})
    with pytest.raises(BundleError, match="PatientName: tells of patient"):
        match_series(rules, [series(PatientName="Doe^Jane")], channels=("t1",))


def test_no_message_holds_identity(series: Make) -> None:
    who = {"PatientName": "Doe^Jane", "PatientID": "4711", "StudyDate": "20200102", "AccessionNumber": "A77"}
    study = [_native(series, uid="1.9.1", **who), _enhanced(series, 4, uid="1.9.2", **who), _enhanced(series, 5, **who)]
    message = _message(RULES, study)
    assert not any(word in message for word in ("Doe", "4711", "2020", "A77", "1.9."))

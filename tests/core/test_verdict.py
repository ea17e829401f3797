"""A verdict says refused where there is a refusal, and keeps each finding once."""

from medseg.core.verdict import Finding, Verdict, one_line

GAP = Finding("slice_missing", "a gap.")
FEW = Finding("few_slices", "few slices.")


def test_nothing_found_is_accepted_without_a_reason() -> None:
    assert (Verdict().accepted, Verdict().code, Verdict().reason) == (True, "accepted", "")


def test_warnings_alone_are_accepted() -> None:
    verdict = Verdict(warnings=(FEW,))
    assert (verdict.accepted, verdict.code, verdict.reason) == (True, "accepted_with_warnings", "")


def test_a_refusal_counts_more_than_warnings() -> None:
    verdict = Verdict((GAP,), (FEW,))
    assert (verdict.accepted, verdict.code, verdict.reason) == (False, "slice_missing", "a gap.")


def test_the_code_is_that_of_the_first_refusal_and_the_reason_has_all() -> None:
    verdict = Verdict().plus([GAP]).plus([Finding("tilt", "a tilt.")])
    assert (verdict.code, verdict.reason) == ("slice_missing", "a gap. a tilt.")


def test_what_is_found_again_is_kept_once_in_its_first_place() -> None:
    verdict = Verdict((GAP,), (FEW,)).plus([Finding("tilt", "a tilt."), GAP], iter([FEW]))
    assert [one.code for one in verdict.refusals] == ["slice_missing", "tilt"]
    assert verdict.warnings == (FEW,)


def test_a_sentence_is_one_line_whatever_a_header_holds() -> None:
    assert Finding("tilt", "a\nb \x1b[31mred\0  'µ' … ").sentence == "a b [31mred 'µ' …"
    assert one_line("\n") == ""


def test_a_verdict_is_never_changed_in_place() -> None:
    verdict = Verdict()
    verdict.plus([GAP], [FEW])
    assert verdict == Verdict()

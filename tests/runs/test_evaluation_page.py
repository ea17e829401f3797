"""The page of an evaluation tells all it was given, and nothing on it loads or runs."""

import pytest

from medseg.metrics.gates import check_gates, gates_of
from medseg.metrics.metric import METRICS
from medseg.runs.evaluation_facts import EvaluationFacts
from medseg.runs.evaluation_figures import ChartFigure
from medseg.runs.evaluation_page import page_of
from tests.evaluations import evaluation, study
from tests.runs.evaluation_examples import HOSTILE, comparison_of, everything, facts_of, hostile, without_core
from tests.runs.html_page import HtmlPage


def _page(facts: EvaluationFacts) -> HtmlPage:
    """Without real charts: they take longest."""
    return HtmlPage(page_of(facts, [ChartFigure("Scores", "One chart.", (("data:,", "a chart"),), {})]))


def _sections(page: HtmlPage) -> list[str | None]:
    return [one["id"] for one in page.attributes("section") if "id" in one]


def test_every_part_stands_on_the_page_in_order() -> None:
    page = _page(everything())
    parts = ["scores", "charts", "strata", "comparison", "gallery", "studies", "policy", "provenance"]
    assert _sections(page) == parts
    assert [one["href"] for one in page.attributes("a")] == [f"#{part}" for part in parts]


def test_parts_that_nobody_asked_for_are_left_out() -> None:
    page = _page(facts_of())
    assert _sections(page) == ["scores", "charts", "studies", "policy", "provenance"]
    assert "demand" not in page.words


def test_the_page_says_first_what_failed_was_left_out_and_not_met() -> None:
    words = _page(everything()).words
    top = words[: words.index("Means with their")]
    for told in (
        "Evaluation of liver_unet3d 9 studies of 9 patients · 2 labels and regions · policy default",
        "8 of 9 studies scored, 1 failed",
        "s7 The prediction is on another grid.",
        "Prediction 's99.nii.gz' has no reference.",
        "1 of 2 demands is not met ✗ not met Dice of core",
        "✓ met Dice of whole",
    ):
        assert told in top


def test_no_failure_and_met_demands_are_said_too() -> None:
    scored = evaluation({"s1": 0, "s2": 1})
    gates = check_gates(gates_of({"dice.whole": "0.5"}, {"hd95_mm.whole": "50"}, scored.names), scored)
    words = _page(facts_of(scored, gates=gates)).words
    assert "2 studies scored, none failed" in words
    assert "All 2 demands are met" in words


def test_the_table_of_scores_is_right() -> None:
    # Boxes of 8 voxels' edge, one moved by 0, one by 4 of them: Dice 1 and 0.5, HD95 0 and 4 mm.
    page = _page(facts_of(evaluation({"s1": 0, "s2": 4})))
    row = page.words[page.words.index("whole 2 (0)") :]
    assert row.startswith("whole 2 (0) 0.750 0.750 (0.625, 0.875)")
    hd95 = "2.00 2.00 n = 2 2.00 (1.00, 3.00)"
    assert hd95 in row[: row.index("core 2 (0)")]
    assert "0.000 1.000 2 / 0 / 0 core" in row


def test_from_four_patients_on_a_mean_stands_with_its_interval() -> None:
    page = _page(facts_of(evaluation({f"s{n}": 4 for n in range(4)})))
    assert "whole 4 (0) 0.500 [0.500, 0.500] 0.500 (0.500, 0.500)" in page.words


def test_all_metrics_and_all_studies_are_folded_away() -> None:
    page = _page(facts_of())
    folded = page.words[page.words.index("All metrics") :]
    for metric in METRICS.values():
        assert metric.title in folded
    assert [one for one in page.attributes("details") if "open" in one] == []
    studies = folded[folded.index("9 studies, the worst first") :]
    # s7 failed; moved by 3 of 8 voxels the Dice is 0.625 and that of the core 0.25; s8 lacks the core and nothing else.
    assert studies.index("s7 whole") < studies.index("s3 whole") < studies.index("s8 whole") < studies.index("s0 whole")
    assert "s8 core 0.000" in studies
    assert "missed: not in the prediction missed" in studies


def test_of_studies_with_equal_dice_the_failed_one_stands_first_as_in_the_gallery() -> None:
    # Moved by 12 of 8 voxels nothing is shared: Dice 0 in both.
    words = _page(facts_of(evaluation({"a": 12}, study("b", failure="It is missing.")))).words
    studies = words[words.index("2 studies, the worst first") :]
    assert studies.index("b whole") < studies.index("a whole")


def test_groups_have_their_numbers() -> None:
    words = _page(everything()).words
    table = words[words.index("By site") : words.index("Comparison ours")]
    assert "Dice HD95, mm Label or region Group n mean median n mean median" in table
    assert table.index("whole first 4") < table.index("whole second 5") < table.index("core first 4")


def test_a_comparison_says_in_sentences_what_the_table_says_in_numbers() -> None:
    facts = everything()
    assert facts.comparison is not None
    words = _page(facts).words
    section = words[words.index("Comparison ours less theirs") :]
    for sentence in facts.comparison.sentences:
        assert sentence in section
    assert "In 0 of 4 comparisons the two can be told apart." in section
    assert "Not compared: 1 study is only in theirs" in section


def test_a_difference_that_can_be_told_is_better_or_worse() -> None:
    good, bad = (evaluation({f"s{n}": n % 2 + shift for n in range(12)}) for shift in (0, 2))
    words = _page(facts_of(good, comparison=comparison_of(good, bad))).words
    assert "In 4 of 4 comparisons the two can be told apart." in words
    assert "dice of whole: ours is better than theirs" in words
    assert words.count("+1.00 12 0 better") == 2
    assert words.count("−1.00 12 0 better") == 2  # distances: less is better
    assert "worse" in _page(facts_of(bad, comparison=comparison_of(bad, good))).words


def test_the_gallery_says_why_and_shows_the_picture() -> None:
    facts = everything()
    page = _page(facts)
    assert "Worst: s8 Dice 0.500 core is missed. core: missed" in page.words
    assert "Best: s0 Dice 1.000" in page.words
    assert page.words.count("too little") == 1


def test_the_rules_and_their_digest_are_on_the_page() -> None:
    facts = facts_of()
    words = _page(facts).words
    for sentence in (*facts.evaluation.policy.in_words(), facts.evaluation.policy.digest, "2031-05-04 12:00"):
        assert sentence in words


@pytest.mark.parametrize("shifts", [{"s1": 1}, {"s1": 0, "s2": 2}], ids=["one", "two"])
def test_few_studies_make_a_page_too(shifts: dict[str, int]) -> None:
    words = _page(facts_of(evaluation(shifts))).words
    assert "nan" not in words
    assert "Fewer than 4 patients have no interval." in words


def test_failures_alone_make_a_page_too() -> None:
    page = _page(facts_of(evaluation({}, *(study(f"s{n}", failure="There is no file.") for n in range(3)))))
    assert "0 of 3 studies scored, 3 failed" in page.words
    assert "nan" not in page.words
    assert "whole 3 (3) 0.000" in page.words


def test_a_label_that_no_mask_holds_is_said_not_to_be_scored() -> None:
    page = _page(facts_of(without_core(evaluation({"s1": 0, "s2": 1}))))
    assert "In neither mask, and therefore not scored: core in 2 studies." in page.words
    assert "core 0 (0) – – –" in page.words


def test_nothing_comes_from_outside_and_nothing_runs() -> None:
    page = _page(everything())
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "embed", "base", "form"}
    for _, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")]
        assert (attributes.get("src") or "data:").startswith("data:")
        assert (attributes.get("href") or "#").startswith(("#", "data:"))
    (policy,) = [one["content"] for one in page.attributes("meta") if "http-equiv" in one]
    assert (policy or "").startswith("default-src 'none'")


def test_hostile_words_are_only_words() -> None:
    before, after = _page(everything()), _page(hostile())
    assert {tag for tag, _ in after.tags} == {tag for tag, _ in before.tags}
    assert {name for _, one in after.tags for name in one} == {name for _, one in before.tags for name in one}
    assert after.words.count(HOSTILE) > 40

from dataclasses import replace

from medseg.bundle.card_facts import Measurement, Score
from medseg.bundle.card_results import NOT_MEASURED, TOO_FEW
from medseg.bundle.model_card import card_text
from tests.bundle.card_examples import FACTS, MEASURED, METADATA, section


def test_scores_have_interval_number_and_failures_and_distances_are_in_mm() -> None:
    said = section(card_text(FACTS), "How good it is")
    assert "| Label or region | Dice | Surface Dice | HD95, mm | n | failed |" in said
    row = "| core | 0.901 (0.888 to 0.911) | 0.976 (0.967 to 0.983) | 1.28 (1.17 to 1.42) | 43 | 1 |"
    assert row in said
    assert "43 studies of 31 patients that the model has not seen, on 2031-05-04" in said
    assert "2 studies had no usable reference" in said
    assert "1.5 mm" in said
    assert "ab" * 32 in said


def test_demands_are_listed_and_one_that_is_not_met_stands_at_the_top() -> None:
    text = card_text(FACTS)
    assert "Dice of core: 0.901; at least 0.85 was demanded: met." in text
    assert "HD95, mm of core: 1.28; at most 1 was demanded: **not met**." in text
    assert "**1 of 2 demands on its scores is not met.**" in text.partition("## ")[0]


def test_where_nothing_was_measured_the_top_says_so_in_bold() -> None:
    text = card_text(replace(FACTS, measurement=None))
    assert f"**{NOT_MEASURED}**" in text.partition("## ")[0]
    assert NOT_MEASURED in section(text, "How good it is")
    assert section(text, "By group") == ""


def test_numbers_without_a_measurement_are_the_word_of_the_bundle() -> None:
    metadata = {**METADATA, "eval_metrics": {"mean_dice": 0.85}}
    said = section(card_text(replace(FACTS, metadata=metadata, measurement=None)), "How good it is")
    assert "without how it was measured: mean_dice 0.85." in said


def test_studies_that_may_have_been_seen_are_not_called_unseen() -> None:
    said = section(card_text(replace(FACTS, measurement=replace(MEASURED, maybe_seen=True))), "How good it is")
    assert "has not seen" not in said


def test_scores_of_the_hold_out_are_called_so_and_have_no_columns_that_were_not_measured() -> None:
    measured = Measurement(source="holdout", scores={"core": {"dice": Score(0.47, None, None, 2)}})
    text = card_text(replace(FACTS, measurement=measured))
    assert f"**{TOO_FEW}**" in text.partition("## ")[0]
    said = section(text, "How good it is")
    assert "Dice on the hold-out of the training" in said
    assert "| Label or region | Dice | n | failed |" in said
    assert "| core | 0.470 (no interval) | 2 | 0 |" in said
    assert "too few patients" in said
    assert "HD95" not in said


def test_groups_have_a_row_each() -> None:
    said = section(card_text(FACTS), "By group")
    assert "By scanner:" in said
    assert "| core | A | 20 | 0.800 (0.700 to 0.900) | 2.00 (1.00 to 3.00) |" in said
    assert "| core | B | 3 | 0.950 (no interval) | – |" in said


def test_where_it_fails_has_the_words_of_its_makers_and_the_worst_studies_by_rank() -> None:
    said = section(card_text(FACTS), "Where it fails")
    assert said.index("- Whole heads.") < said.index("### Worst studies")
    assert "- *Old* scans." in said
    assert "| Study 1 | 0.000 | no usable result |" in said
    assert "![Study 1: image, reference, prediction and difference](gallery/1-worst.png)" in said
    assert (
        "![Study 22 (median, to compare): image, reference, prediction and difference](gallery/22-median.png)" in said
    )


def test_why_there_are_no_pictures_is_said() -> None:
    worst = tuple(replace(one, picture="") for one in MEASURED.worst)
    measured = replace(MEASURED, worst=worst, no_pictures="the scans are away.")
    said = section(card_text(replace(FACTS, measurement=measured)), "Where it fails")
    assert "No pictures: the scans are away." in said
    assert "![" not in said


def test_a_model_of_which_no_failure_is_known_is_not_called_faultless() -> None:
    said = section(card_text(replace(FACTS, page="", measurement=None)), "Where it fails")
    assert "does not mean that it does not fail" in said

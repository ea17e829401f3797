import re
from dataclasses import replace

import pytest

from medseg.bundle.card_facts import CardFacts, Part, Training
from medseg.bundle.card_results import MAYBE_SEEN
from medseg.bundle.model_card import PHANTOM, RESEARCH_ONLY, card_text
from tests.bundle.card_examples import FACTS, MEASURED, TRAINING, hostile, section

CODE = r"(?<!\\)`[^`\n]*`"


def test_a_card_has_its_sections_in_the_order_in_which_they_are_read() -> None:
    assert re.findall(r"^## (.+)$", card_text(FACTS), re.MULTILINE) == [
        "Intended use",
        "Not for",
        "Input it was made for",
        "Data and training",
        "How good it is",
        "By group",
        "Where it fails",
        "Other forms of the network",
        "Check it on site",
        "Use it",
        "Files",
    ]


def test_it_opens_with_what_the_model_does_and_who_answers_for_it() -> None:
    opening = card_text(FACTS).partition("## ")[0]
    assert opening.startswith("# tiny 1.2.0\n\nA network that outlines cores.\n")
    for row in (
        "| Input | one T1 volume |",
        "| Output | 7 core |",
        "| Network | a U-Net of two levels |",
        "| Window | 16 x 16 x 16 voxels |",
        "| Version | 1.2.0, packaged on 2031-05-05 |",
        "| Authors | A. Author |",
        "| Contact | radiology@example.org |",
        "| Licence | Apache-2.0 (`LICENSE`) |",
        f"| Weights | SHA-256 `{'ef' * 32}` |",
    ):
        assert row in opening.splitlines()


def test_without_a_page_input_and_network_come_from_the_metadata() -> None:
    opening = card_text(replace(FACTS, page=""))
    assert "\nOutlines cores\n" in opening
    assert "| Input | t1, t2 (MR) |" in opening
    assert "| Network | A U-Net |" in opening


def test_unless_told_otherwise_it_is_for_research_only() -> None:
    said = section(card_text(FACTS), "Intended use")
    assert f"**{RESEARCH_ONLY}**" in said
    assert "Research on cores." in said
    assert "without a qualified reader" in section(card_text(FACTS), "Not for")


def test_a_stated_use_takes_the_place_of_research_only() -> None:
    text = card_text(replace(FACTS, intended_use="Triage of strokes\n\nat night."))
    assert "> Triage of strokes at night." in section(text, "Intended use")
    assert RESEARCH_ONLY not in text


@pytest.mark.parametrize(
    ("facts", "warning"),
    [
        (replace(FACTS, measurement=replace(MEASURED, maybe_seen=True)), MAYBE_SEEN),
        (replace(FACTS, training=replace(TRAINING, phantom=True)), PHANTOM),
    ],
)
def test_what_a_reader_must_not_miss_stands_at_the_top(facts: CardFacts, warning: str) -> None:
    assert f"**{warning}**" in card_text(facts).partition("## ")[0]
    assert warning not in card_text(FACTS)


def test_limits_of_scans_are_a_table_and_what_has_no_limit_for_the_network_is_left_out() -> None:
    said = section(card_text(FACTS), "Input it was made for")
    assert "165 studies of 121 patients" in said
    assert "| Voxel size, mm, left to right | 1 to 1.2 | 0.9 to 1.3 | 0.5 to 2.4 |" in said
    assert "| 0.3 to 0.6 | 0.25 to 0.65 | – |" in said
    assert "middle intensity |" not in said
    assert "| Result: core, ml | 1.2 to 2.4 | 0.9 to 3 | – |" in said
    assert "RAS, LPS; others give the same result" in said
    assert section(card_text(replace(FACTS, validity=None)), "Input it was made for") == ""


def test_data_and_training_are_told_in_numbers() -> None:
    said = section(card_text(FACTS), "Data and training")
    for row in (
        f"| Data | Task04_Hippocampus, SHA-256 `{'cd' * 32}` |",
        "| Bundle made for | Some collection |",
        "| Trained on | 148 studies of 109 patients |",
        "| Weights chosen by (validation) | 17 studies of 12 patients |",
        "| Held out | 43 studies |",
        "| Split | by patient, by chance (seed 0); fold 0 of 5 is held out |",
        "| Training | begun on 2031-05-01, 45 min, 445 epochs (weights of epoch 50), 4447 steps, cuda:0, bf16, stopped "
        "early, since it no longer gained |",
        "| Commit of medseg | `da51706` |",
        "| MLflow run | `c8555af` |",
    ):
        assert row in said.splitlines()


@pytest.mark.parametrize("training", [None, Training(parts=(Part("train", 3),))])
def test_what_no_one_says_of_the_training_is_said_to_be_unknown(training: Training | None) -> None:
    assert "What was packaged came without a record of its training" in section(
        card_text(replace(FACTS, training=training)), "Data and training"
    )


def test_a_training_of_everyone_held_no_one_out() -> None:
    said = section(card_text(replace(FACTS, training=replace(TRAINING, fold="all"))), "Data and training")
    assert "no one was held out" in said


def test_exports_and_int8_have_their_measured_numbers() -> None:
    said = section(card_text(FACTS), "Other forms of the network")
    assert "| `models/model.onnx` | 5.6 MiB | 1.2e−05 | 1.0000 |" in said
    assert "0.27 of the size in fp32; on the machine that packaged it 0.61 of the time in fp32 and 0.90" in said
    assert "calibrated on 48 studies" in said
    assert "with those in fp32, on 16 studies:" in said
    assert "| core | 0.9951 | 0.9873 |" in said
    assert "the lowest of a label is 0.9700." in said
    assert section(card_text(replace(FACTS, exports=(), quantised=None)), "Other forms of the network") == ""


def test_the_check_on_site_asks_for_what_the_package_has() -> None:
    assert "medseg.verify --bundle BUNDLE --key KEY.pub --golden" in card_text(FACTS)
    plain_one = section(card_text(replace(FACTS, signed=False, files=("LICENSE",))), "Check it on site")
    assert "    python -m medseg.verify --bundle BUNDLE\n" in plain_one
    assert "golden" not in plain_one


def test_it_says_how_to_run_it_with_medseg_and_with_monai_alone() -> None:
    said = section(card_text(FACTS), "Use it")
    assert "python -m medseg.infer --bundle BUNDLE" in said
    assert "python -m monai.bundle run --config_file configs/inference.yaml" in said
    assert "`nibabel`, `fire`" in said


def test_each_file_is_listed_and_each_folder_once() -> None:
    said = section(card_text(FACTS), "Files")
    assert said.index("`LICENSE`") < said.index("`configs/inference.yaml`") < said.index("`docs/gallery/`")
    assert "| `other.bin` |  |" in said
    assert "1-worst" not in said


def test_the_same_facts_give_the_same_text_and_one_newline_at_the_end() -> None:
    assert card_text(FACTS) == card_text(FACTS)
    assert card_text(FACTS).endswith("|\n")


def test_a_card_that_is_packaged_again_keeps_the_words_of_its_makers_and_nothing_that_was_measured() -> None:
    first = card_text(FACTS)
    second = card_text(replace(FACTS, page=first))
    assert second == first
    unmeasured = card_text(replace(FACTS, page=first, measurement=None))
    assert "- Whole heads." in unmeasured
    assert "### Worst studies" not in unmeasured


def test_no_foreign_text_makes_html_a_picture_a_heading_or_a_table_cell() -> None:
    text = card_text(hostile())
    outside_code = re.sub(CODE, "", text)
    assert "<" not in outside_code
    assert "<script>" not in text
    assert not re.search(r"(?<!\\)!\[|(?<!\\)\]\((?!gallery/)", outside_code)
    own = {f"## {title}" for title in re.findall(r"^## (.+)$", card_text(FACTS), re.MULTILINE)}
    assert {line for line in text.splitlines() if line.startswith("## ")} <= own
    assert all(sign.isprintable() or sign == "\n" for sign in text)
    for rows in re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", re.sub(CODE, "", row))) for row in rows.splitlines()}
        assert len(widths) == 1, rows

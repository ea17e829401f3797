from typing import Any

import pytest

from medseg.bundle.inspection_card import card_of


def test_a_card_of_medseg_is_told_in_words(metadata: dict[str, Any]) -> None:
    metadata["eval_metrics"] = {"core": {"dice": {"mean": 0.9, "ci95": [0.8, 0.95], "n": 7, "failed": 0}}}
    card = card_of(metadata)
    assert card["channels"] == "0 t1"
    assert card["classes"] == "0 background, 1 core, 2 rim"
    assert card["measured"] == "core Dice 0.900 (0.800 to 0.950, n = 7)"
    assert card["made with"] == "MONAI 1.6.1, PyTorch 2.13.0, NumPy 2.4.6"


def test_a_card_of_the_model_zoo_is_told_in_words() -> None:
    card = card_of(
        {
            "monai_version": "0.9.0",
            "optional_packages_version": {"nibabel": "3.2.1"},
            "label_classes": ["background", "spleen"],
            "eval_metrics": {"mean_dice": 0.96},
            "network_data_format": {
                "inputs": {"image": {"channel_def": {"0": "CT"}}, "points": {"channel_def": {"0": "x"}}},
                "outputs": {"pred": {}},
            },
        }
    )
    assert card == {
        "labels": "background, spleen",
        "channels": "image: 0 CT; points: 0 x",
        "measured": "mean_dice 0.96",
        "made with": "MONAI 0.9.0, nibabel 3.2.1",
    }


@pytest.mark.parametrize("metadata", [None, [], "text", {}, {"task": None, "network_data_format": 5}])
def test_what_says_nothing_gives_an_empty_card(metadata: Any) -> None:
    assert card_of(metadata) == {}


@pytest.mark.parametrize(
    "metrics",
    [
        [1, 2],
        "good",
        {"a": {"dice": {"mean": 10**399, "ci95": [1, 2], "n": 1}}},
        {"a": {"dice": {"mean": "x", "ci95": [1, 2], "n": 1}}},
        {"a": {"dice": 5}},
    ],
)
def test_results_that_are_none_are_told_as_they_stand(metrics: Any) -> None:
    assert card_of({"eval_metrics": metrics})["measured"]

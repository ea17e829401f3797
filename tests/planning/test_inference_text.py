from collections.abc import Callable
from typing import Any

import pytest
import yaml

from medseg.planning.fingerprint import Fingerprint
from medseg.planning.inference_text import candidates_in_words, inference_text, label_list
from medseg.planning.plan import Plan

Print = Callable[..., Fingerprint]
Planned = Callable[..., Plan]


@pytest.fixture
def text(planned: Planned, fingerprint: Print) -> Callable[..., dict[str, Any]]:
    return lambda **data: yaml.safe_load(inference_text(planned(fingerprint(**data))))


def steps(part: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {step["_target_"].rpartition(".")[2]: step for step in part["transforms"]}


def test_images_are_placed_and_normalised_before_the_network(text: Callable[..., dict[str, Any]]) -> None:
    found = steps(text()["preprocessing"])
    assert list(found) == ["LoadImaged", "Orientationd", "Spacingd", "NormalizeIntensityd"]
    assert found["Spacingd"]["pixdim"] == [1.0, 1.0, 1.0]


def test_what_is_masked_is_cut_off_and_left_out_of_the_mean(text: Callable[..., dict[str, Any]]) -> None:
    found = steps(text(study={"zero_share": 0.8})["preprocessing"])
    assert "CropForegroundd" in found
    assert found["NormalizeIntensityd"]["nonzero"] is True


def test_pictures_have_no_directions_and_no_spacing(text: Callable[..., dict[str, Any]]) -> None:
    found = text(study={"shape": (256, 256, 1), "box": (256, 256, 1)}, modality="microscopy", pictures=True)
    assert list(steps(found["preprocessing"])) == ["LoadImaged", "NormalizeIntensityd"]
    assert found["inferer"]["_target_"] == "monai.inferers.SlidingWindowInferer"
    assert steps(found["postprocessing"])["SaveImaged"]["output_ext"] == ".png"


def test_volumes_of_one_slice_are_segmented_along_their_thin_axis(text: Callable[..., dict[str, Any]]) -> None:
    found = text(study={"shape": (1, 128, 96), "box": (1, 128, 96)})
    assert found["inferer"]["_target_"] == "monai.inferers.SliceInferer"
    assert found["inferer"]["spatial_dim"] == 0
    assert found["inferer"]["roi_size"] == [128, 96]
    assert steps(found["preprocessing"])["Spacingd"]["pixdim"][0] == -1.0


def test_the_window_is_the_training_patch(planned: Planned, text: Callable[..., dict[str, Any]]) -> None:
    assert text()["inferer"]["roi_size"] == list(planned().fit.patch)


def test_values_that_are_no_classes_are_mapped(text: Callable[..., dict[str, Any]]) -> None:
    mapped = steps(text(labels={2: "a", 7: "b"})["postprocessing"])["MapLabelValued"]
    assert (mapped["orig_labels"], mapped["target_labels"]) == ([0, 1, 2], [0, 2, 7])
    assert "MapLabelValued" not in steps(text()["postprocessing"])


def test_candidates_of_postprocessing_are_told_with_what_was_counted(planned: Planned, fingerprint: Print) -> None:
    plan = planned(fingerprint(labels={1: "head", 9: "never seen"}))
    assert list(candidates_in_words(plan)) == [
        "head: one connected part in 100% of 30 studies: keep the largest part",
        "never_seen: one connected part in 0% of 0 studies: keep every part",
    ]
    assert label_list(plan) == "1 head, 9 never_seen"

import copy
from typing import Any

import pytest

from medseg.bundle.metadata import metadata_faults
from medseg.bundle.packaged_metadata import packaged_metadata, results_of_holdout, version_of_package
from medseg.bundle.results import results_in_words
from medseg.core.errors import BundleError, UsageError

TENSOR = {"type": "image", "format": "magnitude", "num_channels": 1, "spatial_shape": ["2*n", "2*n", "2*n"]}
TENSOR |= {"dtype": "float32", "value_range": [0, 1], "is_patch_data": True, "channel_def": {"0": "t1"}}
METADATA: dict[str, Any] = {
    "name": "tiny",
    "version": "0.1.0",
    "changelog": {"0.1.0": "first"},
    "monai_version": "1.5.0",
    "pytorch_version": "2.8.0",
    "numpy_version": "1.26.0",
    "required_packages_version": {"nibabel": "5.4.2"},
    "task": "a test",
    "description": "a test",
    "authors": "nobody",
    "copyright": "nobody",
    "eval_metrics": {"core": {"dice": {"mean": 0.5, "ci95": [0.4, 0.6], "n": 3, "failed": 0}}},
    "network_data_format": {"inputs": {"image": TENSOR}, "outputs": {"pred": TENSOR}},
}
HERE = {"monai": "1.6.1", "torch": "2.13.0+cpu", "numpy": "2.4.6", "python": "3.11.7"}


def packaged(**changes: Any) -> dict[str, Any]:
    return packaged_metadata(METADATA, **{"version": "1.2.0", "change": "for a hospital", "versions": HERE} | changes)


def test_version_and_changelog_are_those_of_the_package_and_the_newest_comes_first() -> None:
    found = packaged()
    assert found["version"] == "1.2.0"
    assert list(found["changelog"].items()) == [("1.2.0", "for a hospital"), ("0.1.0", "first")]
    assert metadata_faults(found) == []


def test_a_line_of_the_same_version_stays_behind_the_new_one() -> None:
    assert packaged(version="0.1.0", change="two\nlines")["changelog"] == {"0.1.0": "two lines; first"}


def test_versions_are_those_of_the_environment_without_the_build() -> None:
    found = packaged()
    assert (found["monai_version"], found["pytorch_version"], found["numpy_version"]) == ("1.6.1", "2.13.0", "2.4.6")
    assert found["required_packages_version"] == {"nibabel": "5.4.2"}


def test_results_are_replaced_where_there_are_new_ones_and_else_stay() -> None:
    assert packaged()["eval_metrics"] == METADATA["eval_metrics"]
    assert packaged(results={"core": {}})["eval_metrics"] == {"core": {}}
    assert packaged(results={})["eval_metrics"] == {}


def test_the_use_is_as_given_else_as_the_bundle_says_else_research() -> None:
    assert packaged(intended_use=" Triage of strokes. ")["intended_use"] == "Triage of strokes."
    assert packaged()["intended_use"].startswith("For research only")
    before = {**METADATA, "intended_use": "Research on strokes."}
    found = packaged_metadata(before, version="1", change="x", versions=HERE)
    assert found["intended_use"] == "Research on strokes."


def test_nothing_of_what_was_given_is_changed() -> None:
    before = copy.deepcopy(METADATA)
    packaged()
    assert before == METADATA


def test_every_fault_of_the_result_is_told_at_once() -> None:
    broken = {key: value for key, value in METADATA.items() if key not in ("task", "authors")}
    with pytest.raises(BundleError, match="2 faults") as caught:
        packaged_metadata(broken, version="1.2.0", change="x", versions=HERE)
    assert "task: missing" in str(caught.value)
    assert "authors: missing" in str(caught.value)


@pytest.mark.parametrize(
    ("output", "version"),
    [
        ("tiny-1.2.0.zip", "1.2.0"),
        ("tiny_v1.2.0.zip", "1.2.0"),
        ("tiny-1.2.0", "1.2.0"),
        ("tiny-2.0-rc1.zip", "2.0-rc1"),
        ("tiny.zip", "0.1.0"),
        ("tiny-hospital.zip", "0.1.0"),
        ("other-1.2.0.zip", "0.1.0"),
        ("1.2.0.zip", "0.1.0"),
        ("tiny2-1.2.0.zip", "0.1.0"),
    ],
)
def test_the_name_of_the_output_says_the_version_where_it_follows_the_bundle(output: str, version: str) -> None:
    assert version_of_package(given=None, output=output, bundle_name="tiny", own="0.1.0") == version


def test_a_given_version_wins_over_that_of_the_bundle() -> None:
    assert version_of_package(given="3.0", output="out.zip", bundle_name="tiny", own="0.1.0") == "3.0"


def test_two_versions_that_differ_are_refused() -> None:
    with pytest.raises(UsageError, match=r"--version 3\.0.*says 1\.2\.0"):
        version_of_package(given="3.0", output="tiny-1.2.0.zip", bundle_name="tiny", own="0.1.0")


@pytest.mark.parametrize("given", ["", "latest", "1.2/3", "../1", "1 2", "1." + "0" * 60])
def test_what_is_no_version_is_refused(given: str) -> None:
    with pytest.raises(UsageError, match="no version"):
        version_of_package(given=given, output="out.zip", bundle_name="tiny", own="0.1.0")


def test_the_hold_out_of_a_training_says_dice_and_where_it_was_measured() -> None:
    holdout = {
        "WT": {"mean": 0.47, "low": None, "high": None, "n": 2},
        "ET": {"mean": None, "low": None, "high": None, "n": 0},
    }
    found = results_of_holdout(holdout)
    assert found["WT"] == {"dice": {"mean": 0.47, "ci95": [None, None], "n": 2, "failed": 0}}
    assert results_in_words(found) == "WT Dice 0.470 (n = 2), measured_on the hold-out of the training"
    assert results_of_holdout({"ET": holdout["ET"]}) == {}

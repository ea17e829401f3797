"""Which bundles may segment together: in what they may differ, and in what they may not."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from medseg.bundle.agreement import averaging_faults, disagreements
from medseg.bundle.read import Bundle, read_bundle

Values = dict[str, dict[str, Any]]
Change = Callable[[Values], None]


@pytest.fixture
def changed(
    write_bundle: Callable[..., Path], metadata: dict[str, Any], inference: dict[str, Any], evaluate: dict[str, Any]
) -> Callable[[str, Change], Bundle]:
    """The tiny bundle with one change to its parsed files."""

    def make(name: str, change: Change) -> Bundle:
        files = copy.deepcopy({"metadata": metadata, "inference": inference, "evaluate": evaluate})
        change(files)
        return read_bundle(write_bundle(name, **files))

    return make


def _as_it_is(files: Values) -> None:
    pass


def _other_name(files: Values) -> None:
    files["metadata"] |= {"name": "another", "version": "9"}


def _other_network(files: Values) -> None:
    files["inference"]["network_def"]["channels"] = [8, 16]


def _other_window(files: Values) -> None:
    files["inference"]["inferer"] |= {"roi_size": [32, 32, 32], "overlap": 0.25}


def _other_writer(files: Values) -> None:
    files["inference"]["postprocessing"]["transforms"][-1]["output_dir"] = "./elsewhere"


def _same_by_reference(files: Values) -> None:
    files["inference"]["codes"] = "RAS"
    files["inference"]["preprocessing"]["transforms"][1]["axcodes"] = "@codes"


@pytest.mark.parametrize(
    "change", [_as_it_is, _other_name, _other_network, _other_window, _other_writer, _same_by_reference]
)
def test_name_network_window_and_writing_may_differ(change: Change, changed: Callable[[str, Change], Bundle]) -> None:
    assert disagreements({"A": changed("one", _as_it_is), "B": changed("two", change)}) == []


def _other_channel(files: Values) -> None:
    files["metadata"]["network_data_format"]["inputs"]["image"]["channel_def"] = {"0": "flair"}


def _other_value(files: Values) -> None:
    files["evaluate"]["labels"]["rim"]["value"] = 2


def _other_region(files: Values) -> None:
    files["evaluate"]["regions"] = {"whole": ["rim"]}


def _other_spacing(files: Values) -> None:
    spacing = {"_target_": "monai.transforms.Spacingd", "keys": ["image"], "pixdim": [1.0, 1.0, 2.0]}
    files["inference"]["preprocessing"]["transforms"].insert(2, spacing)


def _other_normalisation(files: Values) -> None:
    files["inference"]["preprocessing"]["transforms"][2]["nonzero"] = True


def _a_step_more(files: Values) -> None:
    step = {"_target_": "monai.transforms.FillHolesd", "keys": ["pred"], "applied_labels": [1]}
    files["inference"]["postprocessing"]["transforms"].insert(3, step)


def _pictures(files: Values) -> None:
    files["inference"]["preprocessing"]["transforms"][0]["reader"] = "PILReader"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_other_channel, "channels: t1 and flair ('A' and 'B')"),
        (_other_value, "labels: 1 core, 7 rim and 1 core, 2 rim ('A' and 'B')"),
        (_other_region, "regions: whole = core + rim and whole = rim ('A' and 'B')"),
        (
            _other_spacing,
            "preprocessing: transform 2 is NormalizeIntensityd() in one and Spacingd(pixdim=[1.0, 1.0, 2.0]) in the "
            "other ('A' and 'B')",
        ),
        (
            _other_normalisation,
            "preprocessing: transform 2 is NormalizeIntensityd() in one and NormalizeIntensityd(nonzero=True) in the "
            "other ('A' and 'B')",
        ),
        (
            _a_step_more,
            "postprocessing: transform 4 is absent in one and FillHolesd(applied_labels=[1]) in the other "
            "('A' and 'B')",
        ),
        (_pictures, "input: volumes and pictures ('A' and 'B')"),
    ],
)
def test_what_may_not_differ_is_named_with_both_values(
    change: Change, says: str, changed: Callable[[str, Change], Bundle]
) -> None:
    assert disagreements({"A": changed("one", _as_it_is), "B": changed("two", change)}) == [says]


def test_every_difference_of_every_bundle_is_named(changed: Callable[[str, Change], Bundle]) -> None:
    def much(files: Values) -> None:
        _other_channel(files)
        _other_value(files)

    bundles = {"A": changed("one", _as_it_is), "B": changed("two", much), "C": changed("three", _other_region)}
    named = [said.split(":")[0] for said in disagreements(bundles)]
    assert named == ["channels", "labels", "regions"]


def test_one_bundle_agrees_with_itself(changed: Callable[[str, Change], Bundle]) -> None:
    assert disagreements({"A": changed("one", _as_it_is)}) == []


def test_probabilities_that_need_not_add_up_to_one_are_not_averaged(
    changed: Callable[[str, Change], Bundle],
) -> None:
    def sigmoid(files: Values) -> None:
        files["inference"]["postprocessing"]["transforms"][0] = {
            "_target_": "monai.transforms.Activationsd",
            "keys": ["pred"],
            "sigmoid": True,
        }

    assert averaging_faults(changed("one", _as_it_is)) == []
    (fault,) = averaging_faults(changed("two", sigmoid))
    assert fault.startswith("postprocessing.transforms.0: sigmoid is not softmax")

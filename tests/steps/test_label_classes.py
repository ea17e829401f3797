"""Which written value or segment is which class: the set's own, a dataset's, or a name whatever its spelling."""

import pickle
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from label_files import nifti

from medseg.core.errors import DatalistError
from medseg.core.labels import Label, LabelSet
from medseg.steps.label_classes import Labels, labels_of
from medseg.steps.label_maps import Kind, LabelFile, LabelMaps, find_label_maps

TUMOUR = LabelSet(
    (Label("NCR", 1, ("necrosis",)), Label("ED", 2, ("edema",)), Label("ET", 4, ("enhancing tumor",))),
    {"WT": ("NCR", "ED", "ET"), "TC": ("NCR", "ET"), "ET": ("ET",)},
)
SINCE_2023 = {1: "NCR", 2: "ED", 3: "ET"}
DECATHLON = {1: "edema", 2: "necrosis", 3: "enhancing tumor"}  # the same tissues under other numbers


def maps(
    kind: Kind = "nifti",
    names: Mapping[int, str] | None = None,
    written: tuple[int, ...] | None = None,
    recorded: Mapping[int, str] | None = None,
) -> LabelMaps:
    file = LabelFile("P1", Path("P1"), kind, "P1", written=written, names=recorded)
    return LabelMaps(Path("root"), "folder of label maps", {"P1": file}, names)


def test_regions_are_scored_first_then_labels_that_are_no_region() -> None:
    labels = labels_of(maps(), maps(), TUMOUR)
    assert list(labels.values.items()) == [
        ("WT", (1, 2, 3)),
        ("TC", (1, 3)),
        ("ET", (3,)),
        ("NCR", (1,)),
        ("ED", (2,)),
    ]
    assert labels.names == {1: "NCR", 2: "ED", 3: "ET"}
    assert pickle.loads(pickle.dumps(labels)) == labels


def test_without_declared_names_both_sides_use_the_sets_own_values() -> None:
    labels = labels_of(maps(), maps(), TUMOUR)
    assert labels.of_reference() == labels.of_prediction() == {0: 0, 1: 1, 2: 2, 4: 3}


def test_references_of_a_dataset_are_read_by_its_names() -> None:
    assert labels_of(maps(), maps(names=SINCE_2023), TUMOUR).of_reference() == {0: 0, 1: 1, 2: 2, 3: 3}
    assert Labels(TUMOUR, DECATHLON).of_reference() == {0: 0, 1: 2, 2: 1, 3: 3}


def test_a_prediction_may_follow_the_data_or_the_bundle_where_they_do_not_contradict() -> None:
    labels = labels_of(maps(), maps(names=SINCE_2023), TUMOUR)
    assert labels.of_prediction() == {0: 0, 1: 1, 2: 2, 3: 3, 4: 3}


@pytest.mark.parametrize("written", [None, (1, 2)])
def test_a_prediction_that_may_mean_two_things_is_refused_with_both_readings(written: tuple[int, ...] | None) -> None:
    with pytest.raises(DatalistError, match="nothing tells") as caught:
        labels_of(maps(written=written), maps(names=DECATHLON), TUMOUR)
    said = str(caught.value)
    assert "mean 1 NCR, 2 ED, 4 ET, as --bundle or --labels says, or 1 ED, 2 NCR, 3 ET, as the references do" in said
    assert "give --labels FILE with these values" in said
    assert 'a dataset.json with {"labels": {"NCR": 1, "ED": 2, "ET": 4}} beside the predictions' in said


def test_both_remedies_of_a_prediction_that_may_mean_two_things_help() -> None:
    as_data = LabelSet(
        (Label("ED", 1, ("edema",)), Label("NCR", 2, ("necrosis",)), Label("ET", 3, ("enhancing tumor",)))
    )
    assert labels_of(maps(), maps(names=DECATHLON), as_data).of_prediction() == {0: 0, 1: 1, 2: 2, 3: 3}
    ours = maps(names={1: "NCR", 2: "ED", 4: "ET"})
    assert labels_of(ours, maps(names=DECATHLON), TUMOUR).of_prediction() == {0: 0, 1: 1, 2: 2, 4: 3}


def test_many_predictions_of_two_readings_are_one_fault() -> None:
    files = {study: LabelFile(study, Path(study), "nifti", study) for study in ("P1", "P2", "P3")}
    with pytest.raises(DatalistError, match="Labels: 1 fault\n"):
        labels_of(replace(maps(), files=files), maps(names=DECATHLON), TUMOUR)


def test_segs_among_the_predictions_have_names_and_one_reading() -> None:
    predictions = maps("seg")
    labels = labels_of(predictions, maps(names=DECATHLON), TUMOUR)
    assert labels.of_prediction(predictions.files["P1"]) == {0: 0}


def test_names_that_the_inference_recorded_decide() -> None:
    for recorded, expected in (
        ({1: "NCR", 2: "ED", 4: "ET"}, {0: 0, 1: 1, 2: 2, 4: 3}),
        ({1: "ED", 2: "NCR", 3: "ET"}, {0: 0, 1: 2, 2: 1, 3: 3}),
    ):
        for references in (maps(), maps(names=DECATHLON)):
            predictions = maps(written=(1, 2), recorded=recorded)
            labels = labels_of(predictions, references, TUMOUR)
            assert labels.of_prediction(predictions.files["P1"]) == expected


def test_a_recorded_name_that_no_one_else_knows_is_refused_unless_labels_are_numbers(tmp_path: Path) -> None:
    predictions = maps(recorded={1: "liver"})
    with pytest.raises(DatalistError, match=r"run.json: the data calls label 1 'liver'.*Name the labels with --labels"):
        labels_of(predictions, maps(names=SINCE_2023), None)
    nifti(tmp_path / "P1.nii.gz")
    labels = labels_of(predictions, find_label_maps(tmp_path), None)
    assert labels.of_prediction(predictions.files["P1"]) == {0: 0, 1: 1, 2: 2, 4: 3}


def test_what_is_wrong_with_the_references_is_not_said_of_the_predictions() -> None:
    with pytest.raises(DatalistError, match="1 fault") as caught:
        labels_of(replace(maps(), root=Path("ours")), maps(names={1: "lung"}), TUMOUR)
    assert "ours" not in str(caught.value)


@pytest.mark.parametrize(
    ("written", "expected"),
    [((1, 2, 4), {0: 0, 1: 1, 2: 2, 4: 3}), ((1, 2, 3), {0: 0, 1: 2, 2: 1, 3: 3})],
)
def test_what_the_inference_says_it_writes_decides(written: tuple[int, ...], expected: dict[int, int]) -> None:
    predictions = maps(written=written)
    labels = labels_of(predictions, maps(names=DECATHLON), TUMOUR)
    assert labels.of_prediction(predictions.files["P1"]) == expected


def test_a_label_that_the_data_do_not_name_keeps_the_bundles_value_in_predictions() -> None:
    labels = labels_of(maps(), maps(names={1: "NCR", 2: "ED"}), TUMOUR)
    assert labels.of_reference() == {0: 0, 1: 1, 2: 2}
    assert labels.of_prediction() == {0: 0, 1: 1, 2: 2, 4: 3}


def test_predictions_that_name_their_labels_are_read_by_these_names() -> None:
    labels = labels_of(maps(names=DECATHLON), maps(names=SINCE_2023), TUMOUR)
    assert labels.of_prediction() == {0: 0, 1: 2, 2: 1, 3: 3}
    assert labels.of_reference() == {0: 0, 1: 1, 2: 2, 3: 3}


def test_without_a_label_set_declared_names_are_the_labels() -> None:
    for predictions, references in ((maps(), maps(names=SINCE_2023)), (maps(names=SINCE_2023), maps())):
        labels = labels_of(predictions, references, None)
        assert labels.values == {"NCR": (1,), "ED": (2,), "ET": (3,)}
        assert labels.of_reference() == labels.of_prediction() == {0: 0, 1: 1, 2: 2, 3: 3}


def test_names_that_the_label_set_does_not_know_are_told_for_both_sides_at_once() -> None:
    with pytest.raises(DatalistError, match="2 faults") as caught:
        labels_of(
            replace(maps(names={1: "liver"}), root=Path("ours")),
            replace(maps(names={1: "lung"}), root=Path("theirs")),
            TUMOUR,
        )
    assert "'ours': the data calls label 1 'liver'" in str(caught.value)
    assert "'theirs': the data calls label 1 'lung'" in str(caught.value)


def test_a_region_with_the_name_of_another_label_is_refused() -> None:
    with pytest.raises(DatalistError, match="'ED' is a label and also a region of NCR, ET"):
        labels_of(maps(), maps(), replace(TUMOUR, regions={"ED": ("NCR", "ET")}))


@pytest.mark.parametrize("kinds", [("nifti", "seg"), ("seg", "nifti")])
def test_numbers_and_named_segments_need_a_label_set(kinds: tuple[Kind, Kind]) -> None:
    predictions, references = map(maps, kinds)
    with pytest.raises(DatalistError, match=r"nothing tells which is which. Name the labels with --labels FILE"):
        labels_of(predictions, references, None)
    assert labels_of(predictions, references, TUMOUR).label_set == TUMOUR
    named = replace(references, label_names=SINCE_2023)
    assert labels_of(predictions, named, None).names == {1: "NCR", 2: "ED", 3: "ET"}


def test_segments_are_known_by_name_and_alias_in_any_spelling() -> None:
    labels = Labels(TUMOUR)
    assert labels.of_segments({1: "ncr", 2: "Edema", 7: "Enhancing-Tumor"}) == {1: 1, 2: 2, 7: 3}
    assert labels.of_segments({3: "Necrosis", 4: "NCR"}) == {3: 1, 4: 1}  # two lesions of one kind


def test_segments_of_regions_are_left_out_where_their_labels_are_there() -> None:
    labels = Labels(TUMOUR)
    assert labels.of_segments({1: "NCR", 2: "ED", 3: "ET", 4: "WT", 5: "tc"}) == {1: 1, 2: 2, 3: 3}
    with pytest.raises(DatalistError, match="segment 'WT' is a region of labels, and there is no segment of NCR, ED"):
        labels.of_segments({1: "WT", 2: "ET"})


def test_a_region_of_one_label_is_that_label() -> None:
    labels = Labels(LabelSet((Label("liver", 1), Label("mass", 2)), {"tumour": ("mass",)}))
    assert labels.of_segments({1: "tumour"}) == {1: 2}


def test_an_unknown_segment_is_named_with_the_known_ones() -> None:
    with pytest.raises(DatalistError, match=r"segment 'cyst' is not known; known are NCR, ED, ET, WT, TC\."):
        Labels(TUMOUR).of_segments({1: "cyst"})

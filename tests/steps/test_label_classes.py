"""Which written value or segment is which class: the set's own, a dataset's, or a name whatever its spelling."""

import pickle
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from medseg.core.errors import DatalistError
from medseg.core.labels import Label, LabelSet
from medseg.steps.label_classes import Labels, labels_of
from medseg.steps.label_maps import Kind, LabelFile, LabelMaps

TUMOUR = LabelSet(
    (Label("NCR", 1, ("necrosis",)), Label("ED", 2, ("edema",)), Label("ET", 4, ("enhancing tumor",))),
    {"WT": ("NCR", "ED", "ET"), "TC": ("NCR", "ET"), "ET": ("ET",)},
)
SINCE_2023 = {1: "NCR", 2: "ED", 3: "ET"}
DECATHLON = {1: "edema", 2: "necrosis", 3: "enhancing tumor"}  # the same tissues under other numbers


def maps(
    kind: Kind = "nifti", names: Mapping[int, str] | None = None, written: tuple[int, ...] | None = None
) -> LabelMaps:
    file = LabelFile("P1", Path("P1"), kind, "P1", written=written)
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
    assert labels_of(maps(), maps(names=DECATHLON), TUMOUR).of_reference() == {0: 0, 1: 2, 2: 1, 3: 3}


def test_a_prediction_may_follow_the_data_or_the_bundle_where_they_do_not_contradict() -> None:
    labels = labels_of(maps(), maps(names=SINCE_2023), TUMOUR)
    assert labels.of_prediction() == {0: 0, 1: 1, 2: 2, 3: 3, 4: 3}
    assert labels.notes == ()


def test_a_prediction_follows_the_data_where_its_values_contradict_the_bundles_and_a_note_says_so() -> None:
    labels = labels_of(maps(), maps(names=DECATHLON), TUMOUR)
    assert labels.of_prediction() == {0: 0, 1: 2, 2: 1, 3: 3}
    assert labels.notes == (
        "values of the predictions are read as the references declare theirs: 1 edema, 2 necrosis, 3 enhancing tumor",
    )


@pytest.mark.parametrize(
    ("written", "expected"),
    [((1, 2, 4), {0: 0, 1: 1, 2: 2, 4: 3}), ((1, 2, 3), {0: 0, 1: 2, 2: 1, 3: 3})],
)
def test_what_the_inference_says_it_writes_decides(written: tuple[int, ...], expected: dict[int, int]) -> None:
    predictions = maps(written=written)
    labels = labels_of(predictions, maps(names=DECATHLON), TUMOUR)
    assert labels.of_prediction(predictions.files["P1"]) == expected
    assert labels.notes == ()


def test_a_label_that_the_data_do_not_name_keeps_the_bundles_value_in_predictions() -> None:
    labels = labels_of(maps(), maps(names={2: "NCR", 1: "ED"}), TUMOUR)
    assert labels.of_reference() == {0: 0, 1: 2, 2: 1}
    assert labels.of_prediction() == {0: 0, 1: 2, 2: 1, 4: 3}


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

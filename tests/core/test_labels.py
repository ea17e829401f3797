import numpy as np
import pytest

from medseg.core.errors import DatalistError
from medseg.core.labels import Label, LabelSet, bare_name, map_values, voxels_of

TUMOUR = LabelSet(
    (Label("NCR", 1, ("necrotic core",)), Label("ED", 2), Label("ET", 4, ("enhancing-tumour",))),
    {"WT": ("NCR", "ED", "ET"), "TC": ("NCR", "ET"), "ET": ("ET",)},
)
HALVES = LabelSet((Label("anterior", 1), Label("posterior", 2)))


def test_without_names_the_bundles_own_values_hold() -> None:
    assert TUMOUR.class_of_value() == {0: 0, 1: 1, 2: 2, 4: 3}


def test_names_and_aliases_match_whatever_their_case_and_punctuation() -> None:
    names = {0: "background", 1: "Enhancing Tumour", 2: "NECROTIC_CORE", 3: "ed"}
    assert TUMOUR.class_of_value(names) == {0: 0, 1: 3, 2: 1, 3: 2}


@pytest.mark.parametrize("spelling", ["Enhancing-Tumour", "enhancing_tumour", " ENHANCING TUMOUR "])
def test_a_bare_name_is_the_same_in_every_spelling(spelling: str) -> None:
    assert bare_name(spelling) == "enhancingtumour"


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(DatalistError, match="calls label 5 'cyst'; the bundle knows NCR, ED, ET"):
        TUMOUR.class_of_value({1: "NCR", 5: "cyst"})


def test_two_values_of_one_name_are_refused() -> None:
    with pytest.raises(DatalistError, match="gives label 'enhancing tumour' two values, 4 among them"):
        TUMOUR.class_of_value({3: "ET", 4: "enhancing tumour"})


def test_regions_are_unions_of_their_labels() -> None:
    masks = TUMOUR.masks(np.array([0, 1, 2, 3], np.uint8))
    assert {name: mask.tolist() for name, mask in masks.items()} == {
        "WT": [False, True, True, True],
        "TC": [False, True, False, True],
        "ET": [False, False, False, True],
    }
    assert TUMOUR.scored == ("WT", "TC", "ET")


def test_without_regions_each_label_is_a_mask() -> None:
    masks = HALVES.masks(np.array([0, 1, 2], np.uint8))
    assert masks["posterior"].tolist() == [False, False, True]
    assert HALVES.scored == ("anterior", "posterior")


def test_a_value_not_named_is_refused_rather_than_erased() -> None:
    with pytest.raises(DatalistError, match="label value 9 is not one of 0, 1, 4"):
        map_values(np.array([[0, 1], [4, 9]], np.uint8), {0: 0, 1: 1, 4: 3})


def test_values_become_what_they_are_mapped_to() -> None:
    mapped = map_values(np.array([[0, 1], [4, 4]], np.uint8), {0: 0, 1: 1, 4: 3})
    assert mapped.tolist() == [[0, 1], [3, 3]]
    assert mapped.dtype == np.uint8


def test_mapping_to_classes_and_back_gives_the_written_values() -> None:
    written = np.array([0, 1, 2, 4], np.uint8)
    classes = TUMOUR.class_of_value()
    back = {index: value for value, index in classes.items()}
    assert map_values(map_values(written, classes), back).tolist() == written.tolist()


def test_voxels_are_counted_by_value() -> None:
    labels = np.array([[[0, 2, 2], [4, 4, 4]]], np.uint8)
    assert voxels_of(labels, (1, 2, 4)) == {1: 0, 2: 2, 4: 3}

import numpy as np
import pytest

from medseg.core.labels import Label, LabelSet
from medseg.steps.label_dice import dice_of_labels


def test_two_maps_agree_label_by_label_and_where_neither_has_one() -> None:
    labels = LabelSet((Label("core", 1), Label("rim", 7), Label("none", 9)), {})
    found, expected = np.array([1, 1, 7, 0], np.uint8), np.array([1, 0, 0, 0], np.uint8)
    assert dice_of_labels(found, expected, labels) == {"core": pytest.approx(2 / 3), "rim": 0.0, "none": 1.0}


def test_numbered_objects_count_as_one_label() -> None:
    labels = LabelSet((Label("nuclei", 1, instances=True),), {})
    found, expected = np.array([1, 1, 2, 0], np.uint8), np.array([3, 4, 0, 0], np.uint8)
    assert dice_of_labels(found, expected, labels) == {"nuclei": pytest.approx(4 / 5)}

"""Columns of the gallery: what is wrong where, and colours that every eye tells apart."""

import itertools

import numpy as np
import pytest

from medseg.core.errors import GeometryError
from medseg.runs.evaluation_facts import StudyMaps
from medseg.runs.evaluation_panels import AGREE, DIFFERENCES, OTHER, OVER, UNDER, differences, panels_of
from medseg.runs.greys import SOFT_TISSUE_HU

# Simulated complete colour blindness of each kind, on linear RGB. Source: Machado, Oliveira and Fernandes (2009).
VISION = {
    "usual": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]]
    ),
}
TOLD_APART = 35.0  # CIELAB; about 2 is the least that can be seen, and these are small areas over grey


def _lab(colour: tuple[int, int, int], vision: np.ndarray) -> np.ndarray:
    srgb = np.array(colour) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(vision @ linear, 0.0, 1.0)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ seen
    f = np.cbrt(np.maximum(xyz / (0.9505, 1.0, 1.089), 0.008856))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def _maps(prediction: np.ndarray | None, reference: np.ndarray, image: np.ndarray | None = None) -> StudyMaps:
    return StudyMaps(prediction, reference, image, np.eye(4), {1: "core", 2: "oedema"})


def _map(shape: tuple[int, int, int] = (30, 30, 30)) -> np.ndarray:
    labels = np.zeros(shape, np.uint8)
    labels[10:20, 10:20, 10:20] = 1
    return labels


@pytest.mark.parametrize("vision", VISION.values(), ids=VISION)
def test_kinds_of_error_are_told_apart_with_every_kind_of_colour_vision(vision: np.ndarray) -> None:
    for one, other in itertools.combinations(DIFFERENCES.values(), 2):
        assert np.linalg.norm(_lab(one.colour, vision) - _lab(other.colour, vision)) > TOLD_APART, (one, other)


def test_each_voxel_is_wrong_in_one_way() -> None:
    prediction = np.array([[[0, 0, 1, 1, 1, 2]]], np.uint8)
    reference = np.array([[[0, 1, 0, 1, 2, 2]]], np.uint8)
    assert differences(prediction, reference).tolist() == [[[0, UNDER, OVER, AGREE, OTHER, AGREE]]]
    assert set(DIFFERENCES) == {OVER, UNDER, OTHER}


def test_columns_follow_what_is_given() -> None:
    labels, image = _map(), np.ones((30, 30, 30), np.float32)
    names = {
        (True, True): ["Image", "Reference", "Prediction", "Difference"],
        (True, False): ["Image", "Reference", "Prediction"],
        (False, True): ["Reference", "Prediction", "Difference"],
        (False, False): ["Reference", "Prediction"],
    }
    for (pictured, predicted), expected in names.items():
        maps = _maps(labels if predicted else None, labels, image if pictured else None)
        panels = panels_of(maps, (15, 15, 15)).panels
        assert [panel.name for panel in panels] == expected
        assert (panels[-1].labels is None) != predicted


def test_a_label_has_one_colour_in_every_study() -> None:
    first, second = _map(), _map() * 2
    (core,), (oedema,) = (panels_of(_maps(labels, labels), (15, 15, 15)).key for labels in (first, second))
    both = panels_of(_maps(first, second), (15, 15, 15)).key
    assert both == (core, oedema)
    assert [name for name, _ in both] == ["core", "oedema"]


def test_a_class_without_a_name_is_drawn_under_its_number() -> None:
    labels = _map() * 7
    assert [name for name, _ in panels_of(_maps(labels, labels), (15, 15, 15)).key] == ["label 7"]


def test_ct_has_the_window_of_soft_tissue_and_other_scans_their_own() -> None:
    labels = _map()
    image = np.random.default_rng(0).uniform(100, 300, labels.shape)
    mr = panels_of(_maps(labels, labels, image), (15, 15, 15)).greys
    assert 90 < mr.low < mr.high < 400
    image[0] = -1000
    ct = panels_of(_maps(labels, labels, image), (15, 15, 15)).greys
    assert (ct.low, ct.high) == SOFT_TISSUE_HU


def test_an_image_without_a_finite_number_is_drawn_all_the_same() -> None:
    labels = _map()
    greys = panels_of(_maps(labels, labels, np.full(labels.shape, np.nan)), (15, 15, 15)).greys
    assert greys.low < greys.high


def test_other_grids_are_refused() -> None:
    with pytest.raises(GeometryError, match=r"\(30, 30, 29\), \(30, 30, 30\)"):
        panels_of(_maps(_map()[..., 1:], _map()), (15, 15, 15))

"""A file of labels is a bundle's evaluate.yaml of which only the labels are needed."""

from pathlib import Path

import pytest

from medseg.bundle.labels_file import read_labels_file
from medseg.bundle.scoring import Scoring
from medseg.core.errors import ConfigError
from medseg.core.labels import Label, LabelSet

_SHIPPED = Path(__file__).resolve().parents[2] / "bundles"


def written(folder: Path, text: str) -> Path:
    path = folder / "labels.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_labels_alone_are_enough(tmp_path: Path) -> None:
    path = written(tmp_path, "labels: {liver: {value: 1, aliases: [hepar]}, mass: {value: 7}}")
    assert read_labels_file(path) == Scoring(LabelSet((Label("liver", 1, ("hepar",)), Label("mass", 7))))


def test_regions_tolerances_and_thresholds_are_read_where_given(tmp_path: Path) -> None:
    text = "labels: {a: {value: 1}, b: {value: 2}}\nregions: {ab: [a, b]}\nthresholds: {dice: {ab: 0.8}}\n"
    found = read_labels_file(written(tmp_path, text))
    assert (found.labels.regions, found.tolerance_mm, found.thresholds) == (
        {"ab": ("a", "b")},
        {},
        {"dice": {"ab": 0.8}},
    )
    found = read_labels_file(written(tmp_path, text + "tolerance_mm: {ab: 2.5}\n"))
    assert found.tolerance_mm == {"ab": 2.5}


@pytest.mark.parametrize("bundle", sorted(path.name for path in _SHIPPED.iterdir() if (path / "configs").is_dir()))
def test_a_bundles_own_file_is_one(bundle: str) -> None:
    found = read_labels_file(_SHIPPED / bundle / "configs" / "evaluate.yaml")
    assert set(found.tolerance_mm) == set(found.labels.scored)


def test_all_faults_are_listed(tmp_path: Path) -> None:
    path = written(tmp_path, "labels: {a: {value: 300}, b: 2}\nregions: {ab: [a, c]}\n")
    with pytest.raises(ConfigError, match="3 faults") as caught:
        read_labels_file(path)
    for told in ("labels.a.value: 300", "labels.b: 2", "regions.ab: no label c; known are a, b"):
        assert told in str(caught.value)


def test_another_yaml_file_says_what_it_has_instead(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has no key 'labels', only optimizer"):
        read_labels_file(written(tmp_path, "optimizer: {lr: 1.0e-3}"))
    with pytest.raises(ConfigError, match="unknown key"):
        read_labels_file(written(tmp_path, "labels: {a: {value: 1}}\nregons: {}"))
    with pytest.raises(ConfigError, match="Cannot read"):
        read_labels_file(tmp_path / "absent.yaml")

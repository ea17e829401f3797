import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from medseg.bundle.read import read_bundle
from medseg.bundle.stock_json import JSON, twin_faults, write_stock_json
from medseg.core.errors import BundleError, ConfigError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder that may hold an inference.json."""
    (tmp_path / "configs").mkdir()
    return tmp_path


def _twin(root: Path, values: Any) -> Path:
    (root / JSON).write_text(json.dumps(values), encoding="utf-8")
    return root


def test_what_is_written_is_what_yaml_said(root: Path, inference: dict[str, Any]) -> None:
    write_stock_json(root, inference)
    assert json.loads((root / JSON).read_text(encoding="utf-8")) == inference
    assert twin_faults(root, inference) == []


def test_no_inference_json_is_no_fault(root: Path, inference: dict[str, Any]) -> None:
    assert twin_faults(root, inference) == []


@pytest.mark.parametrize("text", ["a: {0: background, 1: tumour}", "a: [[], {}, null]", "a: 1.0e-3\nb: true", "1: 2"])
def test_whatever_yaml_says_its_json_says_the_same(root: Path, text: str) -> None:
    values = yaml.safe_load(text)
    write_stock_json(root, values)
    assert twin_faults(root, values) == []


@pytest.mark.parametrize(
    ("own", "twin"),
    [
        ({"a": 1}, {}),
        ({}, {"a": 1}),
        ({"a": None}, {}),
        ({"a": None}, {"a": []}),
        ({"a": []}, {"a": {}}),
        ({"a": 1}, {"a": True}),
        ({"a": "1"}, {"a": 1}),
        ({"a": [1, 2]}, {"a": [1]}),
        ({"a": {"b": [{"c": 1}]}}, {"a": {"b": [{"c": 2}]}}),
    ],
)
def test_whatever_differs_is_named(root: Path, own: dict[str, Any], twin: dict[str, Any]) -> None:
    (fault,) = twin_faults(_twin(root, twin), own)
    assert fault == "configs/inference.json: says something else of a than inference.yaml; keep one"


def test_every_key_that_differs_is_named_once(root: Path) -> None:
    (fault,) = twin_faults(_twin(root, {"b": 1, "c": 2}), {"a": 1, "b": 2})
    assert "of a, b, c than" in fault


def test_a_value_that_holds_itself_is_compared_as_deep_as_the_json_goes(root: Path) -> None:
    own: dict[str, Any] = {"a": {}}
    own["a"]["a"] = own["a"]
    assert len(twin_faults(_twin(root, {"a": {"a": {"a": {}}}}), own)) == 1


def test_values_that_unfold_without_end_are_compared_as_far_as_the_json_goes(root: Path) -> None:
    bomb: list[Any] = []
    for _ in range(100):
        bomb = [bomb, bomb]
    assert len(twin_faults(_twin(root, {"a": [[[], []], [[], []]]}), {"a": bomb})) == 1


def test_an_inference_json_that_cannot_be_read_is_told(root: Path) -> None:
    (root / JSON).write_text("{")
    with pytest.raises(ConfigError, match=r"inference\.json: line 1"):
        twin_faults(root, {})


def test_a_bundle_whose_files_contradict_each_other_is_refused(
    write_bundle: Callable[..., Path], inference: dict[str, Any]
) -> None:
    bundle = write_bundle()
    write_stock_json(bundle, inference)
    read_bundle(bundle)
    _twin(bundle, {**inference, "inferer": {"_target_": "os.system"}})
    with pytest.raises(BundleError, match=r"inference\.json: says something else of inferer"):
        read_bundle(bundle)

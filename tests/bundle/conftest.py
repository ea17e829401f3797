"""A small bundle of plain values that the tests of this folder change one thing at a time."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

INFERENCE: dict[str, Any] = {
    "network_def": {
        "_target_": "monai.networks.nets.UNet",
        "spatial_dims": 3,
        "in_channels": 1,
        "out_channels": 3,
        "channels": [4, 8],
        "strides": [2],
        "norm": ["instance", {"affine": True}],
    },
    "preprocessing": {
        "_target_": "monai.transforms.Compose",
        "transforms": [
            {"_target_": "monai.transforms.LoadImaged", "keys": ["image"], "ensure_channel_first": True},
            {"_target_": "monai.transforms.Orientationd", "keys": ["image"], "axcodes": "RAS", "labels": None},
            {"_target_": "monai.transforms.NormalizeIntensityd", "keys": ["image"]},
        ],
    },
    "inferer": {"_target_": "monai.inferers.SlidingWindowInferer", "roi_size": [16, 16, 16], "overlap": 0.5},
    "postprocessing": {
        "_target_": "monai.transforms.Compose",
        "transforms": [
            {"_target_": "monai.transforms.Activationsd", "keys": ["pred"], "softmax": True},
            {
                "_target_": "monai.transforms.Invertd",
                "keys": ["pred"],
                "transform": "@preprocessing",
                "orig_keys": ["image"],
                "nearest_interp": False,
            },
            {"_target_": "monai.transforms.AsDiscreted", "keys": ["pred"], "argmax": True},
            {"_target_": "monai.transforms.SaveImaged", "keys": ["pred"], "output_dir": "@output_dir"},
        ],
    },
    "output_dir": "./out",
    "device": "$torch.device('cpu')",
}
TENSOR = {"type": "image", "format": "magnitude", "spatial_shape": ["2*n", "2*n", "2*n"], "dtype": "float32"}
TENSOR |= {"value_range": [0, 1], "is_patch_data": True}
METADATA: dict[str, Any] = {
    "name": "tiny",
    "version": "0.1.0",
    "changelog": {"0.1.0": "first"},
    "monai_version": "1.6.1",
    "pytorch_version": "2.13.0",
    "numpy_version": "2.4.6",
    "required_packages_version": {},
    "task": "a test",
    "description": "a test",
    "authors": "nobody",
    "copyright": "nobody",
    "channel_aliases": {"t1": ["T1 weighted"]},
    "network_data_format": {
        "inputs": {"image": TENSOR | {"num_channels": 1, "channel_def": {"0": "t1"}}},
        "outputs": {
            "pred": TENSOR | {"num_channels": 3, "channel_def": {"0": "background", "1": "core", "2": "rim"}},
        },
    },
}
EVALUATE: dict[str, Any] = {
    "labels": {"core": {"value": 1, "aliases": ["middle"]}, "rim": {"value": 7}},
    "regions": {"whole": ["core", "rim"]},
    "tolerance_mm": {"whole": 1.0},
    "thresholds": {"dice": {"whole": 0.8}},
}

Write = Callable[..., Path]


@pytest.fixture
def inference() -> dict[str, Any]:
    """Parsed inference.yaml that keeps every rule."""
    return copy.deepcopy(INFERENCE)


@pytest.fixture
def metadata() -> dict[str, Any]:
    """Parsed metadata.json that keeps every rule."""
    return copy.deepcopy(METADATA)


@pytest.fixture
def evaluate() -> dict[str, Any]:
    """Parsed evaluate.yaml that keeps every rule."""
    return copy.deepcopy(EVALUATE)


@pytest.fixture
def write_bundle(tmp_path: Path) -> Write:
    """Write a bundle folder from parsed files; None leaves a file out."""

    def write(
        name: str = "tiny",
        *,
        metadata: dict[str, Any] | None = METADATA,
        inference: dict[str, Any] | None = INFERENCE,
        evaluate: dict[str, Any] | None = EVALUATE,
        train: str | None = "seed: 0\nsplit: {folds: 5, validation_share: 0.2}\n",
    ) -> Path:
        configs = tmp_path / name / "configs"
        configs.mkdir(parents=True)
        if metadata is not None:
            (configs / "metadata.json").write_text(json.dumps(metadata), encoding="utf-8")
        for file, values in (("inference.yaml", inference), ("evaluate.yaml", evaluate)):
            if values is not None:
                (configs / file).write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
        if train is not None:
            (configs / "train.yaml").write_text(train, encoding="utf-8")
        return tmp_path / name

    return write

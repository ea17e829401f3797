"""A bundle for RGB pictures and pictures of discs, so small that a training takes seconds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tiny
from PIL import Image

NAME = "discs_unet2d"
SHAPE = (40, 56)  # rows, columns
STUDIES = 8
WINDOW = [32, 32]


def write_picture_bundle(folder: Path) -> Path:
    """hippocampus_unet2d for RGB pictures whose label maps number discs, with a small network, without weights."""
    tiny.write_tiny_bundle(folder, "hippocampus_unet2d")
    configs = folder / "configs"
    (configs / "series.yaml").unlink()
    tiny.edit_yaml(configs / "inference.yaml", _take_pictures)
    tiny.edit_yaml(configs / "train.yaml", _patches)
    scoring = {"labels": {"disc": {"value": 1, "instances": True}}, "tolerance_mm": {"disc": 1.0}}
    tiny.edit_yaml(configs / "evaluate.yaml", lambda values: values.update(scoring, regions={}, thresholds={}))
    metadata = json.loads((configs / "metadata.json").read_text(encoding="utf-8"))
    _name_channels(metadata)
    (configs / "metadata.json").write_text(json.dumps(metadata), encoding="utf-8")
    return folder


def write_discs(folder: Path) -> Path:
    """Pictures in the Decathlon layout: bright discs on dark, every third one grey, with numbered discs as labels."""
    listed = []
    for n in range(STUDIES):
        pixels, labels = _discs(np.random.default_rng(n))
        image, label = folder / "imagesTr" / f"P{n}.png", folder / "labelsTr" / f"P{n}.png"
        for path, array in ((image, pixels[..., 1] if n % 3 == 0 else pixels), (label, labels)):
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(array).save(path)
        listed.append({"image": f"imagesTr/{image.name}", "label": f"labelsTr/{label.name}"})
    description = {"labels": {"0": "background", "1": "disc"}, "instances": True, "training": listed}
    (folder / "dataset.json").write_text(json.dumps(description), encoding="utf-8")
    return folder


def _discs(generator: np.random.Generator) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint16]]:
    rows, columns = np.ogrid[: SHAPE[0], : SHAPE[1]]
    labels = np.zeros(SHAPE, np.uint16)
    for number in (1, 2, 300):
        row, column = generator.integers(6, SHAPE[0] - 6), generator.integers(6, SHAPE[1] - 6)
        labels[(rows - row) ** 2 + (columns - column) ** 2 < 30] = number
    brightness = 40 + 120 * (labels[..., None] > 0) * np.array([1.0, 0.9, 0.5])
    pixels = brightness + generator.normal(0, 10, (*SHAPE, 3))
    return np.clip(pixels, 0, 255).astype(np.uint8), labels


def _take_pictures(values: dict[str, Any]) -> None:
    values["network_def"].update(spatial_dims=2, in_channels=3, out_channels=2)
    load, *_, normalise = values["preprocessing"]["transforms"]
    values["preprocessing"]["transforms"] = [{**load, "reader": "PILReader"}, normalise]
    values["inferer"].pop("spatial_dim")
    values["inferer"].update(_target_="monai.inferers.SlidingWindowInferer", roi_size=WINDOW)
    *steps, save = values["postprocessing"]["transforms"]
    kept = [step for step in steps if step["_target_"].endswith(("Activationsd", "AsDiscreted"))]
    kept[-1].pop("keepdim")
    values["postprocessing"]["transforms"] = [*kept, {**save, "output_ext": ".png"}]
    values["data"] = "$[{'image': file} for file in sorted(glob.glob(os.path.join(@dataset_dir, '*.png')))]"


def _patches(values: dict[str, Any]) -> None:
    values["sampling"].update(patch=[*WINDOW, 1], batch=4, patches_per_study=2)
    values["augmentation"].update(flip_axes=[0, 1], rotation={"probability": 0.5, "range": [-180.0, 180.0]})
    values["optimizer"]["lr"] = 1.0e-2
    values["engine"]["ema"] = 0.0  # an average over 100 steps would still be that of the first weights
    values["validation"]["every"] = 4


def _name_channels(metadata: dict[str, Any]) -> None:
    channels, classes = {"0": "red", "1": "green", "2": "blue"}, {"0": "background", "1": "disc"}
    image = metadata["network_data_format"]["inputs"]["image"]
    pred = metadata["network_data_format"]["outputs"]["pred"]
    image.update(num_channels=3, channel_def=channels)
    pred.update(num_channels=2, channel_def=classes)
    metadata.update(name=NAME, channel_aliases={})
    for key in ("label_codes", "phantom", "expected_input"):
        metadata.pop(key, None)

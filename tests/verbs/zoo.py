"""Small bundles in the shape of MONAI's model zoo, with random weights, and stock MONAI running them."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Step = dict[str, Any]
Change = Callable[[dict[str, Any]], None]

NETWORK = {
    "_target_": "UNet",
    "spatial_dims": 3,
    "in_channels": 1,
    "out_channels": "$len(@class_names)",
    "channels": [4, 8],
    "strides": [2],
    "num_res_units": 1,
    "norm": "batch",
}
WINDOW = {"_target_": "SlidingWindowInferer", "roi_size": [16, 16, 16], "sw_batch_size": 2, "overlap": "@overlaps#wide"}
LOAD = {"_target_": "LoadImaged", "keys": "@image_key", "image_only": False}
CHANNEL = {"_target_": "EnsureChannelFirstd", "keys": "@image_key"}
TURN = {"_target_": "Orientationd", "keys": "@image_key", "axcodes": "RAS", "labels": None}
SPACE = {"_target_": "Spacingd", "keys": "@image_key", "pixdim": "@pixdim", "mode": "bilinear"}
SCALE = {"_target_": "ScaleIntensityRanged", "keys": "@image_key", "a_min": 300, "a_max": 700, "b_min": 0, "b_max": 1}
TYPE = {"_target_": "EnsureTyped", "keys": "@image_key", "dtype": "$torch.float32"}
SOFTMAX = {"_target_": "Activationsd", "keys": "pred", "softmax": True}
BACK = {
    "_target_": "Invertd",
    "keys": "pred",
    "transform": "@preprocessing",
    "orig_keys": "@image_key",
    "meta_keys": "pred_meta_dict",
    "nearest_interp": False,
    "to_tensor": True,
}
HIGHEST = {"_target_": "AsDiscreted", "keys": "pred", "argmax": True}
SAVE = {
    "_target_": "SaveImaged",
    "keys": "pred",
    "meta_keys": "pred_meta_dict",
    "output_dir": "@output_dir",
    "output_postfix": "trans",
    "resample": False,
}
INFERENCE: dict[str, Any] = {
    "imports": ["$import glob", "$import os"],
    "bundle_root": ".",
    "image_key": "image",
    "class_names": ["background", "spleen", "liver"],
    "overlaps": {"wide": 0.5},
    "pixdim": "$[1.5] * 3",
    "dataset_dir": "/absent",
    "output_dir": "$os.path.join(@bundle_root, 'eval')",
    "datalist": "$sorted(glob.glob(os.path.join(@dataset_dir, '*.nii.gz')))",
    "device": "$torch.device('cpu')",
    "network_def": NETWORK,
    "network": "$@network_def.to(@device)",
    "preprocessing": {"_target_": "Compose", "transforms": [LOAD, CHANNEL, TURN, SPACE, SCALE, TYPE]},
    "dataset": {"_target_": "Dataset", "data": "$[{'image': i} for i in @datalist]", "transform": "@preprocessing"},
    "dataloader": {"_target_": "DataLoader", "dataset": "@dataset", "batch_size": 1, "num_workers": 0},
    "inferer": WINDOW,
    "postprocessing": {"_target_": "Compose", "transforms": [SOFTMAX, BACK, HIGHEST, SAVE]},
    "evaluator": {
        "_target_": "SupervisedEvaluator",
        "device": "@device",
        "val_data_loader": "@dataloader",
        "network": "@network",
        "inferer": "@inferer",
        "postprocessing": "@postprocessing",
        "val_handlers": "@handlers",
    },
    "handlers": [
        {
            "_target_": "CheckpointLoader",
            "load_path": "$@bundle_root + '/models/model.pt'",
            "load_dict": {"model": "@network"},
        }
    ],
    "run": ["$@evaluator.run()"],
}
METADATA: dict[str, Any] = {  # of the keys that MONAI asks for most are missing, as in the zoo
    "version": "0.2.0",
    "task": "organs",
    "network_data_format": {
        "inputs": {"image": {"num_channels": 1, "channel_def": {"0": "image"}}},
        "outputs": {
            "pred": {"num_channels": 2, "channel_def": {"0": "background", "1": "spleen", "2": "liver"}},
        },
    },
}


def write_zoo_bundle(
    folder: Path,
    *,
    network: Mapping[str, Any] = NETWORK,
    before: list[Step] | str | None = None,
    after: list[Step] | None = None,
    scripts: Mapping[str, str] | None = None,
    change: Change | None = None,
    weights: bool = True,
) -> Path:
    """A bundle that stock MONAI runs and medseg refuses unless it is trusted.

    Args:
        folder: Made for it.
        network: network_def.
        before: Transforms of preprocessing.
        after: Transforms of postprocessing.
        scripts: File name to text of Python modules, in the package "scripts".
        change: Changes the inference config last.
        weights: Whether it gets random weights.
    """
    config = copy.deepcopy(INFERENCE) | {"network_def": copy.deepcopy(dict(network))}
    if before is not None:
        config["preprocessing"]["transforms"] = copy.deepcopy(before)
    if after is not None:
        config["postprocessing"]["transforms"] = copy.deepcopy(after)
    if change is not None:
        change(config)
    (folder / "configs").mkdir(parents=True)
    (folder / "configs" / "inference.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "configs" / "metadata.json").write_text(json.dumps(METADATA), encoding="utf-8")
    for name, text in (scripts or {}).items():
        (folder / "scripts").mkdir(exist_ok=True)
        (folder / "scripts" / name).write_text(text, encoding="utf-8")
    return add_weights(folder, config["network_def"]) if weights else folder


def add_weights(folder: Path, network_def: Mapping[str, Any], seed: int = 0) -> Path:
    """Weights drawn from a seed, for the small U-Net that these bundles have."""
    import torch
    from monai.networks.nets import UNet

    arguments = {key: value for key, value in network_def.items() if key != "_target_"} | {"out_channels": 3}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = UNet(**arguments)
    (folder / "models").mkdir(exist_ok=True)
    torch.save(network.state_dict(), folder / "models" / "model.pt")
    return folder


def write_scans(folder: Path) -> Path:
    """Two scans, one of them oblique in its axes and coarse, in smooth noise."""
    import nibabel
    import numpy as np
    from scipy.ndimage import gaussian_filter

    folder.mkdir(parents=True)
    turned = np.array([[0, 0, -2.5, 10], [-1.2, 0, 0, 20], [0, 0.9, 0, 5], [0, 0, 0, 1.0]])
    for n, (shape, affine) in enumerate([((24, 22, 20), np.diag([1.5, 1.5, 1.5, 1.0])), ((26, 30, 12), turned)]):
        noise = gaussian_filter(np.random.default_rng(n).normal(size=shape), 2)
        voxels = (500 + 200 * noise / noise.std()).astype(np.float32)
        nibabel.save(nibabel.Nifti1Image(voxels, affine), folder / f"scan{n}.nii.gz")
    return folder


_RUN_EACH = """
import os, runpy, sys
output, scans, *folders = sys.argv[1:]
path = list(sys.path)
for folder in folders:
    os.chdir(folder)
    sys.path[:] = path
    words = ["--config_file", "configs/inference.json", "--dataset_dir", scans]
    sys.argv = ["monai.bundle", "run", *words, "--output_dir", os.path.join(output, os.path.basename(folder))]
    runpy.run_module("monai.bundle", run_name="__main__")
"""


def run_stock(bundles: Mapping[str, Path], scans: Path, output: Path) -> dict[str, dict[str, Path]]:
    """`python -m monai.bundle run` in each bundle's folder, one after the other in one process.

    Returns:
        Name of the bundle's folder to scan to label map.
    """
    environment = {**os.environ, "PYTHONWARNINGS": "ignore", "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    words = [str(output), str(scans), *(str(folder) for folder in bundles.values())]
    command = [sys.executable, "-c", _RUN_EACH, *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return {
        name: {path.name.removesuffix("_trans.nii.gz"): path for path in (output / name).rglob("*_trans.nii.gz")}
        for name in bundles
    }

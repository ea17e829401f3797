"""A bundle and cohorts so small that a training takes seconds, and the verbs called as a user calls them."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
STUDIES = 8
RECORDS = ("run.json", "studies.jsonl")  # what an inference leaves beside its results
PATCH = (16, 24, 16)
WINDOW = [16, 24, 16]
TRAIN_LIMIT_S = 300  # of a subprocess: machines with other work are slow, hanging is slower

# Three levels of few filters instead of many; one step takes milliseconds.
_NETWORK = {
    "_target_": "monai.networks.nets.DynUNet",
    "spatial_dims": 3,
    "filters": [4, 8, 8],
    "kernel_size": [3, 3, 3],
    "strides": [1, 2, 2],
    "upsample_kernel_size": [2, 2],
    "norm_name": ["instance", {"affine": True}],
    "res_block": True,
    "deep_supervision": True,
    "deep_supr_num": 1,
}
_RECIPE: dict[str, dict[str, Any]] = {
    "sampling": {"patch": list(PATCH), "patches_per_study": 2},
    "curriculum": {"share": 0.0, "patch": list(PATCH), "batch": 2},
    "loss": {"deep_supervision": [1.0, 0.5]},
    "length": {"epochs": 2, "budget_min": None},
    "validation": {"every": 1},
    "engine": {"precision": "fp32"},
}


@dataclass(frozen=True)
class Answer:
    """What a command said: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def last_line(self) -> str:
        return self.out.splitlines()[-1]


def write_tiny_bundle(folder: Path, source: str = "hippocampus_unet3d") -> Path:
    """A shipped 3D bundle with a small network and a small window, without weights."""
    from medseg.bundle.copy import copy_bundle
    from medseg.bundle.read import read_bundle

    copy_bundle(read_bundle(CHECKOUT / "bundles" / source), folder, with_weights=False)
    edit_yaml(folder / "configs" / "inference.yaml", _shrink_model)
    edit_yaml(folder / "configs" / "train.yaml", _shrink_recipe)
    return folder


def write_tiny_cohort(folder: Path, kind: str = "hippocampus", studies: int = STUDIES, scale: float = 0.5) -> Path:
    """A phantom cohort of small scans, in the Decathlon layout (hippocampus) or in BraTS folders."""
    from medseg.datasets.phantom import write_phantom_cohort

    return write_phantom_cohort(folder, kind=kind, studies=studies, seed=0, scale=scale)


def add_random_weights(bundle: Path, seed: int = 0) -> Path:
    """Give a bundle weights drawn from a seed; its labels are wrong but never all background."""
    import torch

    from medseg.bundle.build import build_network
    from medseg.bundle.read import read_bundle
    from medseg.bundle.weights import save_weights

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        save_weights(build_network(read_bundle(bundle)).state_dict(), bundle / "models" / "model.pt")
    return bundle


def edit_yaml(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Read a YAML file, change it, write it back."""
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    change(values)
    path.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")


def call(verb: str, *words: object) -> Answer:
    """Run a verb in this process."""
    out, err = io.StringIO(), io.StringIO()
    main = importlib.import_module(f"medseg.{verb}").main
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([str(word) for word in words])
    return Answer(code, out.getvalue(), err.getvalue())


def start(
    verb: str, *words: object, processes: int = 1, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start a verb as a process of its own, or as several under torchrun."""
    torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    return subprocess.Popen(
        [sys.executable, *(torchrun if processes > 1 else []), "-m", f"medseg.{verb}", *(str(word) for word in words)],
        cwd=CHECKOUT,
        env={**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> Answer:
    """Wait for a process."""
    out, err = process.communicate(timeout=TRAIN_LIMIT_S)
    return Answer(process.returncode, out, err)


def files_below(folder: Path) -> set[str]:
    """Names of all files below a folder, relative to it."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def _shrink_model(values: dict[str, Any]) -> None:
    channels = {key: values["network_def"][key] for key in ("in_channels", "out_channels")}
    values["network_def"] = {**_NETWORK, **channels}
    values["inferer"].update(roi_size=WINDOW, overlap=0.25)


def _shrink_recipe(values: dict[str, Any]) -> None:
    for key, change in _RECIPE.items():
        values[key].update(change)

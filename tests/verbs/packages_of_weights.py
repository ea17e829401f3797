"""A shipped bundle with its trained weights as a run's data would have it: its split names phantoms that are there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tiny import CHECKOUT


def trained_bundle(folder: Path, cohort: Path) -> Path:
    """hippocampus_unet3d with the weights that ship, and a split of a phantom cohort.

    Args:
        folder: Gets the bundle.
        cohort: In the Decathlon layout; the first half of its studies stands for those trained on.
    """
    bundle = Path(shutil.copytree(CHECKOUT / "bundles" / "hippocampus_unet3d", folder / "hippocampus_unet3d"))
    studies = sorted(path.name.removesuffix(".nii.gz") for path in (cohort / "imagesTr").glob("*.nii.gz"))
    half = len(studies) // 2
    split = {"train": studies[:half], "validation": [], "holdout": studies[half:]}
    (bundle / "configs" / "split.json").write_text(json.dumps(split), encoding="utf-8")
    return bundle

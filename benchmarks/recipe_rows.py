"""What recipe_effects.py trains: networks and recipes, each a change of the one before or of the shipped one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from medseg.recipe.layers import flatten

LOWER_LR = {"optimizer.lr": 3.0e-3}
EARLIER = {"optimizer.name": "adamw", "curriculum.share": 0.0} | LOWER_LR  # before Muon and the curriculum
NO_CURRICULUM = {"curriculum.share": 0.0}
EFFECTS = ("rotation", "scaling", "noise", "blur", "brightness", "contrast", "low_resolution", "gamma")
NO_CHANGES = {f"augmentation.{name}.probability": 0.0 for name in EFFECTS}
STRONGER = flatten(
    {
        "augmentation": {
            "rotation": {"probability": 0.5, "range": [-20.0, 20.0]},
            "scaling": {"probability": 0.5, "range": [0.8, 1.25]},
            "noise": {"probability": 0.2, "range": [0.0, 0.2]},
            "blur": {"probability": 0.2, "range": [0.5, 1.0]},
            "brightness": {"probability": 0.3, "range": [0.75, 1.25]},
            "contrast": {"probability": 0.3, "range": [0.75, 1.25]},
            "low_resolution": {"probability": 0.2, "range": [0.5, 1.0]},
            "gamma": {"probability": 0.3, "range": [0.7, 1.5]},
        }
    }
)
SMALL_PATCH = {"sampling.patch": [32, 48, 32]}


def dynunet(*filters: int, res_block: bool = True, deep_supervision: bool = False) -> dict[str, Any]:
    """A DynUNet that halves the grid between levels, as inference.yaml writes it."""
    return {
        "_target_": "monai.networks.nets.DynUNet",
        "spatial_dims": 3,
        "in_channels": 1,
        "out_channels": 3,
        "filters": list(filters),
        "kernel_size": [3] * len(filters),
        "strides": [1] + [2] * (len(filters) - 1),
        "upsample_kernel_size": [2] * (len(filters) - 1),
        "norm_name": ["instance", {"affine": True}],
        "res_block": res_block,
        **({"deep_supervision": True, "deep_supr_num": 2} if deep_supervision else {}),
    }


UNET = {
    "_target_": "monai.networks.nets.UNet",
    "spatial_dims": 3,
    "in_channels": 1,
    "out_channels": 3,
    "channels": [32, 64, 128, 256],
    "strides": [2, 2, 2],
    "num_res_units": 2,
    "norm": ["instance", {"affine": True}],
}


def segresnet(filters: int) -> dict[str, Any]:
    """A SegResNet of four levels, as inference.yaml writes it."""
    return {
        "_target_": "monai.networks.nets.SegResNet",
        "spatial_dims": 3,
        "in_channels": 1,
        "out_channels": 3,
        "init_filters": filters,
        "blocks_down": [1, 2, 2, 4],
        "blocks_up": [1, 1, 1],
    }


@dataclass(frozen=True)
class Row:
    """One training.

    Attributes:
        against: Row it is compared with.
        network: In place of the bundle's; None for the bundle's own.
        changes: Values in place of the bundle's recipe.
    """

    against: str | None
    network: dict[str, Any] | None = None
    changes: dict[str, Any] = field(default_factory=dict)


D16 = dynunet(16, 32, 64, 128)
ROWS = {
    "unet": Row(None, UNET, EARLIER),
    "dynunet-16": Row("unet", D16, EARLIER),
    "dynunet-8": Row("dynunet-16", None, EARLIER),
    "plain-blocks": Row("dynunet-16", dynunet(16, 32, 64, 128, res_block=False), EARLIER),
    "batch-1": Row("dynunet-16", D16, EARLIER | {"sampling.batch": 1}),
    "patch-32-48-32": Row("dynunet-8", None, EARLIER | SMALL_PATCH),
    "lr-doubled": Row("dynunet-16", D16, EARLIER | {"optimizer.lr": 6.0e-3}),
    "no-augmentation": Row("dynunet-16", D16, EARLIER | NO_CHANGES),
    "muon": Row("dynunet-16", D16, NO_CURRICULUM | LOWER_LR),
    "muon-curriculum": Row("muon", D16, LOWER_LR),
    "lr-3e-3": Row("muon-curriculum", None, LOWER_LR),
    "lr-6e-3": Row("lr-3e-3", None, {"optimizer.lr": 6.0e-3}),
    "shipped": Row("lr-3e-3"),
    "lr-2.4e-2": Row("lr-3e-3", None, {"optimizer.lr": 2.4e-2}),
    "curriculum-70-percent": Row("shipped", None, {"curriculum.share": 0.7}),
    "no-curriculum": Row("lr-6e-3", None, NO_CURRICULUM | {"optimizer.lr": 6.0e-3}),
    "lr-3e-3-no-augmentation": Row("lr-3e-3", None, NO_CHANGES | LOWER_LR),
    "lr-3e-3-not-mirrored": Row("lr-3e-3", None, {"augmentation.flip_axes": []} | LOWER_LR),
    "lr-3e-3-neither": Row("lr-3e-3", None, NO_CHANGES | {"augmentation.flip_axes": []} | LOWER_LR),
    "deep-supervision": Row(
        "lr-3e-3",
        dynunet(8, 32, 64, 128, deep_supervision=True),
        {"loss.deep_supervision": [1.0, 0.5, 0.25]} | LOWER_LR,
    ),
    "stronger": Row("shipped", None, STRONGER | {"optimizer.weight_decay": 0.3, "curriculum.share": 0.2}),
    "poly-decay": Row("shipped", None, {"schedule.name": "poly"}),
    "no-average": Row("shipped", None, {"engine.ema": 0.0}),
    "longer-average": Row("shipped", None, {"engine.ema": 0.997}),
    "late-average": Row("shipped", None, {"schedule.final": 0.2, "engine.ema": 0.998}),
    "no-clipping": Row("shipped", None, {"engine.clip_norm": 0.0}),
    "foreground-one-third": Row("shipped", None, {"sampling.foreground": 0.33}),
    "foreground-always": Row("shipped", None, {"sampling.foreground": 1.0}),
    "batch-dice": Row("shipped", None, {"loss.batch_dice": True}),
    "cross-entropy-alone": Row("shipped", None, {"loss.dice": 0.0}),
    "dice-alone": Row("shipped", None, {"loss.cross_entropy": 0.0}),
    **{f"no-{name}": Row("shipped", None, {f"augmentation.{name}.probability": 0.0}) for name in EFFECTS},
    "segresnet-8": Row("lr-3e-3", segresnet(8), LOWER_LR),
    "segresnet-16": Row("segresnet-8", segresnet(16), LOWER_LR),
}

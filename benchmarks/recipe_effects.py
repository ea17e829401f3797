"""What each choice in the recipe of hippocampus_unet3d brings within the same work, one by one.

Does:  trains each row of ROWS for the same seconds of one core, counted as the process's own time so that other work on
       the machine does not matter, on three quarters of the volumes of MSD Task04 that fold 0 does not hold out; scores
       the others. The hold-out of fold 0 is not seen.
Needs: a folder of MSD Task04 Hippocampus.
Makes: OUTPUT/recipe_effects.jsonl, one line a row; the table on the terminal: Dice, and the gain over the row it is
       compared with, volume by volume, with its 95 % bootstrap interval.
Takes: ten minutes of a core for each row, or as many seconds as --seconds says; rows that are in OUTPUT are read. Two,
       with different rows, use two cores.
Run:   python benchmarks/recipe_effects.py DATA OUTPUT [ROW …] [--seconds 150]
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from medseg.engine.allocator import keep_freed_memory

keep_freed_memory()  # before torch allocates anything

import numpy as np  # noqa: E402
import torch  # noqa: E402

from medseg.bundle.build import build_inferer, build_network, build_preprocessing  # noqa: E402
from medseg.bundle.find import find_bundle  # noqa: E402
from medseg.bundle.read import Bundle, read_bundle  # noqa: E402
from medseg.core.recipe import Recipe  # noqa: E402
from medseg.core.split import split_by_patient  # noqa: E402
from medseg.engine.batches import Patches, serve  # noqa: E402
from medseg.engine.device import Precision  # noqa: E402
from medseg.engine.distributed import World  # noqa: E402
from medseg.engine.learner import Learner  # noqa: E402
from medseg.engine.schedule import lr_share  # noqa: E402
from medseg.engine.scoring import score_each  # noqa: E402
from medseg.recipe.layers import Layer, flatten, resolve  # noqa: E402
from medseg.steps.data import load_cohort  # noqa: E402
from medseg.steps.legs import samplings  # noqa: E402
from medseg.steps.prepare import prepare_all  # noqa: E402
from medseg.transforms.prepared import Prepared  # noqa: E402

CPU_S = 600.0  # of one core: what two cores do in five minutes
DEVELOPMENT = 40  # volumes that score, about; both sides of a person are in one part
BUNDLE = "hippocampus_unet3d"
CPU = torch.device("cpu")
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


def prepare(bundle: Bundle, data: Path) -> tuple[list[Prepared], list[Prepared]]:
    """Studies that train and studies that score, of the patients that fold 0 does not hold out."""
    cohort = load_cohort(data, bundle, cache=None)
    split = split_by_patient(cohort.dataset.studies, fold=0, folds=5, validation_share=0.1, seed=0)
    pool = [study for study in cohort.dataset.studies if study.id in split.train + split.validation]
    parts = split_by_patient(pool, fold=0, folds=round(len(pool) / DEVELOPMENT), validation_share=0.1, seed=123)
    chain = build_preprocessing(bundle)
    made = [
        prepare_all(
            cohort.studies(ids),
            preprocessing=chain,
            class_of_value=cohort.class_of_value,
            cache=None,
            key_of=lambda study: study.id,
            threads=1,
            advance=lambda: None,
        )
        for ids in (parts.train + parts.validation, parts.holdout)
    ]
    return made[0], made[1]


def train(
    network: torch.nn.Module, recipe: Recipe, studies: list[Prepared], cpu_s: float
) -> tuple[torch.nn.Module, int]:
    """The averaged network after ``cpu_s`` seconds of this process, and its steps."""
    torch.manual_seed(recipe.seed)
    learner = Learner(
        network, recipe, device=CPU, precision=Precision("fp32", "cpu"), channels_last=True, world=World()
    )
    streams = [
        (share, serve(Patches(studies, sampling, recipe.augmentation, seed=recipe.seed), world=World(), epoch=0, step=0,
                      workers=0, pin=False))
        for share, sampling in samplings(recipe)
    ]  # fmt: skip
    began_s, steps, progress = time.process_time(), 0, 0.0
    while progress < 1.0:
        batches = streams[0][1] if progress < streams[0][0] else streams[-1][1]
        lr = recipe.optimizer.lr * lr_share(progress, recipe.schedule)
        learner.train_on(next(batches), lr=lr, weight=1.0, last=True)
        steps, progress = steps + 1, (time.process_time() - began_s) / cpu_s
    return learner.judged, steps


def measure(
    name: str, row: Row, bundle: Bundle, parts: tuple[list[Prepared], list[Prepared]], cpu_s: float
) -> dict[str, Any]:
    """Train and score one row: mean Dice of both labels, volume by volume."""
    changed = (
        bundle if row.network is None else replace(bundle, inference={**bundle.inference, "network_def": row.network})
    )
    layers = [Layer("bundle", bundle.train_values or {}), Layer("row", row.changes)]
    recipe = resolve(layers, name).recipe
    torch.manual_seed(recipe.seed)
    network, steps = train(build_network(changed), recipe, parts[0], cpu_s)
    scores = score_each(
        network,
        parts[1],
        inferer=build_inferer(bundle),
        labels=bundle.labels,
        device=CPU,
        precision=Precision("fp32", "cpu"),
        world=World(),
    )
    return {
        "row": name,
        "cpu_s": cpu_s,
        "steps": steps,
        "dice": {study: float(np.mean(list(one.values()))) for study, one in scores.items()},
    }


def line(name: str, found: dict[str, dict[str, Any]]) -> str:
    """A row of the table."""
    mine, against = found[name]["dice"], ROWS[name].against
    text = f"{name:28} {found[name]['steps']:5} steps  Dice {np.mean(list(mine.values())):.4f}"
    if against is None or against not in found:
        return text
    gains = np.array([dice - found[against]["dice"][study] for study, dice in mine.items()])
    draws = np.random.default_rng(0).integers(0, len(gains), (10_000, len(gains)))
    low, high = np.quantile(gains[draws].mean(axis=1), [0.025, 0.975])
    return f"{text}  {gains.mean():+.4f} ({low:+.4f} to {high:+.4f}) over {against}"


def main(data: Path, output: Path, names: list[str], cpu_s: float) -> None:
    """Measure what is missing and print the table."""
    output.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    path, bundle = output / "recipe_effects.jsonl", read_bundle(find_bundle(BUNDLE))
    parts = prepare(bundle, data)
    for name in names:
        if name not in _read(path, cpu_s):
            result = measure(name, ROWS[name], bundle, parts, cpu_s)
            with path.open("a", encoding="utf-8") as stream:
                stream.write("\n" + json.dumps(result))  # behind a line that was cut short, too
        print(line(name, _read(path, cpu_s)), flush=True)


def _read(path: Path, cpu_s: float) -> dict[str, dict[str, Any]]:
    """Rows that were trained so long; a line that was cut short is measured again."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    found = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}}")]
    return {one["row"]: one for one in found if one.get("cpu_s", CPU_S) == cpu_s}


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("data", type=Path)
    options.add_argument("output", type=Path)
    options.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(ROWS))
    options.add_argument("--seconds", type=float, default=CPU_S)
    given = options.parse_args()
    if unknown := set(given.rows) - ROWS.keys():
        options.error(f"no row {', '.join(sorted(unknown))}")
    main(given.data, given.output, given.rows or list(ROWS), given.seconds)

"""What each choice in the recipe of hippocampus_unet3d brings within the same work, one by one.

Does:  trains each row of recipe_rows.py for the same seconds of one core, counted as the process's own time so that
       other work on the machine does not matter, on three quarters of the volumes of MSD Task04 that fold 0 does not
       hold out; scores the others: one of four parts by person. The hold-out of fold 0 is not seen. Rows compare only
       within one precision: the recipe's, which takes bf16 where the processor has it.
Needs: a folder of MSD Task04 Hippocampus.
Makes: OUTPUT/ROW-SECONDS-PART.json; the table on the terminal: Dice, and the gain over the row it is compared with,
       volume by volume, with its 95 % bootstrap interval over persons.
Takes: ten minutes of a core for each row, or as many seconds as --seconds says; rows that are in OUTPUT are read. Two,
       with different rows, use two cores.
Run:   python benchmarks/recipe_effects.py DATA OUTPUT [ROW …] [--seconds 150] [--part 0 1]
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from recipe_rows import ROWS

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
from medseg.engine.device import choose_precision  # noqa: E402
from medseg.engine.distributed import World  # noqa: E402
from medseg.engine.learner import Learner  # noqa: E402
from medseg.engine.schedule import lr_share  # noqa: E402
from medseg.engine.scoring import score_each  # noqa: E402
from medseg.metrics.summary import summarise  # noqa: E402
from medseg.recipe.layers import Layer, resolve  # noqa: E402
from medseg.steps.data import Cohort, load_cohort  # noqa: E402
from medseg.steps.legs import samplings  # noqa: E402
from medseg.steps.prepare import prepare_all  # noqa: E402
from medseg.transforms.prepared import Prepared  # noqa: E402

CPU_S = 600.0  # of one core: what two cores do in five minutes
PARTS = 4  # of the volumes, one of which scores: about 40; both sides of a person are in one part
BUNDLE = "hippocampus_unet3d"
CPU = torch.device("cpu")
Found = dict[str, Any]  # "steps", and "dice" by study


@dataclass(frozen=True)
class Pool:
    """The volumes that fold 0 does not hold out, in memory: one part of them scores, the others train.

    Attributes:
        train: Studies that train.
        score: Studies that score.
    """

    train: list[Prepared]
    score: list[Prepared]


def prepare(bundle: Bundle, cohort: Cohort, part: int) -> Pool:
    """The studies of one part, and the others."""
    split = split_by_patient(cohort.dataset.studies, fold=0, folds=5, validation_share=0.1, seed=0)
    pool = [study for study in cohort.dataset.studies if study.id in split.train + split.validation]
    parts = split_by_patient(pool, fold=part, folds=PARTS, validation_share=0.1, seed=123)
    chain = build_preprocessing(bundle)
    train, score = (
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
    )
    return Pool(train, score)


def train(
    network: torch.nn.Module, recipe: Recipe, studies: list[Prepared], cpu_s: float
) -> tuple[torch.nn.Module, int]:
    """The averaged network after ``cpu_s`` seconds of this process, and its steps."""
    torch.manual_seed(recipe.seed)
    learner = Learner(
        network,
        recipe,
        device=CPU,
        precision=choose_precision(recipe.engine.precision, CPU),
        channels_last=recipe.engine.channels_last != "no",
        world=World(),
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


def measure(name: str, bundle: Bundle, pool: Pool, cpu_s: float) -> Found:
    """Train and score one row: mean Dice of both labels, volume by volume."""
    row = ROWS[name]
    network_def = bundle.inference["network_def"] if row.network is None else row.network
    changed = replace(bundle, inference={**bundle.inference, "network_def": network_def})
    recipe = resolve([Layer("bundle", bundle.train_values or {}), Layer("row", row.changes)], name).recipe
    torch.manual_seed(recipe.seed)
    network, steps = train(build_network(changed), recipe, pool.train, cpu_s)
    scores = score_each(
        network,
        pool.score,
        inferer=build_inferer(bundle),
        labels=bundle.labels,
        device=CPU,
        precision=choose_precision(recipe.engine.precision, CPU),
        world=World(),
    )
    return {"steps": steps, "dice": {study: float(np.mean(list(one.values()))) for study, one in scores.items()}}


def line(name: str, rows: dict[str, Found], patients: dict[str, str]) -> str:
    """A row of the table."""
    mine, against = rows[name]["dice"], ROWS[name].against
    text = f"{name:28} {rows[name]['steps']:5} steps  Dice {np.mean(list(mine.values())):.4f}"
    if against is None or against not in rows:
        return text
    gains = [dice - rows[against]["dice"][study] for study, dice in mine.items()]
    gain = summarise(gains, seed=0, patients=[patients[study] for study in mine])
    return f"{text}  {gain.mean:+.4f} ({gain.low:+.4f} to {gain.high:+.4f}) over {against}"


def main(data: Path, output: Path, names: list[str], cpu_s: float, parts: list[int]) -> None:
    """Measure what is missing and print the table."""
    output.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    bundle = read_bundle(find_bundle(BUNDLE))
    cohort = load_cohort(data, bundle, cache=None)
    patients = {study.id: study.patient for study in cohort.dataset.studies}
    pools = {part: prepare(bundle, cohort, part) for part in parts}
    for name in names:
        for part, pool in pools.items():
            path = output / f"{name}-{cpu_s:g}s-part{part}.json"
            if not path.is_file():
                path.write_text(json.dumps(measure(name, bundle, pool, cpu_s)), encoding="utf-8")
        print(line(name, read(output, cpu_s, parts), patients), flush=True)


def read(output: Path, cpu_s: float, parts: list[int]) -> dict[str, Found]:
    """Rows that were trained so long on every one of these parts: their volumes together, the mean of their steps."""
    rows = {}
    for name in ROWS:
        paths = [output / f"{name}-{cpu_s:g}s-part{part}.json" for part in parts]
        if all(path.is_file() for path in paths):
            found = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
            dice = {study: value for one in found for study, value in one["dice"].items()}
            rows[name] = {"steps": round(np.mean([one["steps"] for one in found])), "dice": dice}
    return rows


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("data", type=Path)
    options.add_argument("output", type=Path)
    options.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(ROWS))
    options.add_argument("--seconds", type=float, default=CPU_S)
    options.add_argument("--part", type=int, nargs="+", default=[0], choices=range(PARTS))
    given = options.parse_args()
    if unknown := set(given.rows) - ROWS.keys():
        options.error(f"no row {', '.join(sorted(unknown))}")
    main(given.data, given.output, given.rows or list(ROWS), given.seconds, given.part)

"""What `test_distributed.py` starts under torchrun: trains a convolution, writes down what each rank saw."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import torch
from monai.inferers import SlidingWindowInferer
from torch import nn

sys.path.insert(0, str(Path(__file__).parent))
from conftest import CPU, RECIPE, Memory, make_learner, make_study

from medseg.core.labels import Label, LabelSet
from medseg.engine.batches import Patches
from medseg.engine.checkpoint import save_checkpoint
from medseg.engine.device import Precision
from medseg.engine.distributed import World, depart, gather, join, largest, leader_says, leave, world_of_environment
from medseg.engine.pace import StepPace
from medseg.engine.scoring import score_network
from medseg.engine.training import Training

EPOCHS = 3
LABELS = LabelSet((Label("core", 1), Label("rim", 2)))


class Leader(Memory):
    """Writes the checkpoint, as the leader of a run does."""

    def save(self, state, *, is_best: bool) -> None:
        save_checkpoint(folder / f"{name}-{world.size}.pt", state)


class Seen(Patches):
    """Patches that remember which tickets were asked for."""

    def __getitem__(self, ticket):
        seen.append(list(ticket))
        return super().__getitem__(ticket)


def train(studies: int, batch: int, stop_on_rank: int | None = None) -> dict[str, object]:
    """Plain SGD, which shows a wrong gradient where AdamW would hide it."""
    sampling = replace(RECIPE.sampling, batch=batch, patches_per_study=1)
    optimizer, engine = replace(RECIPE.optimizer, name="sgd", lr=0.05), replace(RECIPE.engine, clip_norm=0.5)
    recipe = replace(RECIPE, sampling=sampling, optimizer=optimizer, engine=engine)
    patches = Seen([make_study(n) for n in range(studies)], recipe.sampling, recipe.augmentation, seed=0)
    torch.manual_seed(0)
    learner = make_learner(recipe, nn.Sequential(nn.Conv3d(1, 3, 3, padding=1)), world=world)
    watcher = Leader() if world.leads else Memory()
    watcher.stop_after = 2 if world.rank == stop_on_rank else None
    steps = len(patches.plan(0, world))
    validation = [make_study(n) for n in range(50, 53)]
    settings = {"inferer": SlidingWindowInferer(8), "labels": LABELS, "device": CPU, "world": world}
    training = Training(
        learner,
        patches,
        StepPace(EPOCHS * steps) if world.leads else StepPace(1),  # only the leader's pace counts
        lambda: score_network(learner.judged, validation, precision=Precision("fp32", "cpu"), **settings),
        watcher,
        workers=0,
    )
    outcome = training.run()
    return {
        "outcome": outcome,
        "weights": torch.cat([value.flatten() for value in learner.network.state_dict().values()]).tolist(),
        "average": torch.cat([value.flatten() for value in learner.judged.state_dict().values()]).tolist(),
        "dice": [report.dice for report in watcher.reports],
        "steps": training.counters.steps,
        "saved": len(watcher.saved),
    }


folder, runs = Path(sys.argv[1]), json.loads(sys.argv[2])
ranks = world_of_environment()
join(ranks, CPU)
talk = {"gather": gather(ranks.rank * 10, ranks), "leader": leader_says(f"from {ranks.rank}", ranks)}
talk["largest"] = largest([float(ranks.rank), -float(ranks.rank)], ranks, CPU)
(folder / f"talk-2-{ranks.rank}.json").write_text(json.dumps(talk))
for world in (ranks, World()) if ranks.leads else (ranks,):  # at last the leader alone, to compare with
    for name, studies, batch, stop_on_rank in runs:
        seen: list[list[int]] = []
        facts = train(studies, batch * 2 // world.size, stop_on_rank) | {"seen": seen}
        (folder / f"{name}-{world.size}-{world.rank}.json").write_text(json.dumps(facts))
    leave(world)
depart()

"""Train a few steps of a written bundle and say what they took; run as a process, it answers on its stdout."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medseg.core.errors import EXIT_REFUSED, MedsegError

if TYPE_CHECKING:
    from medseg.engine.learner import Learner
    from medseg.steps.legs import Leg

BATCHES = 6  # made to see how long one takes: each draws other changes
BESIDE_GIB = 0.1  # tracking, and the pictures of the hold-out: measured, a trial has neither
ANSWER = "medseg-probe "  # opens the lines that are answers


@dataclass(frozen=True)
class LegSpeed:
    """How fast one part of a run is; a recipe that opens with smaller patches has two.

    Attributes:
        share: Of the run.
        batch: Patches per step.
        step_s: Seconds from one training step to the next, with as many workers as a training has.
    """

    share: float
    batch: int
    step_s: float


@dataclass(frozen=True)
class Probe:
    """What a few steps showed.

    Attributes:
        device: Where they ran.
        precision: Their arithmetic.
        legs: The parts of a run in their order.
        study_s: Seconds to segment a study of median size, as validation does.
        holdout_s: Seconds to read and segment one on its own grid, as the end of a run does.
        prepare_s: Seconds to prepare a GiB of studies, as many at once as a training prepares.
        finish_s: Seconds for bundle, pictures, curves and tracking at the end of a run.
        peak_gib: Most memory, the largest study's segmentation on its own grid included, as the end of a run needs it;
            on CUDA that of the device, elsewhere that of the process with what a run's tracking and pictures add.
        prepared_gib: Of it, studies that the probe kept in memory.
        steps_gib: Most memory before the largest study was segmented.
        preparing_gib: Most memory before the first step.
    """

    device: str
    precision: str
    legs: tuple[LegSpeed, ...]
    study_s: float
    holdout_s: float
    prepare_s: float
    finish_s: float
    peak_gib: float
    prepared_gib: float
    steps_gib: float
    preparing_gib: float

    @property
    def needed_gib(self) -> float:
        """Most memory without the studies that were kept: a training may keep them on disk."""
        return self.peak_gib - self.prepared_gib


def measure_bundle(bundle_root: Path, data: Path, *, device: str, studies: Sequence[str]) -> Probe:
    """Train a few steps and segment a study, in this process; for the peak of its memory it should be a fresh one.

    Args:
        bundle_root: Folder of the bundle.
        data: What it is to be trained on.
        device: As ``--device`` takes it.
        studies: Ids of those to train on; the first is the largest, the second of median size; both are segmented.

    Raises:
        MedsegError: Something does not build or cannot be read.
    """
    from medseg.bundle.read import read_bundle
    from medseg.core.machine import default_folder
    from medseg.engine.device import choose_device, choose_precision, peak_memory_gib
    from medseg.engine.distributed import World
    from medseg.io.study import read_study
    from medseg.steps.course import FINISH_S, HOLDOUT_COST
    from medseg.steps.data import load_cohort
    from medseg.steps.legs import measure_legs
    from medseg.steps.parts import build_parts
    from medseg.steps.prepare import prepare_timed, size_gib
    from medseg.steps.request import TrainRequest, resolve_recipe

    bundle, folder, place = read_bundle(bundle_root), default_folder(), choose_device(device)
    recipe = resolve_recipe(bundle, TrainRequest(bundle=str(bundle_root), data=data)).recipe
    cohort = load_cohort(data, bundle, cache=folder / "files.json")
    precision = choose_precision(recipe.engine.precision, place)
    layouts = folder / "layouts.json"
    parts = build_parts(bundle, recipe, device=place, precision=precision, world=World(), layouts=layouts)
    chosen = cohort.studies(studies)
    beside_gib = 0.0 if place.type == "cuda" else BESIDE_GIB
    prepared, prepare_s = prepare_timed(chosen, parts.preprocessing, cohort.class_of_value)
    preparing_gib = peak_memory_gib(place) + beside_gib
    legs = measure_legs(parts, prepared, prepared[1:2] or prepared)
    speeds = tuple(_speed(leg, parts.learner) for leg in legs)
    steps_gib = peak_memory_gib(place) + beside_gib
    parts.predictor().predict(read_study(chosen[0]))
    study_s = legs[-1].speed.study_s
    return Probe(
        device=str(place),
        precision=precision.name,
        legs=speeds,
        study_s=study_s,
        holdout_s=HOLDOUT_COST * study_s,
        prepare_s=prepare_s / size_gib(prepared),
        finish_s=FINISH_S,
        peak_gib=peak_memory_gib(place) + beside_gib,
        prepared_gib=0.0 if place.type == "cuda" else size_gib(prepared),
        steps_gib=steps_gib,
        preparing_gib=preparing_gib,
    )


def _speed(leg: Leg, learner: Learner) -> LegSpeed:
    """Seconds of a leg's steps beside workers; also does the smallest step, as an epoch may end with it."""
    import torch

    from medseg.core.machine import cores
    from medseg.engine.batches import Batch, choose_workers, serve

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as a worker has
    batches = serve(leg.patches, world=learner.world, epoch=1, step=0, workers=0, pin=False)
    batch = next(batches)
    began_s = time.monotonic()
    for _ in range(BATCHES):
        next(batches)
    batch_s = (time.monotonic() - began_s) / BATCHES
    torch.set_num_threads(threads)
    # Another shape takes memory of its own: a batch of one adds a tenth to the peak of one of two.
    learner.train_on(Batch(batch.image[:1], batch.label[:1], batch.studies[:1]), lr=0.0, weight=1.0, last=True)
    between_s = between_steps_s(
        leg.speed.step_s,
        batch_s,
        threads=min(threads, cores()) if learner.device.type == "cpu" else 1,
        workers=choose_workers(None, cores()),
        cores=cores(),
    )
    return LegSpeed(leg.share, leg.patches.sampling.batch, between_s)


def between_steps_s(step_s: float, batch_s: float, *, threads: int, workers: int, cores: int) -> float:
    """Seconds from step to step in a training, where workers make batches beside it.

    Args:
        step_s: Of a step alone, its batch being there.
        batch_s: Of one worker for a batch.
        threads: That a step keeps busy; on a GPU the one that waits for it.
        workers: Processes that make batches; without any the step waits for its batch.
        cores: Of the machine; where threads and workers are more they share them.
    """
    if workers == 0:
        return step_s + batch_s
    return max(step_s, batch_s / workers, (threads * step_s + batch_s) / cores)


def _main(device: str) -> int:
    from medseg.engine.allocator import keep_freed_memory
    from medseg.runs.tracking_client import keep_mlflow_quiet

    keep_freed_memory()  # as a training does
    keep_mlflow_quiet()
    from medseg.engine.device import choose_device

    try:
        _say({"device": choose_device(device).type})
        import medseg.steps.session  # noqa: F401 - all that a training loads counts

        words = json.loads(sys.stdin.readline() or "{}")
        if words:
            found = measure_bundle(Path(words["bundle"]), Path(words["data"]), device=device, studies=words["studies"])
            _say(asdict(found))
    except MedsegError as error:
        _say({"fault": str(error)})
        return error.exit_code
    except (MemoryError, RuntimeError) as error:
        if not ran_out_of_memory(error):
            raise
        _say({"short": "memory ran out"})
        return EXIT_REFUSED
    return 0


def ran_out_of_memory(error: Exception) -> bool:
    """Whether an error says that memory was not enough: for Python, on a GPU, or for tensors on a CPU."""
    import torch

    told = isinstance(error, MemoryError | torch.OutOfMemoryError)
    # On a CPU and on Apple's GPUs torch raises a plain RuntimeError; its text alone tells.
    return told or any(words in str(error) for words in ("can't allocate memory", "not enough memory", "out of memory"))


def _say(answer: dict[str, Any]) -> None:
    print(ANSWER + json.dumps(answer), flush=True)


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1]))

"""Try a written bundle for a few steps in a process of its own, so that its peak memory is that of a training alone."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import medseg
from medseg.core.errors import MedsegError, TrainingError, UsageError

if TYPE_CHECKING:
    from medseg.engine.batches import Patches

BATCHES = 6  # made to see how long one takes: each draws other changes
_ANSWER = "medseg-probe "  # opens the lines that are answers
_SAID = 400  # characters of a failed probe's last line


@dataclass(frozen=True)
class Probe:
    """What a few steps showed.

    Attributes:
        device: Where they ran.
        precision: Their arithmetic.
        step_s: Seconds from one training step to the next, with as many workers as a training has.
        study_s: Seconds to segment a study of median size, as validation does.
        holdout_s: Seconds to segment and draw one, as the end of a run does.
        finish_s: Seconds for bundle, curves and tracking at the end of a run.
        peak_gib: Most memory, the largest study's segmentation on its own grid included, as the end of a run needs it;
            on CUDA that of the device, elsewhere that of the process.
        prepared_gib: Of it, studies that the probe kept in memory.
    """

    device: str
    precision: str
    step_s: float
    study_s: float
    holdout_s: float
    finish_s: float
    peak_gib: float
    prepared_gib: float


class Trial:
    """A fresh process that loads torch and MONAI at once, while others measure, and then tries one bundle.

    Args:
        device: As ``--device`` takes it.
    """

    def __init__(self, device: str) -> None:
        # The child finds medseg where this process found it, also where it is not installed.
        paths = [str(Path(medseg.__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in paths if path)}
        self._said = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - see __exit__
        self._process = subprocess.Popen(
            [sys.executable, "-m", "medseg.steps.planning_probe", device],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env=environment,
            text=True,
        )

    def __enter__(self) -> Trial:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()  # one that has answered is at its end already
        self._process.communicate()
        self._said.close()

    def device(self) -> str:
        """Kind of the device: "cpu", "cuda" or "mps"; call it once, before ``run``.

        Raises:
            UsageError: This machine has no such device.
            TrainingError: The process failed.
        """
        answer = self._answer()
        if "fault" in answer:
            raise UsageError(str(answer["fault"]))
        return str(answer["device"])

    def run(self, bundle: Path, data: Path, *, studies: Sequence[str]) -> Probe:
        """Train a few steps and segment a study; call it once, after ``device``.

        Args:
            bundle: Folder of the bundle.
            data: What it is to be trained on.
            studies: Ids of those to train on; the first is the largest, the second of median size; both are segmented.

        Raises:
            TrainingError: The process failed; its reason is passed on.
        """
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended already; its answer, or the lack of one, says why
            words = {"bundle": str(bundle), "data": str(data), "studies": list(studies)}
            self._process.stdin.write(json.dumps(words) + "\n")
            self._process.stdin.flush()
        answer = self._answer()
        if "fault" in answer:
            raise TrainingError(f"The planned bundle could not be tried for a few steps: {answer['fault']}")
        return Probe(**answer)

    def _answer(self) -> dict[str, Any]:
        """The next line that is an answer; what libraries print besides is passed over."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(_ANSWER):
                return dict(json.loads(line.removeprefix(_ANSWER)))
        raise TrainingError(f"The planned bundle could not be tried for a few steps: {self._why()}")

    def _why(self) -> str:
        code = self._process.wait()
        if code < 0:
            return f"it was ended by signal {-code}, as the system does where memory runs out"
        self._said.seek(0)
        lines = self._said.read().strip().splitlines()
        return lines[-1][:_SAID] if lines else f"it ended with exit code {code} and said nothing"


def measure_bundle(bundle_root: Path, data: Path, *, device: str, studies: Sequence[str]) -> Probe:
    """What ``Trial.run`` gives, measured in this process; it should be a fresh one.

    Raises:
        MedsegError: Something does not build or cannot be read.
    """
    import torch

    from medseg.bundle.read import read_bundle
    from medseg.core.machine import cores, default_folder
    from medseg.engine.batches import Patches, choose_workers
    from medseg.engine.device import choose_device, choose_precision, peak_memory_gib
    from medseg.engine.distributed import World
    from medseg.engine.probe import measure
    from medseg.io.study import read_study
    from medseg.steps.course import FINISH_S, HOLDOUT_COST
    from medseg.steps.data import load_cohort
    from medseg.steps.parts import build_parts
    from medseg.steps.prepare import prepare_study
    from medseg.steps.request import TrainRequest, resolve_recipe

    bundle, folder, place = read_bundle(bundle_root), default_folder(), choose_device(device)
    recipe = resolve_recipe(bundle, TrainRequest(bundle=str(bundle_root), data=data)).recipe
    cohort = load_cohort(data, bundle, cache=folder / "files.json")
    precision = choose_precision(recipe.engine.precision, place)
    layouts = folder / "layouts.json"
    parts = build_parts(bundle, recipe, device=place, precision=precision, world=World(), layouts=layouts)
    chosen = cohort.studies(studies)
    prepared = [prepare_study(study, parts.preprocessing, cohort.class_of_value) for study in chosen]
    patches = Patches(prepared, recipe.sampling, recipe.augmentation, seed=recipe.seed)
    speed = measure(parts.learner, patches, lambda: parts.validate(prepared[1:2] or prepared))
    step_s = between_steps_s(
        speed.step_s,
        _batch_s(patches),
        threads=min(torch.get_num_threads(), cores()) if place.type == "cpu" else 1,
        workers=choose_workers(None, cores()),
        cores=cores(),
    )
    parts.predictor().predict(read_study(chosen[0]))
    kept = sum(one.image.nbytes + one.label.nbytes for one in prepared) / 2**30
    return Probe(
        device=str(place),
        precision=precision.name,
        step_s=step_s,
        study_s=speed.study_s,
        holdout_s=HOLDOUT_COST * speed.study_s,
        finish_s=FINISH_S,
        peak_gib=peak_memory_gib(place),
        prepared_gib=0.0 if place.type == "cuda" else kept,
    )


def _batch_s(patches: Patches) -> float:
    """Seconds that one worker takes for a batch."""
    import torch

    from medseg.engine.batches import serve
    from medseg.engine.distributed import World

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as a worker has
    batches = serve(patches, world=World(), epoch=1, step=0, workers=0, pin=False)
    next(batches)
    began_s = time.monotonic()
    for _ in range(BATCHES):
        next(batches)
    torch.set_num_threads(threads)
    return (time.monotonic() - began_s) / BATCHES


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
    from medseg.runs.tracking import keep_mlflow_quiet

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
    return 0


def _say(answer: dict[str, Any]) -> None:
    print(_ANSWER + json.dumps(answer), flush=True)


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1]))

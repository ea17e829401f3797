"""From a data set to a bundle that fits it: measured, planned, tried for a few steps, and only then put in place."""

from __future__ import annotations

import math
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from medseg.core.errors import OutputError, UsageError
from medseg.core.files import write_text
from medseg.core.in_words import gigabytes, times
from medseg.core.machine import studies_at_once
from medseg.core.types import Shape
from medseg.planning.card import bundle_files
from medseg.planning.parts import plan_split
from medseg.planning.plan import Options, Plan, make_plan
from medseg.planning.spacing import resampled
from medseg.runs.progress import Progress
from medseg.steps.fingerprint import Found, take_fingerprint
from medseg.steps.planning_probe import Probe
from medseg.steps.planning_trial import Trial
from medseg.steps.planning_words import data_lines, doubts, plan_lines, probe_lines

Say = Callable[[str], None]
Start = Callable[[str], Trial]
SURE_DEVICES = ("auto", "cpu")  # every machine has them; any other is asked for before the data is measured
TRIED = 4  # studies the probe trains on at least
# Candidates passed over, try by try: the formula is rarely wrong by more than one patch. The last try is the smallest.
PASSED_OVER = (1, 3, 7, 15, sys.maxsize)


@dataclass(frozen=True)
class PlanRequest:
    """What to plan.

    Attributes:
        data: In any layout.
        name: Of the new bundle.
        output: Folder of bundles.
        network: Row of ``NETWORKS``, or "auto".
        memory_gib: Limit of a training.
        budget_min: Wall time of a training, in minutes; None counts epochs.
        device: auto, cpu, cuda, cuda:N or mps.
        modality: MR, CT or another word; None takes what the data says.
        cache: Where looks and measures are remembered; None measures all again.
    """

    data: Path
    name: str
    output: Path
    network: str
    memory_gib: float
    budget_min: float | None
    device: str
    modality: str | None
    cache: Path | None


def plan_bundle(request: PlanRequest, *, say: Say, warn: Say, start: Start = Trial) -> Path:
    """A new bundle folder for a data set; whole, or not there at all.

    Args:
        request: What to plan.
        say: Shows a line to the user.
        warn: Shows a warning.
        start: Starts the process that tries the bundle.

    Raises:
        DatalistError: The data has faults; all at once.
        UsageError: The device is not there, or the memory, as asked for or as there is, is too little for any patch.
        OutputError: The bundle exists, or cannot be written.
        TrainingError: The bundle could not be tried.
    """
    place = request.output / request.name
    if place.exists():
        raise OutputError(f"'{place}' exists; give another --name, or remove it to plan again")
    _try_output(request.output, place)
    with start(request.device) as trial:  # it loads its libraries while the data is measured
        device = None if request.device in SURE_DEVICES else trial.device()
        found = _measure(request, warn)
        for line in data_lines(found):
            say(line)
        for warning in doubts(found.fingerprint):
            warn(warning)
        options = Options(
            request.name, request.network, request.memory_gib, request.budget_min, device or trial.device()
        )
        try:
            request.output.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".tmp-plan-", dir=request.output) as temporary:
                work = Path(temporary) / request.name
                plan, tried = _fitting(found, options, work, request, trial, say, start)
                for line in probe_lines(plan, tried):
                    say(line)
                work.rename(place)
        except OSError as error:
            raise _cannot_write(place, error) from error
    return place


def _try_output(output: Path, place: Path) -> None:
    """Refuse a folder that cannot be written before hours of measuring; nothing stays behind."""
    whole = output.absolute()
    try:
        there = next(folder for folder in (whole, *whole.parents) if folder.exists())
        with tempfile.TemporaryDirectory(prefix=".tmp-plan-", dir=there):
            pass
    except OSError as error:
        raise _cannot_write(place, error) from error


def _cannot_write(place: Path, error: OSError) -> OutputError:
    return OutputError(f"Cannot write '{place}': {error.strerror or error}. Choose another --output")


def _measure(request: PlanRequest, warn: Say) -> Found:
    with Progress(None, "Measuring studies") as progress:
        return take_fingerprint(
            request.data,
            modality=request.modality,
            folder=request.cache,
            warn=warn,
            seen=lambda *_: progress.advance(),
        )


def _fitting(
    found: Found, options: Options, work: Path, request: PlanRequest, first: Trial, say: Say, start: Start
) -> tuple[Plan, Probe]:
    """The first plan whose trial stays within the memory; its files are in ``work``."""
    plan = _written(found, options, work, smaller=0)
    studies = _studies_to_try(found, plan)
    for line in plan_lines(plan):
        say(line)
    tried = first.run(work, request.data, studies=studies)
    for smaller in PASSED_OVER:
        if _is_within(options, tried) or _preparing_decides(options, tried) or _study_decides(options, plan, tried):
            break
        before, plan = plan, _written(found, options, work, smaller=smaller)
        if plan.fit.shrunk == before.fit.shrunk:
            break  # the smallest has been tried
        say(f"smaller   {times(plan.fit.patch)}, {plan.fit.batch} per step: {_found(tried)} before, when tried")
        with start(request.device) as again:  # a process remembers its peak, so each trial has its own
            again.device()
            tried = again.run(work, request.data, studies=studies)
    if tried is None or not _is_within(options, tried):
        raise UsageError(_too_much(found, options, plan, tried))
    return plan, tried


def _is_within(options: Options, tried: Probe | None) -> bool:
    return tried is not None and tried.needed_gib <= options.memory_gib


def _preparing_decides(options: Options, tried: Probe | None) -> bool:
    """Whether preparing alone takes more than the limit, whatever the patch."""
    return tried is not None and tried.preparing_gib - tried.prepared_gib > options.memory_gib


def _study_decides(options: Options, plan: Plan, tried: Probe | None) -> bool:
    """Whether a smaller patch is of no use: the steps keep within the limit, and by the formula they need less."""
    if tried is None or not plan.fit.demand.study_decides:
        return False
    return tried.steps_gib - tried.prepared_gib <= options.memory_gib


def _written(found: Found, options: Options, work: Path, *, smaller: int) -> Plan:
    plan = make_plan(found.fingerprint, options, split=plan_split(found.dataset.studies), smaller=smaller)
    shutil.rmtree(work, ignore_errors=True)
    for name, text in bundle_files(plan).items():
        write_text(work / name, text)
    return plan


def _found(tried: Probe | None) -> str:
    return "memory ran out" if tried is None else f"{gigabytes(tried.needed_gib)} GB"


def _too_much(found: Found, options: Options, plan: Plan, tried: Probe | None) -> str:
    """Why no patch keeps within the memory; that of the plan is the smallest, or the patch makes no difference."""
    asked = f"--memory {gigabytes(options.memory_gib)}GB"
    if tried is None:
        return (
            f"{asked}: memory runs out when the smallest patch, {times(plan.fit.patch)}, is tried. Close what else "
            "holds memory here, or plan on a machine that has more"
        )
    what = f"the smallest patch, {times(plan.fit.patch)},"
    if _preparing_decides(options, tried):
        what = f"preparing {studies_at_once()} studies at a time, whatever the patch,"
    elif _study_decides(options, plan, tried):
        largest = max(_sizes(found, plan).values())[1]
        what = f"segmenting the largest study, {times(largest)}, whatever the patch,"
    enough = gigabytes(math.ceil(tried.needed_gib * 10) / 10)
    return f"{asked}: {what} takes {gigabytes(tried.needed_gib)} GB when it is tried. Give --memory {enough}GB or more"


def _studies_to_try(found: Found, plan: Plan) -> list[str]:
    """As many as are prepared at once, ``TRIED`` at least: the largest, one of median size, and the first others."""
    sizes = _sizes(found, plan)
    by_size = sorted(sizes, key=lambda name: (sizes[name][0], name))
    chosen = list(dict.fromkeys([by_size[-1], by_size[len(by_size) // 2]]))
    others = [study.id for study in found.dataset.studies if study.id not in chosen]
    return [*chosen, *others][: max(TRIED, studies_at_once())]


def _sizes(found: Found, plan: Plan) -> dict[str, tuple[int, Shape]]:
    """Study to its voxels and shape, as it is stored or as it is prepared: the larger is what takes the memory."""
    measures = found.measures.values()
    boxes = [one.box if plan.normalisation.crop else one.shape for one in measures]
    prepared = resampled(boxes, [one.spacing_mm for one in measures], plan.spacing_mm)
    larger = [max(one.shape, shape, key=math.prod) for one, shape in zip(measures, prepared, strict=True)]
    return {name: (math.prod(shape), shape) for name, shape in zip(found.measures, larger, strict=True)}

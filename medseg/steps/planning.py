"""From a data set to a bundle that fits it: measured, planned, tried for a few steps, and only then put in place."""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from medseg.core.errors import OutputError, UsageError
from medseg.core.files import write_text
from medseg.planning.card import bundle_files
from medseg.planning.parts import plan_split
from medseg.planning.plan import Options, Plan, make_plan
from medseg.runs.progress import Progress
from medseg.steps.fingerprint import Found, take_fingerprint
from medseg.steps.planning_probe import Probe
from medseg.steps.planning_trial import Trial
from medseg.steps.planning_words import data_lines, doubts, plan_lines, probe_lines, times

Say = Callable[[str], None]
Start = Callable[[str], Trial]
TRIED = 4  # studies the probe trains on, the largest and one of median size among them
MOST_TRIES = 5  # the formula is rarely wrong by more than one patch


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
    with start(request.device) as trial:  # it loads its libraries while the data is measured
        found = _measure(request, warn)
        for line in data_lines(found):
            say(line)
        for warning in doubts(found.fingerprint):
            warn(warning)
        options = Options(request.name, request.network, request.memory_gib, request.budget_min, trial.device())
        try:
            request.output.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".tmp-plan-", dir=request.output) as temporary:
                work = Path(temporary) / request.name
                plan, tried = _fitting(found, options, work, request, trial, say, start)
                for line in probe_lines(plan, tried):
                    say(line)
                work.rename(place)
        except OSError as error:
            raise OutputError(f"Cannot write '{place}': {error.strerror or error}. Choose another --output") from error
    return place


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
    studies = _studies_to_try(found)
    plan = _written(found, options, work, smaller=0)
    for line in plan_lines(plan):
        say(line)
    tried = first.run(work, request.data, studies=studies)
    smaller = 0
    for _ in range(MOST_TRIES - 1):
        if tried is not None and tried.peak_gib <= options.memory_gib:
            break
        smaller = 2 * smaller + 1
        plan = _smaller(found, options, work, smaller, plan, tried)
        say(f"smaller   {times(plan.fit.patch)}, {plan.fit.batch} per step: {_found(tried)} before, when tried")
        with start(request.device) as again:  # a process remembers its peak, so each trial has its own
            again.device()
            tried = again.run(work, request.data, studies=studies)
    if tried is None or tried.peak_gib > options.memory_gib:
        raise UsageError(_too_much(options, plan, tried))
    return plan, tried


def _written(found: Found, options: Options, work: Path, *, smaller: int) -> Plan:
    plan = make_plan(found.fingerprint, options, split=plan_split(found.dataset.studies), smaller=smaller)
    shutil.rmtree(work, ignore_errors=True)
    for name, text in bundle_files(plan).items():
        write_text(work / name, text)
    return plan


def _smaller(found: Found, options: Options, work: Path, smaller: int, plan: Plan, tried: Probe | None) -> Plan:
    try:
        return _written(found, options, work, smaller=smaller)
    except UsageError:  # there is no smaller patch, and what the last one took is known better than by the formula
        raise UsageError(_too_much(options, plan, tried)) from None


def _found(tried: Probe | None) -> str:
    return "memory ran out" if tried is None else f"{tried.peak_gib:.2g} GB"


def _too_much(options: Options, plan: Plan, tried: Probe | None) -> str:
    if tried is None:
        return (
            f"--memory {options.memory_gib:.2g}GB: memory runs out when a patch of {times(plan.fit.patch)} is tried. "
            "Close what else holds memory here, or plan on a machine that has more"
        )
    enough = math.ceil(tried.peak_gib * 10) / 10
    return (
        f"--memory {options.memory_gib:.2g}GB: a patch of {times(plan.fit.patch)} takes {tried.peak_gib:.2g} GB when "
        f"it is tried. Give --memory {enough:.2g}GB or more"
    )


def _studies_to_try(found: Found) -> list[str]:
    """The largest study, one of median size, and the first others."""
    by_size = sorted(found.measures, key=lambda name: (math.prod(found.measures[name].shape), name))
    chosen = list(dict.fromkeys([by_size[-1], by_size[len(by_size) // 2]]))
    others = [study.id for study in found.dataset.studies if study.id not in chosen]
    return [*chosen, *others][:TRIED]

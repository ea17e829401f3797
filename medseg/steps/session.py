"""One training from request to scored bundle: the order of things, and what happens when one goes wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from medseg.bundle.read import Bundle
from medseg.core.errors import UsageError
from medseg.core.machine import cores, default_folder
from medseg.core.recipe import Recipe
from medseg.core.study import Study
from medseg.engine.batches import choose_workers
from medseg.engine.device import choose_device, choose_precision, peak_memory_gib
from medseg.engine.distributed import World, depart, join, leader_says, leave, world_of_environment
from medseg.recipe.layers import Resolved
from medseg.runs.progress import Progress, format_seconds
from medseg.runs.record import read_record, spent_s
from medseg.steps.closing import Result, close_run
from medseg.steps.course import HOLDOUT_COST, Course, plot_course
from medseg.steps.data import Cohort, load_cohort, phantom_cohort, summary
from medseg.steps.opening import OpenRun, open_run
from medseg.steps.parts import Parts, build_parts, check_share
from medseg.steps.prepare import cache_key, fits_memory, prepare_all
from medseg.steps.request import TrainRequest
from medseg.steps.stopping import StopWish, stop_on_signals
from medseg.steps.task import Task, check_choosers, split_line, split_of
from medseg.steps.unseen import choosers_of, run_of
from medseg.steps.watcher import LeadingWatcher, SilentWatcher
from medseg.transforms.cache import DiskCache
from medseg.transforms.prepared import Prepared

LOG = logging.getLogger("medseg")
Say = Callable[[str], None]


def check_task(
    request: TrainRequest,
    bundle: Bundle,
    resolved: Resolved,
    *,
    began_s: float,
    say: Say,
    chose: Sequence[str] | None = None,
) -> Task:
    """Everything that can be wrong before the first step, found before anything is written.

    Args:
        request: What to train on what.
        bundle: The model.
        resolved: Its recipe.
        began_s: When the command began.
        say: Shows a line to the user.
        chose: Studies whose label maps had chosen the bundle's postprocessing when its training began; None asks
            the run that the bundle is from.

    Raises:
        MedsegError: The device, the data or the split cannot be used; the message says why.
    """
    world = world_of_environment()
    if world.size > 1 and ":" in request.device:
        raise UsageError(
            f"--device {request.device} would put all {world.size} processes on one GPU; give cuda or auto"
        )
    device = choose_device(request.device, local_rank=world.local_rank)
    precision = choose_precision(resolved.recipe.engine.precision, device)
    join(world, device)
    if world.leads:  # first alone, so that the others find its phantom cohort and its list of files read
        cohort = _cohort(request, bundle, resolved.recipe, say)
        leader_says(None, world)
    else:
        leader_says(None, world)
        cohort = _cohort(request, bundle, resolved.recipe, say=lambda _: None)
    recipe = resolved.recipe
    split = split_of(cohort, recipe, request.fold)
    chose = choosers_of(bundle, run_of(bundle, request.bundle)) if chose is None else tuple(chose)
    check_choosers(cohort, split, chose)
    check_share(len(split.train), recipe, world)
    return Task(request, bundle, resolved, cohort, split, world, device, precision, began_s, chose)


def train_task(task: Task, *, resume: Path | None, say: Say) -> Result:
    """Train, score the hold-out, and leave a run folder with a complete bundle.

    Args:
        task: From ``check_task``.
        resume: Folder of the run to go on with; None starts a new one.
        say: Shows a line to the user.

    Raises:
        MedsegError: The run could not be opened or failed; its record and tracking say so.
    """
    say(split_line(task.split))
    with stop_on_signals() as wish, _opened(task, resume, say) as run:
        parts, train, validation = _build(task, run.state)
        watcher = _watcher(task, run, wish)
        course = plot_course(
            parts,
            train=train,
            validation=validation,
            scored=_scored(task),
            watcher=watcher,
            workers=choose_workers(task.request.workers, cores()),
            ends_at_s=_ends_at_s(task, run),
            state=run.state,
        )
        say(_forecast(course, task))
        outcome = _run(course, watcher, wish, task.world)
        leave(task.world)
        if not task.world.leads:
            depart()
        return close_run(task, run, course, parts, outcome, say, validation=validation)


def fill_cache(task: Task) -> None:
    """Prepare studies ahead where they are kept on disk, so that the first of many trainings starts like the rest."""
    cache = _choose_cache(task)
    if cache is not None:
        studies = task.cohort.studies((*task.split.train, *task.split.validation))
        _prepare(task, _parts(task, None), studies, cache)


def dry_run(task: Task, *, say: Say) -> None:
    """Prepare one study of each part, do a few steps, segment a study; makes no run."""
    say(split_line(task.split))
    studies = task.cohort.studies((task.split.train[0], task.split.validation[0]))
    parts = _parts(task, None)
    train, validation = _prepare(task, parts, studies, cache=None)
    watcher = SilentWatcher(StopWish())
    course = plot_course(
        parts, train=[train], validation=[validation], scored=1, watcher=watcher, workers=0, ends_at_s=None, state=None
    )
    patches = len(task.split.train) * task.recipe.sampling.patches_per_study
    speed = course.legs[-1].speed
    epoch_s = speed.step_s * patches / task.recipe.sampling.batch
    say(
        f"Dry run: a step takes {speed.step_s:.2f} s, a study {speed.study_s:.1f} s, an epoch about "
        f"{format_seconds(epoch_s)}; peak memory {peak_memory_gib(task.device):.1f} GiB. No run was made."
    )


def _cohort(request: TrainRequest, bundle: Bundle, recipe: Recipe, say: Say) -> Cohort:
    data = request.data or phantom_cohort(bundle, request.output, seed=recipe.seed, say=say)
    folder = request.cache_dir or default_folder()
    cohort = load_cohort(data, bundle, cache=folder / "files.json")
    for line in summary(cohort):
        say(line)
    return cohort


@contextmanager
def _opened(task: Task, resume: Path | None, say: Say) -> Iterator[OpenRun]:
    """The run's folder, record and tracking; whatever ends the block, they say how it ended."""
    run = open_run(task, resume, say)
    try:
        yield run
    except BaseException as error:
        run.fail(error)
        raise


def _parts(task: Task, state: dict[str, Any] | None) -> Parts:
    return build_parts(
        task.bundle,
        task.recipe,
        device=task.device,
        precision=task.precision,
        world=task.world,
        layouts=(task.request.cache_dir or default_folder()) / "layouts.json",
        channels_last=None if state is None else state.get("channels_last"),
    )


def _build(task: Task, state: dict[str, Any] | None) -> tuple[Parts, list[Prepared], list[Prepared]]:
    parts = _parts(task, state)
    ids = (*task.split.train, *task.split.validation)
    studies = task.cohort.studies(ids)
    cache = _choose_cache(task)
    if task.world.leads:  # alone, so that no study is prepared twice
        prepared = _prepare(task, parts, studies, cache)
        leader_says(None, task.world)
    else:
        leader_says(None, task.world)
        prepared = _prepare(task, parts, studies, cache)
    for study in prepared[: len(task.split.train)]:
        if not study.positions:
            LOG.warning("study %s has no labelled voxel; its patches are drawn anywhere", study.id)
    return parts, prepared[: len(task.split.train)], prepared[len(task.split.train) :]


def _choose_cache(task: Task) -> DiskCache | None:
    kind = task.request.cache
    facts = task.cohort.inspection.studies
    voxels = sum(one.shape[0] * one.shape[1] * one.shape[2] for one in facts)
    fits = fits_memory(voxels, len(task.bundle.channels), ranks=task.world.size)
    if kind == "memory" or (kind == "auto" and task.world.size == 1 and fits):
        return None
    return DiskCache((task.request.cache_dir or default_folder()) / "prepared")


def _prepare(task: Task, parts: Parts, studies: list[Study], cache: DiskCache | None) -> list[Prepared]:
    chain, classes = task.bundle.inference["preprocessing"], task.cohort.class_of_value
    with Progress(len(studies), "Preparing studies", rank=task.world.rank) as progress:
        return prepare_all(
            studies,
            preprocessing=parts.preprocessing,
            class_of_value=classes,
            cache=cache,
            key_of=lambda study: cache_key(study.id, task.cohort.digests[study.id], chain, classes),
            advance=progress.advance,
        )


def _scored(task: Task) -> float:
    """What is segmented after the training, in validation studies; these are prepared, and need only be segmented."""
    if not task.scores_holdout:
        return float(len(task.split.validation))
    return HOLDOUT_COST * len(task.split.holdout) * task.request.holdout_passes


def _watcher(task: Task, run: OpenRun, wish: StopWish) -> SilentWatcher:
    if not task.world.leads or run.metrics is None:
        return SilentWatcher(wish)
    return LeadingWatcher(wish, run.folder, run.metrics, run.tracker)


def _ends_at_s(task: Task, run: OpenRun) -> float | None:
    budget_min = task.recipe.length.budget_min
    if budget_min is None:
        return None
    # The record knows what reading and preparing took too, but not what a sitting took that was killed.
    trained_s = 0.0 if run.state is None else float(run.state["counters"]["elapsed_s"])
    used_s = max(trained_s, spent_s(read_record(run.folder.record))) if task.world.leads else trained_s
    return task.began_s + budget_min * 60.0 - used_s


def _forecast(course: Course, task: Task) -> str:
    pace = ", then of ".join(f"{leg.speed.step_s:.2f} s" for leg in course.legs)
    return (
        f"Training: {course.steps} steps of {pace}, about {format_seconds(course.seconds)} on "
        f"{task.device} in {task.precision.name}; memory so far {peak_memory_gib(task.device):.1f} GiB"
    )


def _run(course: Course, watcher: SilentWatcher, wish: StopWish, world: World) -> str:
    done = int(course.training.pace.progress * 100)
    with Progress(100, "Training, percent", rank=world.rank, done=done) as bar:
        if isinstance(watcher, LeadingWatcher):
            watcher.show_on(bar, done)
        wish.patient = True
        try:
            return course.training.run()
        finally:
            wish.patient = False

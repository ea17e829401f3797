"""Segment studies one by one; each gets an outcome, and none stops the others."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from medseg.core.errors import OutputError
from medseg.core.files import digest_of
from medseg.core.in_words import counted
from medseg.core.machine import default_folder
from medseg.engine.inference import Predictor
from medseg.runs.progress import Progress
from medseg.runs.record import inference_records, read_record
from medseg.steps.chain_costs import ChainCosts
from medseg.steps.cohort_flow import outcomes_of
from medseg.steps.cohort_record import CohortRecord
from medseg.steps.computing import Computing
from medseg.steps.ensemble import Ensemble
from medseg.steps.job_grid import grid_of
from medseg.steps.jobs import Job, Outcome, Worklist
from medseg.steps.journal import Journal
from medseg.steps.memory_plan import MemoryPlan
from medseg.steps.predictors import predictor_of
from medseg.steps.read_ahead import wait_for_first
from medseg.steps.results import (
    ResultOptions,
    ResultWriter,
    check_writable,
    discard_results,
    result_files,
    shows_scan,
)
from medseg.steps.room import check_room
from medseg.steps.segmenter import Segmenter
from medseg.steps.sharing import ALL, Sharing
from medseg.steps.study_report import Circumstances


def infer_cohort(
    model: Ensemble,
    worklist: Worklist,
    *,
    output: Path,
    how: Computing,
    results: ResultOptions,
    say: Callable[[str], None],
    sharing: Sharing = ALL,
    max_memory_gib: float | None = None,
) -> list[Outcome]:
    """Segment every study of a list.

    Args:
        model: With trained weights.
        worklist: The studies.
        output: Gets the results and run.json.
        how: Device, precision, and whether as stock MONAI.
        results: What to write.
        say: Shows a line to the user.
        sharing: Where this part is recorded, and whether an earlier inference is gone on with.
        max_memory_gib: Main memory that may be taken; None for most of what is free.

    Returns:
        What became of each study; where an earlier inference is gone on with, of those that it did as well.

    Raises:
        OutputError: The output cannot be written, or would replace an input.
    """
    began_s = time.monotonic()
    precision = how.on_this_machine()
    check_writable(model.bundle, worklist.jobs, results, is_all=sharing.part == ALL.part)
    _check_output(worklist.jobs, results, output)
    journal = Journal(output / sharing.journal, digest_of([model.digest, asdict(how), asdict(results), precision.name]))
    done = _done_before(worklist, journal, results) if sharing.go_on else {}
    todo = replace(worklist, jobs=tuple(job for job in worklist.jobs if job.id not in done))
    grids = {job.id: grid for job in todo.jobs if (grid := grid_of(job)) is not None}
    largest = max(grids.values(), key=lambda grid: math.prod(grid.shape), default=None)
    check_room(output, largest, len(model.bundle.labels.labels) + 1, results)
    read_ahead = wait_for_first(todo)  # what it allocates would be taken for that of what is measured now
    predictor = predictor_of(
        model.members,
        how,
        flip_axes=model.flip_axes,
        memory=_measured(),
        extras=results.extras,
        scratch=output,
    )
    chain = [model.bundle.inference["preprocessing"], model.bundle.inference["postprocessing"]]
    costs = ChainCosts(predictor, len(model.bundle.channels), chain, _measured())
    by_size = sorted(grids.values(), key=lambda grid: -math.prod(grid.shape))
    costs.learn(grid.affine_ras for grid in by_size)
    shows_any = any(shows_scan(job, results) for job in todo.jobs)
    fits = MemoryPlan(predictor, costs, largest, max_memory_gib, shows_any, say, read_ahead)
    if len(todo.jobs) > 1:
        fits.choose_overlap()
    device = str(predictor.device)
    say(f"{len(todo.jobs)} studies; bundle {model.name} {model.version}, {device}, {precision.name}")
    if sharing.go_on:
        say(f"{len(done)} done before")
    if not model.is_plain:
        say(_averaging(model, predictor))
    _clear(output, sharing, journal, todo)
    writer = ResultWriter(model, results, output, Circumstances(device, precision.name), sharing.unfinished)
    record = CohortRecord(output / sharing.record, began_s, len(worklist.jobs) + len(worklist.outcomes))
    with (
        record.start(model, worklist, device=device, precision=precision.name),
        Progress(len(todo.jobs), "Segmenting") as progress,
    ):
        record.add([*done.values(), *worklist.outcomes])
        _tell(progress, worklist.outcomes)
        for outcome in outcomes_of(todo.jobs, Segmenter(predictor, writer, journal, fits, grids), beside=fits.beside):
            record.add([outcome])
            _tell(progress, [outcome])
            progress.advance()
    return record.outcomes


def _measured() -> Path:
    """What was measured on this machine before."""
    return default_folder() / "measured.json"


def _done_before(worklist: Worklist, journal: Journal, results: ResultOptions) -> dict[str, Outcome]:
    return journal.done(worklist.jobs, {job.id: result_files(job, results) for job in worklist.jobs})


def _clear(output: Path, sharing: Sharing, journal: Journal, todo: Worklist) -> None:
    """Remove what is to be made anew, so that a study that fails now shows no old result."""
    if not sharing.go_on:
        journal.begin_anew()
    for folder in output.glob(f"{sharing.unfinished}*"):  # of this part: another machine may be writing others
        shutil.rmtree(folder, ignore_errors=True)
    for name in (sharing.record, sharing.journal):
        for file in output.glob(f".tmp-*-{name}"):
            file.unlink(missing_ok=True)
    if inference_records(output):  # of an earlier inference, or _check_output would have refused
        for study in [*(job.id for job in todo.jobs), *(one.study for one in todo.outcomes)]:
            discard_results(output, study)


def _tell(progress: Progress, outcomes: Sequence[Outcome]) -> None:
    for outcome in outcomes:
        if outcome.reason is not None:
            progress.say(f"failed: {outcome.study}: {outcome.reason}")
        for warning in outcome.warnings:
            progress.say(f"warning: {outcome.study}: {warning['sentence']}")


def _averaging(model: Ensemble, predictor: Predictor) -> str:
    """What is averaged, and what it costs."""
    weights = sum(tensor.nbytes for one in predictor.members for tensor in one.forward.network.state_dict().values())
    images = 2 ** len(model.flip_axes)
    mirrored = f", each of {images} mirror images (axes {', '.join(map(str, model.flip_axes))})" if images > 1 else ""
    return (
        f"Averaged: {counted(len(model.members), 'network')}{mirrored}; all in memory, "
        f"{weights / 2**20:.0f} MiB of weights; up to {len(model.members) * images} times the time of one network alone"
    )


def _check_output(jobs: Sequence[Job], results: ResultOptions, output: Path) -> None:
    """Refuse to replace what no inference wrote: inputs, expert labels, the record of a training."""
    records = inference_records(output)
    for verb in (read_record(record).get("verb") for record in records):
        if verb != "infer":
            raise OutputError(
                f"--output '{output}' holds a run of medseg {verb or 'another version'}; choose another folder."
            )
    sources = {path.resolve() for job in jobs for path in job.sources}
    for job in jobs:
        for target in (output / name for name in result_files(job, results)):
            if target.resolve() in sources:
                raise OutputError(
                    f"--output '{output}' would replace the input of study '{job.id}'; choose another folder."
                )
            if target.exists() and not records:
                raise OutputError(f"'{target}' exists and no inference wrote it; choose another --output.")

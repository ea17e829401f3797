"""A study in three steps, for different parts of a machine: read it, let the networks see it, write what was found."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from medseg.bundle.expected_input import expected_input_of
from medseg.bundle.validity import Validity
from medseg.core.errors import OutputError, ValidityError
from medseg.core.files import without_nan
from medseg.core.labels import map_values, voxels_of
from medseg.core.types import LabelArray
from medseg.core.verdict import Verdict
from medseg.engine.allocator import return_freed_memory
from medseg.engine.inference import Predictor, Ready, Seen
from medseg.engine.uncertainty import mean_in
from medseg.steps.expectation import judge_result, judge_scan, with_expectation
from medseg.steps.job_grid import Grid
from medseg.steps.jobs import Job, Outcome, Result, Scan, channel_record, failed, finding_records
from medseg.steps.journal import Journal
from medseg.steps.memory_plan import MemoryPlan
from medseg.steps.results import ResultWriter, left_out, measurements_of, shows_scan

MUCH = 2**24  # bytes of an image; what its chain left is several times that
LOG = logging.getLogger("medseg")
T = TypeVar("T")


@dataclass(frozen=True)
class Reading:
    """A study that was read and preprocessed."""

    job: Job
    scan: Scan
    ready: Ready
    rung: str
    began_s: float


@dataclass(frozen=True)
class Look:
    """A study that the networks have seen."""

    job: Job
    scan: Scan
    seen: Seen
    began_s: float


@dataclass(frozen=True)
class Segmenter:
    """A bundle's chain and what to do with its label maps.

    Each step gives an outcome instead of what it makes where the study fails in it, and hands such an outcome on.

    Attributes:
        predictor: The chain.
        writer: Writes the results of a study.
        journal: Notes the studies that are done.
        memory: Says where a study's sums are kept.
        grids: Of studies by id, as far as their headers say.
    """

    predictor: Predictor
    writer: ResultWriter
    journal: Journal
    memory: MemoryPlan
    grids: Mapping[str, Grid]

    def outcome(self, job: Job) -> Outcome:
        """Segment one study: all three steps.

        Raises:
            OutputError: As ``write``.
        """
        return self.write(self.look(self.read(job)))

    def read(self, job: Job) -> Reading | Outcome:
        """Read a study and preprocess it."""
        began_s = time.monotonic()
        return _or_failed(job, began_s, lambda: self._read(job, began_s))

    def look(self, reading: Reading | Outcome) -> Look | Outcome:
        """Let the networks see it."""
        if isinstance(reading, Outcome):
            return reading
        return _or_failed(reading.job, reading.began_s, lambda: self._look(reading))

    def write(self, look: Look | Outcome) -> Outcome:
        """Write what was found.

        Raises:
            OutputError: The disk does not take the output; the next study would fail the same way.
        """
        if isinstance(look, Outcome):
            return look
        return _or_failed(look.job, look.began_s, lambda: self._write(look))

    def _read(self, job: Job, began_s: float) -> Reading:
        self.journal.begin(job)
        self.memory.check_readable(self.grids.get(job.id))
        scan = self._judged(job, job.read())
        part = self.predictor.part_of(scan.volume)
        rung = self.memory.rung(part)
        is_shown = shows_scan(job, self.writer.options)
        if not is_shown:
            scan = replace(scan, volume=scan.volume.without_voxels())
        ready = self.predictor.prepare(part, keep=is_shown and part.volume is scan.volume)
        del part
        if not self.memory.beside and ready.image.nbytes > MUCH:
            return_freed_memory()  # what a chain leaves is broken up, and of little use to a network
        return Reading(job, scan, ready, rung, began_s)

    @property
    def _validities(self) -> list[Validity]:
        return [one.validity for one in self.writer.model.members if one.validity is not None]

    def _judged(self, job: Job, scan: Scan) -> Scan:
        """The scan with all that can be warned of before the networks see it."""
        verdict = judge_scan(scan, self._validities, modality=job.modality)
        if not verdict.accepted:
            raise ValidityError(verdict.reason)
        scan = replace(scan, warnings=(*verdict.warnings, *scan.warnings))
        for expected in dict.fromkeys(expected_input_of(one.metadata) for one in self.writer.model.members):
            scan = with_expectation(scan, expected)
        return replace(scan, warnings=(*scan.warnings, *left_out(job, self.writer.options)))

    def _look(self, reading: Reading) -> Look:
        seen = self.predictor.look(reading.ready, reading.rung)
        return Look(reading.job, reading.scan, seen, reading.began_s)

    def _write(self, look: Look) -> Outcome:
        job, bundle = look.job, self.writer.model.bundle
        labels = map_values(self.predictor.finish(look.seen), job.value_of)
        measured = measurements_of(bundle, job, labels, look.scan)
        scan = replace(look.scan, warnings=(*look.scan.warnings, *judge_result(measured, self._validities)))
        names = {job.value_of[label.value]: label.name for label in bundle.labels.labels}
        outcome = replace(_done(job, scan, labels, self.writer.paths(job), look.began_s), label_names=names)
        if look.seen.entropy is not None:
            outcome = replace(outcome, uncertainty=without_nan(mean_in(look.seen.entropy, labels, outcome.labels)))
        result = Result(job, scan, labels, measured, look.began_s, look.seen.entropy, look.seen.probabilities)
        self.writer.write(result, lambda paths: self.journal.note(job, outcome, paths))
        return outcome


def _or_failed(job: Job, began_s: float, step: Callable[[], T]) -> T | Outcome:
    """What a step makes, or why the study failed in it; whatever is wrong with one must not stop the others."""
    try:
        return step()
    except Exception as error:
        if isinstance(error, OutputError) and isinstance(error.__cause__, OSError):
            raise
        LOG.debug("study %s", job.id, exc_info=True)
        return failed(job.id, error, time.monotonic() - began_s, job.redactor)


def _done(job: Job, scan: Scan, labels: LabelArray, outputs: Sequence[Path], began_s: float) -> Outcome:
    clean = job.redactor
    verdict = Verdict(warnings=scan.warnings)
    return Outcome(
        study=job.id,
        prediction=next((clean.text(str(path)) for path in outputs if path.name == job.label_file), None),
        reason=None,
        seconds=time.monotonic() - began_s,
        labels=voxels_of(labels, sorted(set(job.value_of.values()) - {0})),
        outputs=tuple(clean.text(str(path)) for path in outputs),
        code=verdict.code,
        channels={one.name: clean.data(channel_record(one)) for one in scan.channels},
        warnings=tuple(clean.data(one) for one in finding_records(scan.warnings)),
    )

"""Segment studies one by one; each gets an outcome, and none stops the others."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from medseg.bundle.build import build_inferer, build_network, build_postprocessing, build_preprocessing
from medseg.bundle.expected_input import expected_input_of
from medseg.bundle.read import Bundle
from medseg.bundle.weights import load_weights
from medseg.core.errors import OutputError
from medseg.core.files import digest_of
from medseg.core.in_words import counted
from medseg.core.labels import map_values
from medseg.core.redact import Redactor
from medseg.core.types import LabelArray
from medseg.core.verdict import Verdict
from medseg.engine.averaging import Member
from medseg.engine.device import Precision, choose_device, choose_precision
from medseg.engine.inference import Predictor
from medseg.runs.progress import Progress
from medseg.runs.record import finish_record, read_record, start_record
from medseg.steps.collect import collect
from medseg.steps.dicom_jobs import DicomOptions, check_used
from medseg.steps.ensemble import Ensemble
from medseg.steps.expectation import with_expectation
from medseg.steps.jobs import Job, Outcome, Result, Scan, channel_record, failed, finding_records
from medseg.steps.results import (
    ResultOptions,
    ResultWriter,
    check_writable,
    discard_results,
    left_out,
    measurements_of,
    result_files,
)
from medseg.steps.study_report import Circumstances

LOG = logging.getLogger("medseg")


@dataclass(frozen=True)
class Segmenter:
    """A bundle's chain and what to do with its label maps.

    Attributes:
        predictor: The chain.
        writer: Writes the results of a study.
    """

    predictor: Predictor
    writer: ResultWriter

    def outcome(self, job: Job) -> Outcome:
        """Segment one study.

        Raises:
            OutputError: The disk does not take the output; the next study would fail the same way.
        """
        began_s = time.monotonic()
        try:
            scan = job.read()
            for expected in dict.fromkeys(expected_input_of(one.metadata) for one in self.writer.model.members):
                scan = with_expectation(scan, expected)
            scan = replace(scan, warnings=(*scan.warnings, *left_out(job, self.writer.options)))
            labels = map_values(self.predictor.predict(scan.volume), job.value_of)
            measured = measurements_of(self.writer.model.bundle, job, labels, scan)
            outputs = self.writer.write(Result(job, scan, labels, measured, began_s))
        except Exception as error:  # whatever is wrong with one study must not stop the others
            if isinstance(error, OutputError) and isinstance(error.__cause__, OSError):
                raise
            LOG.debug("study %s", job.id, exc_info=True)
            return failed(job.id, error, time.monotonic() - began_s, job.redactor)
        names = {job.value_of[label.value]: label.name for label in self.writer.model.bundle.labels.labels}
        return replace(_done(job, scan, labels, outputs, time.monotonic() - began_s), label_names=names)


def infer_cohort(
    model: Ensemble,
    inputs: Sequence[Path],
    *,
    output: Path,
    device_name: str,
    precision_name: str,
    dicom: DicomOptions,
    results: ResultOptions,
    say: Callable[[str], None],
) -> list[Outcome]:
    """Segment every study of the inputs.

    Args:
        model: With trained weights.
        inputs: Files, study folders, datasets, folders of DICOM.
        output: Gets the results and run.json.
        device_name: See ``choose_device``.
        precision_name: See ``choose_precision``.
        dicom: What the user says of DICOM series.
        results: What to write.
        say: Shows a line to the user.

    Raises:
        DatalistError: An input is no study, or two studies would be written to one file.
        OutputError: The output cannot be written, or would replace an input.
    """
    began_s = time.monotonic()
    device = choose_device(device_name)
    precision = choose_precision(precision_name, device)
    worklist = collect(model.bundle, inputs, dicom, say)
    jobs, outcomes = worklist.jobs, list(worklist.outcomes)
    check_used(dicom, jobs)
    check_writable(model.bundle, jobs, results)
    _check_output(jobs, results, output)
    predictor = _predictor(model, device, precision)
    writer = ResultWriter(model, results, output, Circumstances(str(device), precision.name))
    say(f"{len(jobs)} studies; bundle {model.name} {model.version}, {device}, {precision.name}")
    if not model.is_plain:
        say(_averaging(model, predictor))
    record = output / "run.json"
    if record.is_file():  # of an earlier inference, or _check_output would have refused
        for study in [*(job.id for job in jobs), *(outcome.study for outcome in outcomes)]:
            discard_results(output, study)
    start_record(
        record,
        argv=[Redactor(worklist.identity).text(word) for word in sys.argv],  # folders are often named after patients
        bundle=model.name,
        bundle_digest=model.digest,
        data_digest=digest_of(sorted(str(path) for job in jobs for path in job.sources)),
        seed=0,
        device=str(device),
        precision=precision.name,
        split={},
        verb="infer",
        **model.record(),
    )
    unread = len(outcomes)
    try:
        with Progress(len(jobs), "Segmenting") as progress:
            for outcome in worklist.outcomes:
                progress.say(f"failed: {outcome.study}: {outcome.reason}")
            for outcome in _each(jobs, Segmenter(predictor, writer)):
                outcomes.append(outcome)
                if outcome.reason is not None:
                    progress.say(f"failed: {outcome.study}: {outcome.reason}")
                for warning in outcome.warnings:
                    progress.say(f"warning: {outcome.study}: {warning['sentence']}")
                progress.advance()
    finally:
        complete = len(outcomes) == unread + len(jobs)
        finish_record(
            record,
            outcome="finished" if complete else "interrupted",
            seconds=time.monotonic() - began_s,
            studies=[asdict(outcome) for outcome in outcomes],
        )
    return outcomes


def _predictor(model: Ensemble, device: torch.device, precision: Precision) -> Predictor:
    members = tuple(Member(_network(bundle).to(device), build_inferer(bundle)) for bundle in model.members)
    preprocessing = build_preprocessing(model.bundle)
    postprocessing = build_postprocessing(model.bundle, preprocessing)
    return Predictor(members, preprocessing, postprocessing, device, precision, model.flip_axes)


def _network(bundle: Bundle) -> torch.nn.Module:
    network = build_network(bundle)
    load_weights(network, bundle.weights)
    return network


def _averaging(model: Ensemble, predictor: Predictor) -> str:
    """What is averaged, and what it costs."""
    weights = sum(tensor.nbytes for one in predictor.members for tensor in one.network.state_dict().values())
    images = 2 ** len(model.flip_axes)
    mirrored = f", each of {images} mirror images (axes {', '.join(map(str, model.flip_axes))})" if images > 1 else ""
    return (
        f"Averaged: {counted(len(model.members), 'network')}{mirrored}; all in memory, "
        f"{weights / 2**20:.0f} MiB of weights; up to {len(model.members) * images} times the time of one network alone"
    )


def _each(jobs: Sequence[Job], segmenter: Segmenter) -> Iterator[Outcome]:
    for job in jobs:
        yield segmenter.outcome(job)


def _done(job: Job, scan: Scan, labels: LabelArray, outputs: Sequence[Path], seconds: float) -> Outcome:
    clean = job.redactor
    verdict = Verdict(warnings=scan.warnings)
    return Outcome(
        study=job.id,
        prediction=next((clean.text(str(path)) for path in outputs if path.name == job.label_file), None),
        reason=None,
        seconds=seconds,
        labels={value: int((labels == value).sum()) for value in sorted(set(job.value_of.values())) if value},
        outputs=tuple(clean.text(str(path)) for path in outputs),
        code=verdict.code,
        channels={one.name: clean.data(channel_record(one)) for one in scan.channels},
        warnings=tuple(clean.data(one) for one in finding_records(scan.warnings)),
    )


def _check_output(jobs: Sequence[Job], results: ResultOptions, output: Path) -> None:
    """Refuse to replace what no inference wrote: inputs, expert labels, the record of a training."""
    record = output / "run.json"
    if record.is_file():
        verb = read_record(record).get("verb")
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
            if target.exists() and not record.is_file():
                raise OutputError(f"'{target}' exists and no inference wrote it; choose another --output.")

"""Segment studies one by one; each gets an outcome, and none stops the others."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from medseg.bundle.build import build_inferer, build_network, build_postprocessing, build_preprocessing
from medseg.bundle.read import Bundle
from medseg.bundle.weights import load_weights
from medseg.core.errors import DatalistError, MedsegError, OutputError, raise_faults
from medseg.core.files import digest_of
from medseg.core.labels import map_values
from medseg.core.study import Study
from medseg.datasets.detect import read_dataset
from medseg.engine.device import choose_device, choose_precision
from medseg.engine.inference import Predictor
from medseg.io.nifti import write_label_map
from medseg.io.study import read_study
from medseg.runs.progress import Progress
from medseg.runs.record import finish_record, read_record, start_record
from medseg.steps.data import matched

LOG = logging.getLogger("medseg")


@dataclass(frozen=True)
class Job:
    """One study to segment.

    Attributes:
        study: Channels in the bundle's order.
        value_of: The bundle's written value to the value the study's dataset uses.
    """

    study: Study
    value_of: Mapping[int, int]


@dataclass(frozen=True)
class Outcome:
    """What became of one study.

    Attributes:
        study: Its id.
        prediction: The label map written; None where it failed.
        reason: Why it failed; None where it did not.
        seconds: How long it took.
        labels: Written label value to number of voxels.
    """

    study: str
    prediction: str | None
    reason: str | None
    seconds: float
    labels: Mapping[int, int]


def infer_cohort(
    bundle: Bundle,
    inputs: Sequence[Path],
    *,
    output: Path,
    device_name: str,
    precision_name: str,
    say: Callable[[str], None],
) -> list[Outcome]:
    """Segment every study of the inputs.

    Args:
        bundle: With trained weights.
        inputs: Files, study folders or datasets.
        output: Gets <study>.nii.gz and run.json.
        device_name: See ``choose_device``.
        precision_name: See ``choose_precision``.
        say: Shows a line to the user.

    Raises:
        DatalistError: An input is no study, or two studies would be written to one file.
        OutputError: The output cannot be written, or would replace an input.
    """
    began_s = time.monotonic()
    device = choose_device(device_name)
    precision = choose_precision(precision_name, device)
    jobs, outcomes = _collect(bundle, inputs, say)
    _check_output(jobs, output)
    preprocessing, network = build_preprocessing(bundle), build_network(bundle)
    load_weights(network, bundle.weights)
    predictor = Predictor(
        network.to(device),
        preprocessing,
        build_inferer(bundle),
        build_postprocessing(bundle, preprocessing),
        device,
        precision,
    )
    for outcome in outcomes:
        say(f"failed: {outcome.study}: {outcome.reason}")
    say(f"{len(jobs)} studies; bundle {bundle.name} {bundle.version}, {device}, {precision.name}")
    record = output / "run.json"
    start_record(
        record,
        argv=sys.argv,
        bundle=bundle.name,
        bundle_digest=bundle.digest,
        data_digest=digest_of(sorted(str(path) for job in jobs for path in job.study.files())),
        seed=0,
        device=str(device),
        precision=precision.name,
        split={},
        verb="infer",
    )
    unread = len(outcomes)
    try:
        with Progress(len(jobs), "Segmenting") as progress:
            for outcome in _each(jobs, predictor, output):
                outcomes.append(outcome)
                if outcome.reason is not None:
                    progress.say(f"failed: {outcome.study}: {outcome.reason}")
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


def _each(jobs: Sequence[Job], predictor: Predictor, output: Path) -> Iterator[Outcome]:
    for job in jobs:
        began_s = time.monotonic()
        try:
            path, labels = _segment(job, predictor, output)
            yield Outcome(job.study.id, str(path), None, time.monotonic() - began_s, labels)
        except OutputError:
            raise  # the next study would fail the same way
        except Exception as error:  # whatever is wrong with one study must not stop the others
            LOG.debug("study %s", job.study.id, exc_info=True)
            reason = str(error) if isinstance(error, MedsegError) else f"{type(error).__name__}: {error}"
            yield Outcome(job.study.id, None, " ".join(reason.split()), time.monotonic() - began_s, {})


def _segment(job: Job, predictor: Predictor, output: Path) -> tuple[Path, dict[int, int]]:
    prediction = map_values(predictor.predict(read_study(job.study)), job.value_of)
    path = output / f"{job.study.id}.nii.gz"
    write_label_map(path, prediction, like=next(iter(job.study.channels.values())).path)
    counts = {value: int((prediction == value).sum()) for value in sorted(set(job.value_of.values())) if value}
    return path, counts


def _collect(bundle: Bundle, inputs: Sequence[Path], say: Callable[[str], None]) -> tuple[list[Job], list[Outcome]]:
    """Studies of all inputs, and outcomes of those that cannot even be listed; an unusable input is refused."""
    jobs: list[Job] = []
    outcomes: list[Outcome] = []
    faults: list[str] = []
    for path in inputs:
        try:
            jobs += _jobs(bundle, path, say)
        except MedsegError as error:
            found, failed = _jobs_one_by_one(bundle, path)
            jobs, outcomes = jobs + found, outcomes + failed if found else outcomes
            faults += [] if found else [str(error)]
    ids = [job.study.id for job in jobs]
    twice = sorted({one for one in ids if ids.count(one) > 1})
    faults += [f"study '{one}' stands in {ids.count(one)} inputs; both would be written to one file" for one in twice]
    raise_faults("--input", faults, DatalistError)
    return jobs, outcomes


def _jobs(bundle: Bundle, path: Path, say: Callable[[str], None]) -> list[Job]:
    if not path.exists():
        raise DatalistError(f"no file or folder '{path}'")
    dataset = matched(read_dataset(path), bundle)
    for note in dataset.notes:
        say(f"{path}: {note}")
    written = {index: value for value, index in bundle.labels.class_of_value().items()}
    wanted = {index: value for value, index in bundle.labels.class_of_value(dataset.label_names).items()}
    value_of = {written[index]: wanted.get(index, written[index]) for index in written}
    if len(set(value_of.values())) < len(value_of):
        raise DatalistError(
            f"'{path}' names only some labels, so two would be written as one value ({value_of}); name all or none"
        )
    return [Job(study, value_of) for study in dataset.studies]


def _jobs_one_by_one(bundle: Bundle, path: Path) -> tuple[list[Job], list[Outcome]]:
    """Studies of a folder of study folders in which some are incomplete: the good ones, and why the others fail."""
    jobs: list[Job] = []
    failed: list[Outcome] = []
    for folder in sorted(path.iterdir()) if path.is_dir() else []:
        if not folder.is_dir() or folder.name.startswith("."):
            continue
        try:
            found = _jobs(bundle, folder, lambda _: None)
            if [job.study.id for job in found] != [folder.name]:
                return [], []  # no folder of study folders: images/ or labels/ below it would be taken for studies
            jobs += found
        except MedsegError as error:
            failed.append(Outcome(folder.name, None, " ".join(str(error).split()), 0.0, {}))
    return jobs, failed


def _check_output(jobs: Sequence[Job], output: Path) -> None:
    """Refuse to replace what no inference wrote: inputs, expert labels, the record of a training."""
    record = output / "run.json"
    if record.is_file():
        verb = read_record(record).get("verb")
        if verb != "infer":
            raise OutputError(
                f"--output '{output}' holds a run of medseg {verb or 'another version'}; choose another folder."
            )
    sources = {path.resolve() for job in jobs for path in job.study.files()}
    for job in jobs:
        target = output / f"{job.study.id}.nii.gz"
        if target.resolve() in sources:
            raise OutputError(
                f"--output '{output}' would replace the input of study '{job.study.id}'; choose another folder."
            )
        if target.exists() and not record.is_file():
            raise OutputError(f"'{target}' exists and no inference wrote it; choose another --output.")

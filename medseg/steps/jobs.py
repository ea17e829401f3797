"""A study to segment, wherever it comes from: how it is read, where its result lies, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medseg.core.errors import DicomError, MedsegError, ValidityError
from medseg.core.redact import Redactor
from medseg.core.types import FloatArray, LabelArray
from medseg.core.verdict import Finding
from medseg.core.volume import Volume
from medseg.runs.report_facts import Measurement, ReportChannel

if TYPE_CHECKING:
    from medseg.io.dicom_series import Series


@dataclass(frozen=True)
class Scan:
    """A study as read.

    Attributes:
        volume: Channels in the bundle's order, on the grid of the result.
        channels: Where each comes from.
        warnings: What the reader of the result should know.
    """

    volume: Volume
    channels: tuple[ReportChannel, ...]
    warnings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Job:
    """One study to segment.

    Attributes:
        id: Name of its results.
        sources: Every file it is read from.
        value_of: The bundle's written value to the value its dataset uses.
        read: Reads it.
        write_labels: Writes a label map on its grid.
        label_ending: What the name of that file ends in: ".nii.gz", or ".png" for a picture.
        modality: For example "MR"; empty where unknown.
        reference: The series whose slices the result lies on; None where the study is no DICOM.
        reference_channel: Position of the channel that pictures show.
        redactor: Takes the patient's identity out of text.
        key: What decides, beside the files and their order, how it is read: positions of channels, options.
    """

    id: str
    sources: tuple[Path, ...]
    value_of: Mapping[int, int]
    read: Callable[[], Scan]
    write_labels: Callable[[Path, LabelArray, Scan], None]
    label_ending: str = ".nii.gz"
    modality: str = ""
    reference: Series | None = None
    reference_channel: int = 0
    redactor: Redactor = field(default_factory=lambda: Redactor(()))
    key: object = None

    @property
    def label_file(self) -> str:
        """Name of its label map."""
        return f"{self.id}{self.label_ending}"


@dataclass(frozen=True)
class Result:
    """A segmented study, before anything is written.

    Attributes:
        job: What was asked for.
        scan: What was read.
        labels: Written values (I, J, K) on the scan's grid.
        measurements: Labels, then regions.
        began_s: Monotonic time at which its reading began.
        entropy: How unsure the networks are, (I, J, K) from 0 to 1; None if not asked for.
        probabilities: Of the classes, (classes, I, J, K); None if not asked for.
    """

    job: Job
    scan: Scan
    labels: LabelArray
    measurements: tuple[Measurement, ...]
    began_s: float
    entropy: FloatArray | None = None
    probabilities: FloatArray | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of one study.

    Attributes:
        study: Its id.
        prediction: The label map written as a file of its own; None where it failed or was not asked for.
        reason: Why it failed; None where it did not.
        seconds: How long it took.
        labels: Written label value to number of voxels.
        outputs: Every file written.
        code: Row of ``medseg.io.codes.CODES`` where a gate refused it; "accepted" or "accepted_with_warnings" where
            it was segmented; "failed" otherwise.
        channels: Channel to where it comes from.
        warnings: What the gates warned of.
        label_names: Written label value to the bundle's name of the label; empty where it failed.
        uncertainty: Written label value to the mean entropy of its voxels, None for a label that was not found; empty
            where it was not asked for.
    """

    study: str
    prediction: str | None
    reason: str | None
    seconds: float
    labels: Mapping[int, int]
    outputs: tuple[str, ...] = ()
    code: str = "failed"
    channels: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    warnings: tuple[Mapping[str, str], ...] = ()
    label_names: Mapping[int, str] = field(default_factory=dict)
    uncertainty: Mapping[int, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Worklist:
    """What is to be done.

    Attributes:
        jobs: Studies to segment.
        outcomes: Studies that cannot be, and why.
        identity: Words that name the patients of all of them.
    """

    jobs: tuple[Job, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    identity: tuple[str, ...] = ()

    def plus(self, other: Worklist) -> Worklist:
        """This list, then another."""
        words = tuple(dict.fromkeys((*self.identity, *other.identity)))
        return Worklist((*self.jobs, *other.jobs), (*self.outcomes, *other.outcomes), words)


def failed(
    study: str, error: Exception, seconds: float = 0.0, redactor: Redactor | None = None, *, code: str = "failed"
) -> Outcome:
    """Outcome of a study that cannot be segmented.

    Args:
        study: Its id.
        error: Why; the lines of a table in it are kept.
        seconds: How long it took.
        redactor: Takes the patient's identity out of the reason.
        code: Where the error has none of its own.
    """
    known = isinstance(error, MedsegError)
    reason = str(error).strip() if known else f"{type(error).__name__}: {' '.join(str(error).split())}"
    code = error.code if isinstance(error, DicomError | ValidityError) else code
    return Outcome(study, None, redactor.text(reason) if redactor else reason, seconds, {}, code=code)


def channel_record(channel: ReportChannel) -> dict[str, Any]:
    """A channel as run.json tells it."""
    return {
        "series_number": channel.series_number,
        "description": channel.description,
        "recognised": channel.recognised,
        "shape": list(channel.shape),
        "spacing_mm": [round(size, 6) for size in channel.spacing_mm],
        "resampled": channel.resampled,
        "verdict": channel.verdict,
    }


def finding_records(findings: Sequence[Finding]) -> tuple[dict[str, str], ...]:
    """Findings as run.json tells them."""
    return tuple({"code": one.code, "sentence": one.sentence} for one in findings)

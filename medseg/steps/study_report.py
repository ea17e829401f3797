"""Fill in the report of one segmented study."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import medseg
from medseg.bundle.results import KEY, results_in_words
from medseg.runs.report import write_report
from medseg.runs.report_facts import ReportBundle, ReportRun, ReportScan, StudyReport
from medseg.steps.ensemble import Ensemble
from medseg.steps.jobs import Result

RESEARCH_USE = "Research use only. Not a medical device. A qualified reader must check every result."


@dataclass(frozen=True)
class Circumstances:
    """How a result was made, as far as the report tells it.

    Attributes:
        device: For example "cpu".
        precision: For example "fp32".
    """

    device: str
    precision: str


def report_study(
    path: Path, model: Ensemble, result: Result, *, circumstances: Circumstances, outputs: Sequence[str]
) -> None:
    """Write the report of one study, without the patient's identity.

    Raises:
        OutputError: The file cannot be written.
    """
    job, scan = result.job, result.scan
    report = StudyReport(
        study=job.id,
        bundle=_bundle(model),
        channels=scan.channels,
        warnings=scan.warnings,
        measurements=result.measurements,
        scan=ReportScan(
            channel=scan.channels[job.reference_channel].name,
            modality=job.modality,
            array=scan.volume.array[job.reference_channel],
            labels=result.labels,
            affine_ras=scan.volume.affine_ras,
        ),
        run=ReportRun(
            medseg_version=medseg.__version__,
            device=circumstances.device,
            precision=circumstances.precision,
            seconds=time.monotonic() - result.began_s,
            outputs=tuple(Path(name).name for name in outputs),
        ),
    )
    # The bundle's words stay: a patient called White or Device must take neither a label nor a warning off the page.
    clean = replace(report.redacted(job.redactor), bundle=report.bundle, measurements=report.measurements)
    write_report(path, clean)


def _bundle(model: Ensemble) -> ReportBundle:
    """Each member was measured by itself, without mirror images; of what they do together their cards say nothing."""
    measured = results_in_words(model.bundle.metadata.get(KEY)) if model.is_plain else ""
    return ReportBundle(
        name=model.name,
        version=model.version,
        digest=model.digest,
        intended_use=" ".join(dict.fromkeys(_intended_use(one.metadata) for one in model.members)),
        research_use=RESEARCH_USE,
        evaluation=measured,
        parts=model.parts,
    )


def _intended_use(metadata: Mapping[str, Any]) -> str:
    """What the model is for, and what its input must look like: a scan that does not, gives a result all the same."""
    use = str(metadata.get("intended_use", "The bundle does not say what it is for."))
    trained_on = metadata.get("image_classes")
    return f"{use} Input it was made for: {trained_on}." if trained_on else use

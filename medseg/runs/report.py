"""report.html: everything to judge the segmentation of one study by, in one file."""

from __future__ import annotations

from pathlib import Path

from medseg.core.files import write_text
from medseg.runs.report_facts import StudyReport
from medseg.runs.report_page import page_of
from medseg.runs.report_pictures import draw_gallery


def write_report(path: Path, report: StudyReport) -> None:
    """Write the report of one study, whole or not at all; equal reports give equal bytes.

    The page holds what the report holds and nothing else: redact it first (``StudyReport.redacted``).

    Args:
        path: Usually "report.html".
        report: What it tells.

    Raises:
        GeometryError: The pictured channel and the label map differ in shape.
        OutputError: Measurements and label map disagree, or the file cannot be written.
    """
    write_text(path, page_of(report, draw_gallery(report.scan, report.measurements)))

"""The report of a study names the model and the channels, and no patient."""

from pathlib import Path

import clinic
import numpy as np

from medseg.bundle.read import Bundle
from medseg.steps.dicom_jobs import dicom_jobs
from medseg.steps.dicom_options import DicomOptions
from medseg.steps.ensemble import Ensemble
from medseg.steps.jobs import Result
from medseg.steps.results import measurements_of
from medseg.steps.study_report import RESEARCH_USE, Circumstances, report_study


def _page(bundle: Bundle, folder: Path, path: Path) -> str:
    (job,) = dicom_jobs(bundle, folder, DicomOptions(), print).jobs
    scan = job.read()
    labels = np.zeros(scan.volume.shape, np.uint8)
    labels[8:16, 8:16, 6:12] = 1
    result = Result(job, scan, labels, measurements_of(bundle, job, labels, scan), 0.0)
    report_study(
        path, Ensemble((bundle,)), result, circumstances=Circumstances("cpu", "fp32"), outputs=[f"{job.id}/seg.dcm"]
    )
    return path.read_text(encoding="utf-8")


def test_the_page_tells_what_was_done_with_what(hippocampus: Bundle, tmp_path: Path) -> None:
    page = _page(hippocampus, clinic.t1_study(tmp_path / "study"), tmp_path / "report.html")
    words = (hippocampus.name, hippocampus.version, "T1 MPRAGE", "24 × 28 × 20", RESEARCH_USE, "seg.dcm", "cpu")
    assert [word for word in words if word not in page] == []
    assert "0.768" in page  # ml: 8 x 8 x 6 voxels of 2 mm3


def test_no_patient_is_named(hippocampus: Bundle, tmp_path: Path) -> None:
    folder = clinic.t1_study(tmp_path / "study", **{**clinic.IDENTITY, "SeriesDescription": "T1 Albus 13.08.2019"})
    page = _page(hippocampus, folder, tmp_path / "out" / "report.html")
    assert "[removed]" in page
    assert clinic.leaks(tmp_path / "out", page) == []


def test_a_patient_with_a_common_word_for_a_name_takes_no_word_of_the_bundle_away(
    hippocampus: Bundle, tmp_path: Path
) -> None:
    folder = clinic.t1_study(tmp_path / "study", PatientName="Anterior^Medical Device", InstitutionName="Research")
    page = _page(hippocampus, folder, tmp_path / "report.html")
    assert RESEARCH_USE in page
    assert "anterior" in page

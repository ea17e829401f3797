"""A real tumour study of four sequences goes through a bundle without any option, and names no patient."""

import json
from pathlib import Path
from typing import Any

import clinic
import nibabel
import numpy as np
import pytest
import tiny
from pydicom import dcmread

pytestmark = pytest.mark.realdata
# Of the study itself, as its headers have them.
_WORDS = ("albus", "dumbledore", "pgbm-003", "20200121", "2020-01-21", "3083564386975476")


@pytest.fixture(scope="module")
def done(
    real_data: Path, brats_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, tiny.Answer, dict[str, Any]]:
    """The output folder, what the command said, and what became of the study."""
    study = real_data / "dicom" / "mr_braintumor_4seq"
    if not study.is_dir():
        pytest.skip(f"no study at {study}")
    output = tmp_path_factory.mktemp("real") / "out"
    words = ("--bundle", brats_model, "--input", study, "--output", output, "--device", "cpu")
    answer = tiny.call("infer", *words, "--format", "nifti", "dicom-seg", "dicom-sr")
    assert answer.code == 0, answer.err
    (found,) = json.loads((output / "run.json").read_text())["studies"]
    return output, answer, found


def test_every_channel_is_recognised(done: tuple[Path, tiny.Answer, dict[str, Any]]) -> None:
    numbers = {name: one["series_number"] for name, one in done[2]["channels"].items()}
    assert numbers == {"t1": 26401, "t1c": 11, "t2": 37870, "flair": 36468}


def test_the_label_map_lies_on_the_slices_after_contrast(
    done: tuple[Path, tiny.Answer, dict[str, Any]], real_data: Path
) -> None:
    written = nibabel.load(done[2]["prediction"])
    assert done[2]["channels"]["t1c"]["shape"] == list(written.shape)
    assert not done[2]["channels"]["t1c"]["resampled"]
    headers = [
        dcmread(path, stop_before_pixels=True)
        for path in (real_data / "dicom").rglob("mr_braintumor_4seq/**/*")
        if path.is_file() and path.suffix.lower() == ".dcm"
    ]
    reference = [one for one in headers if one.SeriesNumber == 11]
    assert len(reference) == 22 == written.shape[2]
    # Positions of first pixels, from LPS to RAS: the planes of the label map are those of the scanner.
    scanner = np.array([[float(value) for value in one.ImagePositionPatient] for one in reference]) * [-1, -1, 1]
    corners = np.array([(written.affine @ [0, 0, k, 1])[:3] for k in range(22)])
    nearest = np.linalg.norm(scanner[:, None] - corners[None], axis=-1).min(axis=0)
    assert nearest.max() < 0.02  # mm


def test_the_objects_and_the_page_are_there(done: tuple[Path, tiny.Answer, dict[str, Any]]) -> None:
    name = done[2]["study"]
    files = {f"{name}/{file}" for file in ("seg.dcm", "sr.dcm", "report.html")}
    assert tiny.files_below(done[0]) == {f"{name}.nii.gz", *tiny.RECORDS, *files}
    assert dcmread(done[0] / name / "seg.dcm").PatientID == "PGBM-003"


def test_the_patient_is_named_in_dicom_objects_alone(done: tuple[Path, tiny.Answer, dict[str, Any]]) -> None:
    output, answer, _ = done
    assert clinic.leaks(output, answer.out, answer.err, words=_WORDS) == []

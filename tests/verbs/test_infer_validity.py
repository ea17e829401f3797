"""`medseg infer` with a model that says what it was trained on: other scans are refused, odd ones told everywhere."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import clinic
import nibabel
import numpy as np
import pydicom
import pytest
import tiny

from medseg.bundle.read import read_bundle
from medseg.bundle.validity import LabelLimits, Limits, Validity, write_validity
from medseg.core.volume import Volume
from medseg.steps.data import load_cohort
from medseg.steps.validity_measures import measure_validity

# clinic.SHAPE is 24 x 28 x 20 voxels of 1 x 1 x 2 mm.
_CLINIC = Validity(
    studies=3,
    patients=3,
    modality=("MR",),
    spacing_mm={
        "right": Limits((1.0, 1.0), (0.9, 1.1), (0.5, 2.0)),
        "front": Limits((1.0, 1.0), (0.9, 1.1), (0.5, 2.0)),
        "top": Limits((2.0, 2.0), (1.8, 2.2), (1.0, 4.0)),
    },
    extent_mm={
        "right": Limits((24.0, 24.0), (21.6, 26.4), (12.0, 48.0)),
        "front": Limits((28.0, 28.0), (25.2, 30.8), (14.0, 56.0)),
        "top": Limits((40.0, 40.0), (36.0, 44.0), (20.0, 80.0)),
    },
    orientation=("RAS",),
    orientation_matters=False,
    intensity={"t1": {}},
    labels={name: LabelLimits(None, may_be_absent=True) for name in ("anterior", "posterior")},
)

Valid = Callable[[Validity], Path]


@pytest.fixture
def valid(model: Path, tmp_path: Path) -> Valid:
    """The model with a validity.json."""

    def make(validity: Validity) -> Path:
        root = Path(shutil.copytree(model, tmp_path / "model" / model.name))
        write_validity(root, validity)
        return root

    return make


def _infer(bundle: Path, output: Path, *words: object, code: int = 0) -> dict[str, Any]:
    """The only study of an inference."""
    answer = tiny.call("infer", "--bundle", bundle, "--output", output, "--device", "cpu", *words)
    assert answer.code == code, answer.err
    (study,) = json.loads((output / "run.json").read_text())["studies"]
    assert isinstance(study, dict)
    return study


def _texts(item: pydicom.Dataset) -> list[str]:
    inner = [text for one in item.get("ContentSequence") or () for text in _texts(one)]
    return [str(item.TextValue), *inner] if "TextValue" in item else inner


def test_a_scan_like_the_training_is_segmented_without_a_word(valid: Valid, tmp_path: Path) -> None:
    study = _infer(valid(_CLINIC), tmp_path / "out", "--input", clinic.t1_study(tmp_path / "in"), "--no-report")
    assert (study["code"], study["warnings"]) == ("accepted", [])


def test_mr_for_a_model_of_ct_is_refused_with_the_code(valid: Valid, tmp_path: Path) -> None:
    root = valid(replace(_CLINIC, modality=("CT",)))
    study = _infer(root, tmp_path / "out", "--input", clinic.t1_study(tmp_path / "in"), code=3)
    assert study["code"] == "outside_validity"
    assert "its modality is MR, it must be CT" in study["reason"]
    assert tiny.files_below(tmp_path / "out") <= set(tiny.RECORDS)


def test_a_nifti_scan_is_refused_with_the_code_too_and_stops_no_other(valid: Valid, tmp_path: Path) -> None:
    coarse, fine = np.diag([3.0, 1, 2, 1]), np.diag([1.0, 1, 2, 1])
    (tmp_path / "in").mkdir()
    for name, affine in (("coarse", coarse), ("fine", fine)):
        nibabel.save(nibabel.Nifti1Image(clinic.scan().array[0], affine), tmp_path / "in" / f"{name}.nii.gz")
    words = ("--bundle", valid(_CLINIC), "--input", tmp_path / "in", "--output", tmp_path / "out", "--device", "cpu")
    answer = tiny.call("infer", *words)
    assert answer.code == 3, answer.err
    studies = {one["study"]: one for one in json.loads((tmp_path / "out" / "run.json").read_text())["studies"]}
    assert {name: one["code"] for name, one in studies.items()} == {"coarse": "outside_validity", "fine": "accepted"}
    assert studies["coarse"]["reason"].count("it must be") == 2  # spacing, and with it the extent
    assert "failed: coarse: the scan is outside of what the model may be used on: spacing from left" in answer.err


def test_warnings_of_scan_and_result_reach_record_report_and_sr(valid: Valid, tmp_path: Path) -> None:
    odd = replace(
        _CLINIC,
        spacing_mm={**_CLINIC.spacing_mm, "top": Limits((1.5, 1.5), (1.35, 1.65), (0.75, 3.0))},
        labels=dict.fromkeys(_CLINIC.labels, LabelLimits(Limits((1e4, 2e4), (1e4, 2e4)), may_be_absent=False)),
    )
    words = ("--format", "nifti", "dicom-sr")
    study = _infer(valid(odd), tmp_path / "out", "--input", clinic.t1_study(tmp_path / "in"), *words)
    assert study["code"] == "accepted_with_warnings"
    sentences = [one["sentence"] for one in study["warnings"] if one["code"] == "unlike_training"]
    assert sentences[0] == "spacing from bottom to top is 2 mm; it was 1.5 mm in training. Look at the result closely."
    assert [sentence.split()[1] for sentence in sentences[1:]] == ["anterior", "posterior"]
    folder = tmp_path / "out" / study["study"]
    told = [" ".join(_texts(pydicom.dcmread(folder / "sr.dcm"))), (folder / "report.html").read_text()]
    assert [[sentence in text for sentence in sentences] for text in told] == [[True] * 3] * 2


def test_what_was_measured_on_a_cohort_accepts_its_studies(valid: Valid, tiny_cohort: Path, tmp_path: Path) -> None:
    root = valid(_CLINIC)
    bundle = read_bundle(root)
    cohort = load_cohort(tiny_cohort, bundle, cache=None)
    patients = len({study.patient for study in cohort.dataset.studies})
    seen = measure_validity(bundle, cohort.dataset.studies, class_of_value=cohort.class_of_value, patients=patients)
    write_validity(root, replace(seen, labels=_CLINIC.labels))  # random weights give any volume
    answer = tiny.call("infer", "--bundle", root, "--input", tiny_cohort, "--output", tmp_path / "out")
    assert answer.code == 0, answer.err
    studies = json.loads((tmp_path / "out" / "run.json").read_text())["studies"]
    assert {one["code"] for one in studies} == {"accepted"}


def test_a_damaged_validity_stops_before_any_work(model: Path, valid: Valid, tmp_path: Path) -> None:
    root = valid(_CLINIC)
    text = (root / "validity.json").read_text()
    (root / "validity.json").write_text(text.replace("[0.5, 2.0]", "[2.0, 0.5]"))
    volume = Volume(clinic.scan().array, np.eye(4))
    words = ("--input", clinic.t1_study(tmp_path / "in", volume=volume), "--output", tmp_path / "out")
    answer = tiny.call("infer", "--bundle", root, *words)
    assert answer.code == 1
    assert "validity.json: spacing_mm.right.refuse: [2.0, 0.5]; write [lowest, highest]" in answer.err
    assert "validity.json: spacing_mm.front.refuse" in answer.err
    assert not (tmp_path / "out").exists()

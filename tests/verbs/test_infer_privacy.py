"""Whatever `medseg infer` writes or says, it names no patient, visit or day; DICOM objects alone do, as they must."""

import base64
import gzip
import sys
from pathlib import Path

import clinic
import nibabel
import pytest
import tiny
from pydicom import dcmread


@pytest.fixture(autouse=True)
def mlflow_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Tracking, were there any, would go here."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    return tmp_path / "mlflow.db"


def _infer(monkeypatch: pytest.MonkeyPatch, bundle: Path, output: Path, *words: object) -> tiny.Answer:
    """As a user calls it: the words stand in ``sys.argv`` too, which run.json keeps."""
    options = ("--bundle", bundle, "--output", output, "--device", "cpu", *words)
    monkeypatch.setattr(sys, "argv", ["medseg", "infer", *(str(word) for word in options)])
    return tiny.call("infer", *options)


def _planted(folder: Path, **more: object) -> Path:
    """A study with an identity in its headers and file names."""
    clinic.t1_study(folder, **{**clinic.IDENTITY, "SeriesDescription": "T1 Dumbledore HOG-188107 2019-08-13", **more})
    for path in list(folder.glob("*.dcm")):
        path.rename(folder / f"IM_Albus_ACC5550123_{path.name[2:]}")
    return folder


def _damaged(folder: Path) -> Path:
    sorted(folder.glob("*.dcm"))[8].unlink()
    return folder


def test_the_search_finds_what_is_packed(tmp_path: Path) -> None:
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(b"x Albus x"))
    (tmp_path / "b.html").write_bytes(b"base64," + base64.b64encode(b"__DUMBLEDORE__"))
    (tmp_path / "c.dcm").write_bytes(b"Albus")
    (tmp_path / "pomfrey").mkdir()
    found = clinic.leaks(tmp_path, "on 2019-08-13")
    assert found == ["text 0: 2019-08-13", "a.nii.gz: albus", "b.html: dumbledore", "name pomfrey: pomfrey"]


def test_no_artefact_names_the_patient(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mlflow_file: Path
) -> None:
    tree = tmp_path / "DUMBLEDORE_ALBUS_18810702"
    _planted(tree / "good")
    _damaged(_planted(tree / "Albus.Dumbledore-bad", StudyInstanceUID="1.2.3.9"))
    words = ("--input", tree, "--format", "nifti", "dicom-seg", "dicom-sr", "--report")
    answer = _infer(monkeypatch, model, tmp_path / "out", *words)
    assert answer.code == 3, answer.err
    assert len(list((tmp_path / "out").rglob("*.dcm"))) == 2
    assert "[removed]" in (tmp_path / "out" / "run.json").read_text()
    assert "gap of 4 mm" in answer.err
    assert clinic.leaks(tmp_path / "out", answer.out, answer.err) == []
    assert not mlflow_file.exists()


def test_the_objects_name_the_patient_as_the_images_do(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("--input", _planted(tmp_path / "in"), "--format", "dicom-seg", "dicom-sr", "--no-report")
    assert _infer(monkeypatch, model, tmp_path / "out", *words).code == 0
    for path in (tmp_path / "out").rglob("*.dcm"):
        found = dcmread(path)
        assert (str(found.PatientName), found.PatientID) == ("Dumbledore^Albus", "HOG-188107")
        assert found.AccessionNumber == "ACC5550123"


@pytest.mark.parametrize("formats", [("nifti",), ("nifti", "dicom-seg", "dicom-sr")])
def test_a_study_that_fails_names_no_one_either(
    formats: tuple[str, ...], model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = _damaged(_planted(tmp_path / "Albus_Dumbledore"))
    answer = _infer(monkeypatch, model, tmp_path / "out", "--input", study, "--format", *formats)
    assert answer.code == 3
    assert clinic.leaks(tmp_path / "out", answer.out, answer.err) == []


def test_pixels_that_end_early_name_no_one(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = _planted(tmp_path / "Albus_Dumbledore")
    path = sorted(study.glob("*.dcm"))[4]
    path.write_bytes(path.read_bytes()[:-300])
    answer = _infer(monkeypatch, model, tmp_path / "out", "--input", study)
    assert answer.code == 3
    assert "truncated" in answer.err or "0005" in answer.err
    assert clinic.leaks(tmp_path / "out", answer.out, answer.err) == []


def test_warnings_candidates_and_notes_name_no_one(
    brats_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = tmp_path / "Albus_Dumbledore"
    described = {name: {"SeriesDescription": f"{words} Dumbledore"} for name, (_, words, _) in clinic.BRAIN.items()}
    clinic.brain_study(tree / "one", study="1.2.3.5", attributes=described, **clinic.IDENTITY)
    (tree / "one" / "t1" / "again.dcm").write_bytes((tree / "one" / "t1" / "IM0001.dcm").read_bytes())
    clinic.brain_study(tree / "two", study="1.2.3.6", attributes=described, **clinic.IDENTITY)
    clinic.brain_study(tree / "two" / "again", study="1.2.3.6", **{**clinic.IDENTITY, "SeriesNumber": "7"})
    nibabel.save(nibabel.Nifti1Image(clinic.scan().array[0], clinic.AXIAL), tree / "one" / "albus.nii.gz")
    (tree / "dumbledore.txt").touch()
    answer = _infer(monkeypatch, brats_model, tmp_path / "out", "--input", tree)
    assert answer.code == 3
    assert "warning: " in answer.err
    assert "meets the rule" in answer.err
    assert "left out" in answer.out
    assert clinic.leaks(tmp_path / "out", answer.out, answer.err) == []


def test_a_name_at_the_end_of_a_long_description_is_taken_out_of_the_table_of_candidates(
    model: Path, tmp_path: Path
) -> None:
    description = "T1 MPRAGE brain post KM Zwetschgenbaum F"
    for number in (1, 2):
        clinic.t1_study(
            tmp_path / "in" / str(number),
            seed=number,
            PatientName="Zwetschgenbaum^Friedolin",
            SeriesDescription=description,
            SeriesNumber=str(number),
            SeriesInstanceUID=f"1.2.3.1.{number}",
        )
    answer = tiny.call("infer", "--bundle", model, "--input", tmp_path / "in", "--output", tmp_path / "out")
    assert answer.code == 3
    assert "[removed]" in answer.err
    told = answer.out + answer.err + (tmp_path / "out" / "run.json").read_text(encoding="utf-8")
    assert "Zwetsch" not in told

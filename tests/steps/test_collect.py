"""Inputs of any kind become one list of work; nothing is lost without a word, and no name gets into one."""

from pathlib import Path

import clinic
import nibabel
import pytest

from medseg.bundle.read import Bundle
from medseg.core.errors import DatalistError
from medseg.steps.collect import collect
from medseg.steps.dicom_options import DicomOptions

_PLAIN = DicomOptions()


def _nifti(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(clinic.scan().array[0], clinic.AXIAL), path)
    return path


def test_inputs_of_both_kinds_stand_in_one_list(hippocampus: Bundle, tmp_path: Path, said: list[str]) -> None:
    dicom, nifti = clinic.t1_study(tmp_path / "d"), _nifti(tmp_path / "n" / "scan.nii.gz")
    found = collect(hippocampus, [dicom, nifti], _PLAIN, said.append)
    assert [job.reference is not None for job in found.jobs] == [True, False]
    assert found.jobs[1].id == "scan"
    assert found.outcomes == ()


def test_a_tree_of_both_kinds_gives_both(hippocampus: Bundle, tmp_path: Path, said: list[str]) -> None:
    clinic.t1_study(tmp_path / "d")
    _nifti(tmp_path / "n" / "scan.nii.gz")
    found = collect(hippocampus, [tmp_path], _PLAIN, said.append)
    assert [job.id for job in found.jobs][1:] == ["scan"]
    assert len(found.jobs) == 2


def test_nifti_in_the_folder_of_a_dicom_study_is_left_out_with_a_note(
    hippocampus: Bundle, tmp_path: Path, said: list[str]
) -> None:
    clinic.t1_study(tmp_path / "d")
    _nifti(tmp_path / "d" / "converted.nii.gz")
    _nifti(tmp_path / "labels.nii.gz")
    assert len(collect(hippocampus, [tmp_path], _PLAIN, said.append).jobs) == 1
    assert said == [f"{tmp_path}: 2 NIfTI files beside DICOM left out, first 'converted.nii.gz'"]


def test_a_bad_nifti_study_never_stops_the_dicom_beside_it(brats: Bundle, tmp_path: Path, said: list[str]) -> None:
    clinic.brain_study(tmp_path / "d")
    for channel in ("t1", "t1ce", "flair"):
        _nifti(tmp_path / "P1" / f"P1_{channel}.nii.gz")
    found = collect(brats, [tmp_path], _PLAIN, said.append)
    assert len(found.jobs) == 1
    (outcome,) = found.outcomes
    assert outcome.study == "P1"
    assert outcome.reason is not None
    assert "channel t2 is missing" in outcome.reason


def test_a_file_that_only_begins_as_dicom_does_hides_no_nifti(
    hippocampus: Bundle, tmp_path: Path, said: list[str]
) -> None:
    _nifti(tmp_path / "scan.nii.gz")
    (tmp_path / "x.bin").write_bytes(b"\x02\x00\x00\x00" + bytes(200))
    assert [job.id for job in collect(hippocampus, [tmp_path], _PLAIN, said.append).jobs] == ["scan"]


def test_notes_and_reasons_name_no_patient_of_the_tree(hippocampus: Bundle, tmp_path: Path, said: list[str]) -> None:
    folder = tmp_path / "Dumbledore_Albus_20190813"
    clinic.t1_study(folder / "d", **clinic.IDENTITY)
    _nifti(folder / "d" / "dumbledore.nii.gz")
    _nifti(folder / "n" / "scan.nii.gz").write_bytes(b"hello")
    found = collect(hippocampus, [folder], _PLAIN, said.append)
    assert said
    assert clinic.leaks(tmp_path / "none", *said) == []
    with pytest.raises(Exception, match="not gzip") as caught:
        found.jobs[1].read()
    assert clinic.leaks(tmp_path / "none", found.jobs[1].redactor.text(str(caught.value))) == []


def test_identity_words_come_from_refused_studies_too(hippocampus: Bundle, tmp_path: Path, said: list[str]) -> None:
    clinic.lose_slice(clinic.t1_study(tmp_path, **clinic.IDENTITY))
    found = collect(hippocampus, [tmp_path], _PLAIN, said.append)
    assert found.jobs == ()
    assert {"Dumbledore^Albus", "HOG-188107", "ACC5550123", "20190813"} <= set(found.identity)


def test_unusable_inputs_are_told_of_together(hippocampus: Bundle, tmp_path: Path, said: list[str]) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "letter.txt").write_text("dear colleague")
    with pytest.raises(DatalistError, match=r"(?s)2 faults.*no file or folder '.*none'.*letters"):
        collect(hippocampus, [tmp_path / "none", tmp_path / "letters"], _PLAIN, said.append)


def test_one_study_in_two_inputs_is_refused(hippocampus: Bundle, tmp_path: Path, said: list[str]) -> None:
    one, two = clinic.t1_study(tmp_path / "a"), clinic.t1_study(tmp_path / "b")
    with pytest.raises(DatalistError, match=r"study 'study-\w+' stands in 2 inputs"):
        collect(hippocampus, [one, two], _PLAIN, said.append)


def test_a_bad_study_in_two_inputs_is_refused_too(hippocampus: Bundle, tmp_path: Path, said: list[str]) -> None:
    one, two = clinic.t1_study(tmp_path / "a"), clinic.lose_slice(clinic.t1_study(tmp_path / "b"))
    with pytest.raises(DatalistError, match="stands in 2 inputs"):
        collect(hippocampus, [one, two], _PLAIN, said.append)

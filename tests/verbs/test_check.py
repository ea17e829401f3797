"""`medseg check` on scans and on data: a table or JSON, an exit code, and every fault at once."""

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import clinic
import damage as d
import nibabel
import numpy as np
import pytest
import tiny

_KEYS = {"study", "series", "description", "modality", "shape", "spacing_mm", "verdict", "code", "reason", "warnings"}


def _check(*words: object) -> tiny.Answer:
    answer = tiny.call("check", *words)
    assert "Traceback" not in answer.err
    assert "Unexpected" not in answer.err
    return answer


def _nifti(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nibabel.Nifti1Image(clinic.scan().array[0], clinic.AXIAL)
    image.set_sform(clinic.AXIAL, 1)
    image.set_qform(clinic.AXIAL, 1)
    nibabel.save(image, path)
    return path


# DICOM


def test_a_good_study_is_accepted_series_by_series(tmp_path: Path) -> None:
    answer = _check("--input", clinic.brain_study(tmp_path))
    assert (answer.code, answer.err) == (0, "")
    lines = [line for line in answer.out.splitlines() if line.endswith("accepted")]
    assert [line.split()[:2] for line in lines] == [["1", "MR"], ["2", "MR"], ["3", "MR"], ["4", "MR"]]
    assert all("24x28x20" in line and "1 x 1 x 2 mm" in line for line in lines)


def test_a_phantom_study_is_accepted(tmp_path: Path) -> None:
    from medseg.datasets.phantom_dicom import write_phantom_study

    answer = _check("--input", write_phantom_study(tmp_path / "study", kind="hippocampus"))
    assert answer.code == 0
    assert "T1 MPRAGE" in answer.out


def test_a_missing_slice_is_refused_with_code_and_sentence(tmp_path: Path) -> None:
    clinic.lose_slice(clinic.brain_study(tmp_path) / "t2")
    answer = _check("--input", tmp_path)
    assert answer.code == 1
    assert "refused [slice_missing]" in answer.out
    assert "series 3 'T2 TSE' (MR): gap of 4 mm between slices 8 and 9 ('IM0008.dcm' and 'IM0010.dcm')" in answer.out
    assert answer.out.count("refused") == 1


def test_a_warning_is_no_refusal(tmp_path: Path) -> None:
    folder = clinic.t1_study(tmp_path)
    shutil.copy(folder / "IM0003.dcm", folder / "again.dcm")
    answer = _check("--input", tmp_path)
    assert answer.code == 0
    assert "accepted_with_warnings" in answer.out
    assert "warning [duplicate_instance]" in answer.out


def test_junk_alone_is_no_scan(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear colleague")
    answer = _check("--input", tmp_path)
    assert answer.code == 1
    assert "no DICOM or NIfTI image found" in answer.err
    assert "1 file left out: neither DICOM nor NIfTI" in answer.err


def test_results_beside_good_images_do_not_refuse(tmp_path: Path) -> None:
    clinic.t1_study(tmp_path / "t1")
    clinic.add_results(tmp_path / "results")
    answer = _check("--input", tmp_path)
    assert answer.code == 0
    assert answer.out.count("refused [result_object]") == 2


def test_results_alone_are_listed_and_no_image(tmp_path: Path) -> None:
    answer = _check("--input", clinic.add_results(tmp_path))
    assert answer.code == 1
    assert answer.out.count("refused [result_object]") == 2
    assert "no DICOM or NIfTI image found" in answer.err


def test_select_keeps_one_of_several_volumes(tmp_path: Path) -> None:
    clinic.t1_study(tmp_path / "one", EchoTime="2.3", SeriesInstanceUID="1.2.3.8")
    clinic.t1_study(tmp_path / "two", EchoTime="4.92", SeriesInstanceUID="1.2.3.8", seed=1)
    answer = _check("--input", tmp_path)
    assert answer.code == 1
    assert "refused [several_volumes]" in answer.out
    assert "--select EchoTime=" in answer.out
    chosen = _check("--input", tmp_path, "--select", "EchoTime=4.92")
    assert chosen.code == 0
    assert "24x28x20" in chosen.out
    assert "warning [selected]" in chosen.out


def test_a_tilt_is_accepted_where_it_may_be_resampled(tmp_path: Path) -> None:
    clinic.tilt(clinic.t1_study(tmp_path))
    assert "refused [tilt]" in _check("--input", tmp_path).out
    assert _check("--input", tmp_path, "--resample-tilt").code == 0


# JSON


def test_json_is_one_object_and_nothing_else(tmp_path: Path) -> None:
    clinic.t1_study(tmp_path / "good", study="1.2.3.1")
    clinic.lose_slice(clinic.t1_study(tmp_path / "bad", study="1.2.3.2"))
    _nifti(tmp_path / "n" / "scan.nii.gz")
    answer = _check("--input", tmp_path, "--json")
    assert answer.code == 1
    assert answer.err == ""
    told = json.loads(answer.out)
    assert list(told) == ["series"]
    assert all(set(one) == _KEYS for one in told["series"])
    good, bad, nifti = told["series"]
    assert (good["study"], good["verdict"], good["code"], good["reason"]) == ("1.2.3.1", "accepted", "accepted", "")
    assert (good["shape"], good["spacing_mm"], good["warnings"]) == ([24, 28, 20], [1.0, 1.0, 2.0], [])
    assert (good["description"], good["modality"]) == ("T1 MPRAGE", "MR")
    assert (bad["verdict"], bad["code"]) == ("refused", "slice_missing")
    assert "gap of 4 mm" in bad["reason"]
    assert (nifti["series"], nifti["verdict"]) == ("scan.nii.gz", "accepted")


def test_json_of_nothing_is_still_json(tmp_path: Path) -> None:
    answer = _check("--input", tmp_path, "--json")
    assert (answer.code, json.loads(answer.out)) == (1, {"series": []})


def test_json_can_be_read_whatever_the_letters_of_a_description(tmp_path: Path) -> None:
    answer = _check("--input", clinic.t1_study(tmp_path, SeriesDescription="Schädel 頭部"), "--json")
    assert answer.out.isascii()
    assert json.loads(answer.out)["series"][0]["description"] == "Schädel 頭部"


# NIfTI


def _keep(_: Path) -> None:
    """Change nothing."""


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        (_keep, "accepted", ""),
        (d.header(d.assign("srow_x", 3, 50.0)), "nifti_geometry", "sform and qform disagree"),
        (d.voxels(d.with_nan), "nifti_unreadable", "3 voxels are NaN"),
        (d.cut, "nifti_unreadable", "truncated"),
        (d.header(lambda found: found["srow_x"].__setitem__(slice(0, 3), 0)), "nifti_geometry", "a.nii.gz'"),
        (d.header(d.assign("pixdim", 2, 0.0)), "nifti_geometry", "spacing of"),
        (d.header(d.no_place), "nifti_geometry", "neither sform nor qform is set"),
        (d.header(d.assign("dim", 1, 30000)), "nifti_unreadable", "the header describes"),
        (d.content(lambda _: gzip.compress(b"hello" * 200)), "nifti_unreadable", "not a NIfTI file"),
        (d.voxels(lambda a: a[..., None, None].repeat(2, -1)), "nifti_geometry", "5 dimensions"),
    ],
    ids=["good", "forms", "nan", "cut", "singular", "spacing", "placeless", "large", "other", "5d"],
)
def test_nifti_files_stand_in_the_same_table(
    change: Callable[[Path], None], code: str, says: str, tmp_path: Path
) -> None:
    path = _nifti(tmp_path / "a.nii.gz")
    change(path)
    answer = _check("--input", tmp_path)
    (item,) = json.loads(_check("--input", tmp_path, "--json").out)["series"]
    assert (item["code"], item["verdict"]) == (code, "accepted" if code == "accepted" else "refused")
    assert says in item["reason"]
    assert len(item["reason"].splitlines()) <= 1
    assert answer.code == (code != "accepted")
    assert (f"[{code}]" in answer.out) == (code != "accepted")


def test_one_bad_file_among_good_ones_refuses(tmp_path: Path) -> None:
    _nifti(tmp_path / "a.nii.gz")
    d.cut(_nifti(tmp_path / "b.nii.gz"))
    assert _check("--input", tmp_path).code == 1


# Options


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "nothing to check"),
        (("--json",), "nothing to check"),
        (("--input", "x", "--json", "--bundle", "brats_unet3d"), "--json is for --input alone"),
        (("--data", "x", "--json"), "--json is for --input alone"),
        (("--network", "--input", "x"), "--network needs --bundle"),
        (("--bundle", "brats_unet3d", "--select", "EchoTime=4"), "are for --input"),
        (("--bundle", "brats_unet3d", "--resample-tilt"), "are for --input"),
        (("--input", ".", "--select", "EchoTime"), "--select 'EchoTime': write --select KEY=VALUE"),
        (("--input", ".", "--select", "EchoTime="), "write --select KEY=VALUE"),
        (("--input", ".", "--select", "EchoTime=4", "--select", "EchoTime=5"), "'EchoTime' is given twice"),
    ],
)
def test_a_wrong_command_line_is_told_of(words: tuple[str, ...], says: str) -> None:
    answer = _check(*words)
    assert answer.code == 2
    assert says in answer.err
    assert answer.out == ""


def test_a_path_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    answer = _check("--input", tmp_path / "none")
    assert answer.code == 1
    assert "no file or folder '" in answer.err


# Datasets


def test_a_sound_dataset_is_described_without_a_bundle(tiny_cohort: Path) -> None:
    answer = _check("--data", tiny_cohort)
    assert (answer.code, answer.err) == (0, "")
    assert "studies   8" in answer.out


def test_a_label_on_another_grid_is_one_line(tiny_cohort: Path, tmp_path: Path) -> None:
    data = d.copied(tiny_cohort, tmp_path / "data")
    d.voxels(lambda array: array[:-2])(data / "labelsTr" / "phantom_000.nii.gz")
    answer = _check("--data", data)
    assert answer.code == 1
    lines = [line for line in answer.err.splitlines() if "phantom_000" in line]
    assert len(lines) == 1
    assert "lies on another grid than channel" in lines[0]


def test_numbers_of_numpy_do_not_upset_json(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(np.ones((3, 4, 5), np.float32), np.diag([0.1, 0.2, 0.3, 1])), tmp_path / "a.nii")
    (item,) = json.loads(_check("--input", tmp_path, "--json").out)["series"]
    assert item["spacing_mm"] == [0.1, 0.2, 0.3]

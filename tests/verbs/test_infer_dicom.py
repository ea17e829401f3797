"""`medseg infer` on DICOM: studies found, recognised, put on one grid and segmented, or refused with a reason each."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import clinic
import nibabel
import numpy as np
import pytest
import tiny

from medseg.core.volume import Volume

_THICK = np.array([[-1.0, 0, 0, 12], [0, -1.0, 0, 14], [0, 0, 4.0, -19], [0, 0, 0, 1]])  # 10 slices in the box of 20
_BRATS_2023 = {"t1": "t1n", "t1c": "t1c", "t2": "t2w", "flair": "t2f"}


def _infer(bundle: Path, output: Path, *words: object) -> tiny.Answer:
    answer = tiny.call("infer", "--bundle", bundle, "--output", output, "--device", "cpu", *words)
    assert "Traceback" not in answer.err
    assert "Unexpected" not in answer.err
    return answer


def _studies(output: Path) -> list[dict[str, Any]]:
    record = json.loads((output / "run.json").read_text())
    assert record["outcome"] == "finished"
    return list(record["studies"])


def _only(output: Path) -> dict[str, Any]:
    (study,) = _studies(output)
    return study


def _nifti(path: Path, volume: Volume) -> Path:
    """As converters write it: rows run to the front, so j is turned round."""
    path.parent.mkdir(parents=True, exist_ok=True)
    turned = np.diag([1.0, -1.0, 1.0, 1.0])
    turned[1, 3] = volume.shape[1] - 1
    nibabel.save(nibabel.Nifti1Image(volume.array[0, :, ::-1], volume.affine_ras @ turned), path)
    return path


def _canonical(path: Path) -> Any:
    return nibabel.as_closest_canonical(nibabel.load(path))


# What is written


def test_a_study_gives_a_label_map_on_its_own_slices_and_a_report(model: Path, tmp_path: Path) -> None:
    answer = _infer(model, tmp_path / "out", "--input", clinic.t1_study(tmp_path / "study"), "--json")
    assert answer.code == 0, answer.err
    assert json.loads(answer.last_line) == {"output": str(tmp_path / "out"), "done": 1, "failed": 0}
    study = _only(tmp_path / "out")
    name = study["study"]
    assert tiny.files_below(tmp_path / "out") == {f"{name}.nii.gz", f"{name}/report.html", *tiny.RECORDS}
    written = nibabel.load(study["prediction"])
    assert written.shape == clinic.SHAPE
    assert np.allclose(written.affine, clinic.AXIAL)
    counts = {str(value): int((np.asarray(written.dataobj) == value).sum()) for value in (1, 2)}
    assert study["labels"] == counts
    assert sum(counts.values())
    assert study["code"] == "accepted"
    assert study["channels"]["t1"]["series_number"] == 1
    assert "InversionTime 900" in study["channels"]["t1"]["recognised"]


def test_a_report_can_be_left_out(model: Path, tmp_path: Path) -> None:
    assert _infer(model, tmp_path / "out", "--input", clinic.t1_study(tmp_path / "s"), "--no-report").code == 0
    assert len(tiny.files_below(tmp_path / "out")) == 1 + len(tiny.RECORDS)


def test_all_formats_come_out_of_one_command(model: Path, tmp_path: Path) -> None:
    words = ("--format", "nifti", "dicom-seg", "dicom-sr")
    answer = _infer(model, tmp_path / "out", "--input", clinic.t1_study(tmp_path / "study"), *words)
    assert answer.code == 0, answer.err
    name = _only(tmp_path / "out")["study"]
    names = {f"{name}/{file}" for file in ("seg.dcm", "sr.dcm", "report.html")}
    assert tiny.files_below(tmp_path / "out") == {f"{name}.nii.gz", *tiny.RECORDS, *names}


def test_the_same_study_twice_gives_the_same_label_map(model: Path, tmp_path: Path) -> None:
    study = clinic.t1_study(tmp_path / "study")
    for name in ("one", "two"):
        assert _infer(model, tmp_path / name, "--input", study, "--no-report").code == 0
    one, two = (Path(_only(tmp_path / name)["prediction"]).read_bytes() for name in ("one", "two"))
    assert one == two


def test_dicom_and_nifti_of_one_scan_give_one_label_map(model: Path, tmp_path: Path) -> None:
    clinic.t1_study(tmp_path / "dicom")
    _nifti(tmp_path / "nifti" / "scan.nii.gz", clinic.scan())
    answer = _infer(model, tmp_path / "out", "--input", tmp_path / "dicom", tmp_path / "nifti")
    assert answer.code == 0, answer.err
    one, two = (_canonical(Path(study["prediction"])) for study in _studies(tmp_path / "out"))
    assert np.array_equal(np.asarray(one.dataobj), np.asarray(two.dataobj))
    assert np.allclose(one.affine, two.affine)
    assert len(np.unique(np.asarray(one.dataobj))) > 1


def test_four_channels_as_dicom_and_nifti_give_one_label_map(brats_model: Path, tmp_path: Path) -> None:
    clinic.brain_study(tmp_path / "dicom")
    for seed, channel in enumerate(clinic.BRAIN):
        _nifti(tmp_path / "P1" / f"P1-{_BRATS_2023[channel]}.nii.gz", clinic.scan(seed))
    answer = _infer(brats_model, tmp_path / "out", "--input", tmp_path / "dicom", tmp_path / "P1")
    assert answer.code == 0, answer.err
    one, two = (np.asarray(_canonical(Path(s["prediction"])).dataobj) for s in _studies(tmp_path / "out"))
    assert np.array_equal(np.where(one == 4, 3, one), two)  # names from 2023 write enhancing tumour as 3
    assert len(np.unique(one)) > 1


@pytest.mark.external
def test_what_dcm2niix_makes_of_a_study_gives_the_same_label_map(model: Path, tmp_path: Path) -> None:
    program = shutil.which("dcm2niix")
    if program is None:
        pytest.skip("no dcm2niix")
    study = clinic.t1_study(tmp_path / "dicom")
    (tmp_path / "nifti").mkdir()
    command = [program, "-z", "y", "-f", "scan", "-o", str(tmp_path / "nifti"), str(study)]
    subprocess.run(command, check=True, capture_output=True)
    answer = _infer(model, tmp_path / "out", "--input", study, tmp_path / "nifti" / "scan.nii.gz")
    assert answer.code == 0, answer.err
    one, two = (_canonical(Path(one["prediction"])) for one in _studies(tmp_path / "out"))
    assert np.array_equal(np.asarray(one.dataobj), np.asarray(two.dataobj))
    assert np.allclose(one.affine, two.affine, atol=1e-4)


def test_a_channel_acquired_on_another_grid_is_resampled_and_recorded(brats_model: Path, tmp_path: Path) -> None:
    volumes = {"t2": clinic.scan(7, (24, 28, 10), _THICK)}
    answer = _infer(brats_model, tmp_path / "out", "--input", clinic.brain_study(tmp_path / "s", volumes=volumes))
    assert answer.code == 0, answer.err
    study = _only(tmp_path / "out")
    assert {name: one["resampled"] for name, one in study["channels"].items()} == {
        "t1": False,
        "t1c": False,
        "t2": True,
        "flair": False,
    }
    assert study["channels"]["t2"]["shape"] == [24, 28, 10]
    assert nibabel.load(study["prediction"]).shape == clinic.SHAPE


def test_a_tilted_series_lies_on_the_grid_it_was_resampled_to(model: Path, tmp_path: Path) -> None:
    from medseg.io.dicom import find_series, read_series

    folder = clinic.tilt(clinic.t1_study(tmp_path / "tilted"))
    assert _infer(model, tmp_path / "no", "--input", folder).code == 3
    assert _only(tmp_path / "no")["code"] == "tilt"
    assert _infer(model, tmp_path / "out", "--input", folder, "--resample-tilt").code == 0
    study = _only(tmp_path / "out")
    assert [one["code"] for one in study["warnings"]].count("tilt_resampled") == 1
    volume, _ = read_series(find_series(folder, resample_tilt=True).series[0])
    written = nibabel.load(study["prediction"])
    assert written.shape == volume.shape
    assert written.shape[1] > clinic.SHAPE[1]  # 19 shifts of 0.8 mm widen it
    assert np.allclose(written.affine, volume.affine_ras, atol=1e-4)


# Many studies


def test_a_study_without_a_slice_never_stops_the_others(model: Path, tmp_path: Path) -> None:
    clinic.t1_study(tmp_path / "in" / "good", study="1.2.3.1")
    clinic.lose_slice(clinic.t1_study(tmp_path / "in" / "bad", study="1.2.3.2"))
    answer = _infer(model, tmp_path / "out", "--input", tmp_path / "in", "--json")
    assert answer.code == 3
    assert json.loads(answer.last_line)["failed"] == 1
    bad, good = sorted(_studies(tmp_path / "out"), key=lambda study: study["reason"] is None)
    assert (good["reason"], good["code"]) == (None, "accepted")
    assert Path(good["prediction"]).is_file()
    assert (bad["code"], bad["prediction"], bad["outputs"]) == ("slice_missing", None, [])
    assert "gap of 4 mm between slices 8 and 9" in bad["reason"]
    assert f"failed: {bad['study']}: series 1" in answer.err
    assert len(list((tmp_path / "out").glob("*.nii.gz"))) == 1


def test_one_series_without_a_slice_names_the_channel(brats_model: Path, tmp_path: Path) -> None:
    clinic.lose_slice(clinic.brain_study(tmp_path / "in") / "flair")
    assert _infer(brats_model, tmp_path / "out", "--input", tmp_path / "in").code == 3
    study = _only(tmp_path / "out")
    assert study["code"] == "slice_missing"
    assert "flair: no accepted series meets its rule" in study["reason"]


def test_dicom_and_nifti_studies_lie_side_by_side(model: Path, tmp_path: Path) -> None:
    clinic.t1_study(tmp_path / "in" / "d" / "deep" / "er")
    _nifti(tmp_path / "in" / "n" / "scan.nii.gz", clinic.scan(1))
    answer = _infer(model, tmp_path / "out", "--input", tmp_path / "in")
    assert answer.code == 0, answer.err
    assert [study["code"] for study in _studies(tmp_path / "out")] == ["accepted", "accepted"]
    assert (tmp_path / "out" / "scan.nii.gz").is_file()
    assert len(list((tmp_path / "out").rglob("report.html"))) == 1  # for DICOM, unless asked for


def test_nifti_in_a_dicom_folder_is_left_out_with_a_note(model: Path, tmp_path: Path) -> None:
    _nifti(clinic.t1_study(tmp_path / "in") / "labels.nii.gz", clinic.scan())
    answer = _infer(model, tmp_path / "out", "--input", tmp_path / "in")
    assert answer.code == 0
    assert len(_studies(tmp_path / "out")) == 1
    assert "1 NIfTI file beside DICOM left out, first 'labels.nii.gz'" in answer.out


def test_two_inputs_are_segmented_together(model: Path, tmp_path: Path) -> None:
    one, two = (clinic.t1_study(tmp_path / str(n), study=f"1.2.3.{n}", seed=n) for n in (1, 2))
    assert _infer(model, tmp_path / "out", "--input", one, two).code == 0
    assert len({study["study"] for study in _studies(tmp_path / "out")}) == 2


# Which series


def test_several_candidates_are_shown_and_one_can_be_named(brats_model: Path, tmp_path: Path) -> None:
    folder = clinic.brain_study(tmp_path / "in")
    shutil.rmtree(clinic.brain_study(tmp_path / "in" / "again", SeriesNumber="7") / "t1c")
    for channel in ("t2", "flair"):
        shutil.rmtree(folder / "again" / channel)
    answer = _infer(brats_model, tmp_path / "no", "--input", folder)
    assert answer.code == 3
    reason = _only(tmp_path / "no")["reason"].splitlines()
    assert "  t1: 2 series meet its rule" in reason
    assert [line.split()[:2] for line in reason if line.endswith("  meets the rule")] == [
        ["series", "1"],
        ["series", "7"],
    ]
    assert [line for line in answer.err.splitlines() if "--series t1=NUMBER" in line]
    assert _infer(brats_model, tmp_path / "out", "--input", folder, "--series", "t1=7").code == 0
    assert _only(tmp_path / "out")["channels"]["t1"]["series_number"] == 7


def test_a_number_no_series_has_is_refused_with_those_there_are(brats_model: Path, tmp_path: Path) -> None:
    words = ("--input", clinic.brain_study(tmp_path / "in"), "--series", "t1=99")
    assert _infer(brats_model, tmp_path / "out", *words).code == 3
    reason = _only(tmp_path / "out")["reason"]
    assert "--series t1=99: no series has this number or UID; there are" in reason
    assert "series 3  'T2 TSE'" in reason


def test_a_series_in_another_frame_of_reference_is_refused(brats_model: Path, tmp_path: Path) -> None:
    folder = clinic.brain_study(tmp_path / "in", attributes={"flair": {"FrameOfReferenceUID": "1.2.3.99"}})
    assert _infer(brats_model, tmp_path / "out", "--input", folder).code == 3
    assert "flair: series 4 'FLAIR' (MR) is in another frame of reference" in _only(tmp_path / "out")["reason"]


def test_two_slices_are_refused_for_a_3d_model(model: Path, tmp_path: Path) -> None:
    folder = clinic.t1_study(tmp_path / "in", volume=clinic.scan(shape=(24, 28, 2)))
    assert _infer(model, tmp_path / "out", "--input", folder).code == 3
    assert _only(tmp_path / "out")["code"] == "too_few_slices"


def test_a_whole_study_of_damaged_files_is_a_failure(model: Path, tmp_path: Path) -> None:
    clinic.t1_study(tmp_path / "in" / "good")
    for path in clinic.t1_study(tmp_path / "in" / "bad", study="1.2.3.9").iterdir():
        path.write_bytes(path.read_bytes()[:200])
    assert _infer(model, tmp_path / "out", "--input", tmp_path / "in").code == 3
    assert "20 DICOM files cannot be read" in next(s["reason"] for s in _studies(tmp_path / "out") if s["reason"])


# Writing


def test_an_output_that_cannot_be_is_refused_before_the_work(model: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a letter")
    answer = _infer(model, tmp_path / "out", "--input", clinic.t1_study(tmp_path / "in"))
    assert answer.code == 1
    assert "Cannot write '" in answer.err
    assert "Segmenting" not in answer.err


def test_a_failing_report_leaves_nothing_of_its_study(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no picture")

    monkeypatch.setattr("medseg.steps.study_report.write_report", fail)
    answer = _infer(
        model, tmp_path / "out", "--input", clinic.t1_study(tmp_path / "in"), "--format", "nifti", "dicom-seg"
    )
    assert answer.code == 3
    assert [path.name for path in (tmp_path / "out").rglob("*")] == ["run.json"]
    assert _only(tmp_path / "out")["reason"] == "RuntimeError: no picture"


def test_an_object_that_cannot_be_made_fails_its_study_alone(model: Path, tmp_path: Path) -> None:
    clinic.t1_study(tmp_path / "in" / "small", study="1.2.3.1")
    clinic.t1_study(tmp_path / "in" / "large", study="1.2.3.2", volume=clinic.scan(1, (40, 36, 8)))
    words = ("--format", "dicom-seg", "--seg-compression", "j2k", "--no-report")  # JPEG 2000 takes no slice below 32
    assert _infer(model, tmp_path / "out", "--input", tmp_path / "in", *words).code == 3
    reasons = [study["reason"] for study in _studies(tmp_path / "out")]
    assert sorted(reason is None for reason in reasons) == [False, True]
    assert len(list((tmp_path / "out").rglob("seg.dcm"))) == 1

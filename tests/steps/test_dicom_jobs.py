"""DICOM studies become jobs on one grid, or outcomes with a code; no study is lost."""

from pathlib import Path

import clinic
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

import medseg.steps.dicom_jobs as dicom_jobs_file
from medseg.bundle.read import Bundle
from medseg.core.errors import DicomError
from medseg.core.volume import Volume
from medseg.io.dicom_study import study_name
from medseg.steps.dicom_jobs import dicom_jobs
from medseg.steps.dicom_options import DicomOptions
from medseg.steps.jobs import Outcome, Worklist

_THICK = np.array([[-1.0, 0, 0, 12], [0, -1.0, 0, 14], [0, 0, 4.0, -19], [0, 0, 0, 1]])  # 10 slices in the box of 20


def _jobs(bundle: Bundle, path: Path, said: list[str], options: DicomOptions | None = None) -> Worklist:
    return dicom_jobs(bundle, path, options or DicomOptions(), said.append)


def _failed(bundle: Bundle, path: Path, said: list[str], options: DicomOptions | None = None) -> Outcome:
    found = _jobs(bundle, path, said, options)
    assert found.jobs == ()
    (outcome,) = found.outcomes
    assert outcome.reason
    return outcome


# Studies that may be segmented


def test_a_study_becomes_a_job_with_its_channels_in_the_bundles_order(
    brats: Bundle, tmp_path: Path, said: list[str]
) -> None:
    (job,) = _jobs(brats, clinic.brain_study(tmp_path), said).jobs
    scan = job.read()
    names = [channel.name for channel in brats.channels]
    assert [channel.name for channel in scan.channels] == names
    for name, array in zip(names, scan.volume.array, strict=True):
        seed = list(clinic.BRAIN).index(name)
        assert np.array_equal(array, clinic.scan(seed).array[0])
    assert np.allclose(scan.volume.affine_ras, clinic.AXIAL)
    assert [channel.resampled for channel in scan.channels] == [False] * 4
    assert scan.channels[job.reference_channel].name == "t1c"
    assert job.modality == "MR"
    assert scan.warnings == ()


def test_a_job_names_all_files_it_reads(brats: Bundle, tmp_path: Path, said: list[str]) -> None:
    (job,) = _jobs(brats, clinic.brain_study(tmp_path), said).jobs
    assert sorted(job.sources) == sorted(tmp_path.rglob("*.dcm"))


def test_a_channel_on_another_grid_is_resampled_and_says_so(brats: Bundle, tmp_path: Path, said: list[str]) -> None:
    ramp = np.broadcast_to(np.arange(10, dtype=np.int16) * 40, (24, 28, 10))
    clinic.brain_study(tmp_path, volumes={"t2": Volume(ramp[None], _THICK)})
    scan = _jobs(brats, tmp_path, said).jobs[0].read()
    (t2,) = [channel for channel in scan.channels if channel.name == "t2"]
    assert (t2.resampled, t2.shape) == (True, (24, 28, 10))
    assert t2.spacing_mm == pytest.approx((1, 1, 4))
    assert [channel.resampled for channel in scan.channels if channel.name != "t2"] == [False] * 3
    # Slices of 2 mm lie at -20, -18 … mm; the ramp rises by 10 per mm from -19 mm on.
    column = scan.volume.array[scan.channels.index(t2), 12, 14]
    assert column[1:19] == pytest.approx([10 * (-18 + 2 * k + 19) for k in range(18)])


def test_several_studies_below_one_folder_are_kept_apart(hippocampus: Bundle, tmp_path: Path, said: list[str]) -> None:
    for number in range(3):
        clinic.t1_study(tmp_path / str(number), study=f"1.2.3.{number}", seed=number)
    found = _jobs(hippocampus, tmp_path, said)
    assert len({job.id for job in found.jobs}) == 3
    assert [job.read().volume.array[0, 5, 5, 5] for job in found.jobs] == [
        clinic.scan(number).array[0, 5, 5, 5] for number in range(3)
    ]


def test_two_patients_without_a_study_uid_are_two_studies(hippocampus: Bundle, tmp_path: Path, said: list[str]) -> None:
    for number in range(2):
        seen = {"PatientID": f"P{number}", "FrameOfReferenceUID": f"1.2.3.8.{number}"}
        clinic.t1_study(tmp_path / str(number), study="", volume=clinic.scan(number, (24, 28, 20 + number)), **seen)
    found = _jobs(hippocampus, tmp_path, said)
    assert len({job.id for job in found.jobs}) == 2
    assert [job.read().volume.shape[2] for job in found.jobs] == [20, 21]


def test_results_are_no_study_of_their_own(hippocampus: Bundle, tmp_path: Path, said: list[str]) -> None:
    clinic.t1_study(tmp_path / "t1")
    clinic.add_results(tmp_path / "same")
    clinic.add_results(tmp_path / "other", study="1.2.3.44")
    found = _jobs(hippocampus, tmp_path, said)
    assert (len(found.jobs), found.outcomes) == (1, ())


def test_a_series_named_by_the_user_is_taken(brats: Bundle, tmp_path: Path, said: list[str]) -> None:
    clinic.brain_study(tmp_path, attributes={"t1": {"SeriesDescription": "unclear", "RepetitionTime": "1900"}})
    assert _failed(brats, tmp_path, said).code == "failed"
    scan = _jobs(brats, tmp_path, said, DicomOptions(series={"t1": "1"})).jobs[0].read()
    assert next(one.recognised for one in scan.channels if one.name == "t1") == "named by --series"


# Studies that may not


def test_a_missing_slice_gives_the_code_of_the_gate(hippocampus: Bundle, tmp_path: Path, said: list[str]) -> None:
    assert _failed(hippocampus, clinic.lose_slice(clinic.t1_study(tmp_path)), said).code == "slice_missing"


def test_a_missing_slice_in_one_of_four_channels_gives_its_code_too(
    brats: Bundle, tmp_path: Path, said: list[str]
) -> None:
    clinic.lose_slice(clinic.brain_study(tmp_path) / "flair")
    outcome = _failed(brats, tmp_path, said)
    assert outcome.code == "slice_missing"
    assert outcome.reason is not None
    assert "flair: no accepted series meets its rule; series 4 'FLAIR' (MR) is refused" in outcome.reason


def test_several_candidates_are_a_table_of_lines(brats: Bundle, tmp_path: Path, said: list[str]) -> None:
    clinic.brain_study(tmp_path)
    clinic.brain_study(tmp_path / "again", SeriesNumber="7")
    outcome = _failed(brats, tmp_path, said)
    assert outcome.reason is not None
    lines = outcome.reason.splitlines()
    assert [line for line in lines if line.strip() == "t1: 2 series meet its rule"]
    assert [line for line in lines if line.strip().endswith("meets the rule")]
    assert [line for line in lines if "--series t1=NUMBER" in line]
    assert outcome.code == "failed"


def test_series_of_one_number_are_offered_by_their_uid(brats: Bundle, tmp_path: Path, said: list[str]) -> None:
    clinic.brain_study(tmp_path)
    clinic.brain_study(tmp_path / "again", volumes={name: clinic.scan(9 + n) for n, name in enumerate(clinic.BRAIN)})
    outcome = _failed(brats, tmp_path, said)
    assert outcome.reason is not None
    assert "[removed]" not in outcome.reason
    wanted = [line.split()[1] for line in outcome.reason.splitlines() if line.endswith("meets the rule")]
    found = _jobs(brats, tmp_path, said, DicomOptions(series=dict(zip(clinic.BRAIN, wanted[::2], strict=True))))
    assert len(found.jobs) == 1


@pytest.mark.parametrize(
    ("series", "says"),
    [
        ({"t1": "99"}, "no series has this number or UID"),
        ({"t9": "1"}, "the bundle has no channel 't9'"),
        ({"t1": "2", "t1c": "2"}, "one series cannot serve two channels"),
    ],
)
def test_a_series_that_cannot_be_taken_is_told_of(
    series: dict[str, str], says: str, brats: Bundle, tmp_path: Path, said: list[str]
) -> None:
    outcome = _failed(brats, clinic.brain_study(tmp_path), said, DicomOptions(series=series))
    assert outcome.reason is not None
    assert says in outcome.reason


def test_another_frame_of_reference_is_refused(brats: Bundle, tmp_path: Path, said: list[str]) -> None:
    clinic.brain_study(tmp_path, attributes={"t2": {"FrameOfReferenceUID": "1.2.3.99"}})
    outcome = _failed(brats, tmp_path, said)
    assert outcome.reason is not None
    assert "in another frame of reference than t1c" in outcome.reason


def test_another_part_of_the_body_is_refused(brats: Bundle, tmp_path: Path, said: list[str]) -> None:
    away = clinic.AXIAL.copy()
    away[2, 3] += 10  # mm of 40: a quarter of the reference is not covered
    clinic.brain_study(tmp_path, volumes={"t2": clinic.scan(affine=away)})
    outcome = _failed(brats, tmp_path, said)
    assert outcome.reason is not None
    assert "overlap of t2 with t1c is 75 %" in outcome.reason


def test_two_slices_are_no_volume_for_a_3d_model(hippocampus: Bundle, tmp_path: Path, said: list[str]) -> None:
    outcome = _failed(hippocampus, clinic.t1_study(tmp_path, volume=clinic.scan(shape=(24, 28, 2))), said)
    assert outcome.code == "too_few_slices"
    assert outcome.reason is not None
    assert "2 slices; the model needs at least 3" in outcome.reason


def test_a_tilt_is_refused_unless_it_may_be_resampled(hippocampus: Bundle, tmp_path: Path, said: list[str]) -> None:
    clinic.tilt(clinic.t1_study(tmp_path))
    assert _failed(hippocampus, tmp_path, said).code == "tilt"
    scan = _jobs(hippocampus, tmp_path, said, DicomOptions(resample_tilt=True)).jobs[0].read()
    assert [one.code for one in scan.warnings].count("tilt_resampled") == 1
    axes = scan.volume.affine_ras[:3, :3]
    assert np.allclose(axes.T @ axes, np.diag(np.diag(axes.T @ axes)), atol=1e-6)


def test_pixels_that_end_early_refuse_the_reading(hippocampus: Bundle, tmp_path: Path, said: list[str]) -> None:
    path = clinic.t1_study(tmp_path) / "IM0005.dcm"
    path.write_bytes(path.read_bytes()[:-300])
    (job,) = _jobs(hippocampus, tmp_path, said).jobs
    with pytest.raises(DicomError, match="IM0005") as caught:
        job.read()
    assert caught.value.code == "truncated"


def test_results_alone_are_a_failure_with_their_code(hippocampus: Bundle, tmp_path: Path, said: list[str]) -> None:
    assert _failed(hippocampus, clinic.add_results(tmp_path), said).code == "result_object"


def test_an_unexpected_fault_in_one_study_does_not_stop_the_others(
    hippocampus: Bundle, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2):
        clinic.t1_study(tmp_path / str(number), study=f"1.2.3.{number}", seed=number)
    judged: list[object] = []

    def once(match: object) -> None:
        judged.append(match)
        if len(judged) == 1:
            raise KeyError("HOG-188107")

    monkeypatch.setattr(dicom_jobs_file, "check_shared_space", once)
    found = _jobs(hippocampus, tmp_path, said)
    assert (len(found.jobs), [one.code for one in found.outcomes]) == (1, ["failed"])


@pytest.mark.parametrize("keyword", ["PatientBirthDate", "ScanningSequence", "SharedFunctionalGroupsSequence"])
def test_an_attribute_of_a_wrong_type_stops_no_study(
    keyword: str, hippocampus: Bundle, tmp_path: Path, said: list[str]
) -> None:
    clinic.t1_study(tmp_path / "good", study="1.2.3.8")
    for path in clinic.t1_study(tmp_path / "bad", study="1.2.3.9").iterdir():
        dataset = dcmread(path)
        dataset[keyword] = RawDataElement(Tag(keyword), "US", 3, b"123", 0, False, True)  # three bytes are no numbers
        dataset.save_as(path)
    found = _jobs(hippocampus, tmp_path, said)
    assert len(found.jobs) + len(found.outcomes) == 2
    assert study_name("1.2.3.8") in [job.id for job in found.jobs]


# Files that cannot be read


def test_a_study_whose_every_file_is_damaged_is_not_passed_over(
    hippocampus: Bundle, tmp_path: Path, said: list[str]
) -> None:
    clinic.t1_study(tmp_path / "good")
    for path in (clinic.t1_study(tmp_path / "bad", study="1.2.3.9")).iterdir():
        path.write_bytes(path.read_bytes()[:200])
    found = _jobs(hippocampus, tmp_path, said)
    assert len(found.jobs) == 1
    (outcome,) = found.outcomes
    assert outcome.reason is not None
    assert outcome.reason.startswith("20 DICOM files cannot be read; ")
    assert "IM0001.dcm" not in outcome.reason  # whose name it may be, no header tells
    assert outcome.code in ("truncated", "unreadable")


def test_an_empty_file_away_from_images_is_only_a_note(hippocampus: Bundle, tmp_path: Path, said: list[str]) -> None:
    clinic.t1_study(tmp_path / "good")
    (tmp_path / "done").touch()
    assert _jobs(hippocampus, tmp_path, said).outcomes == ()
    assert len(said) == 1
    assert "done': empty file" in said[0]


def test_no_dicom_at_all_is_an_error(hippocampus: Bundle, tmp_path: Path, said: list[str]) -> None:
    with pytest.raises(DicomError, match="holds no DICOM"):
        _jobs(hippocampus, tmp_path, said)


# Identity and options


def test_an_identity_stays_out_of_reasons(brats: Bundle, tmp_path: Path, said: list[str]) -> None:
    described = {"t1": {"SeriesDescription": "T1 DUMBLEDORE"}, "flair": {"SeriesDescription": "FLAIR albus 13.08.2019"}}
    folder = clinic.brain_study(tmp_path / "Albus_Dumbledore", attributes=described, **clinic.IDENTITY)
    clinic.lose_slice(folder / "flair")
    clinic.lose_slice(folder / "t1")
    outcome = _failed(brats, tmp_path, said)
    assert outcome.reason is not None
    assert "[removed]" in outcome.reason
    assert clinic.leaks(tmp_path / "none", outcome.reason, *said) == []

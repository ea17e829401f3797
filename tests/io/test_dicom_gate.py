"""The verdict of the headers: values, sizes, warnings, and what is chosen."""

from collections.abc import Callable
from pathlib import Path

import pytest
from dicom_enhanced import at_time, enhanced, in_stack
from dicom_good import AFFINE, SHAPE, good_datasets, write_datasets
from dicom_headers import both, each, odd
from pydicom import Dataset

from medseg.io import dicom_gate
from medseg.io.dicom_files import read_headers
from medseg.io.dicom_gate import judge
from medseg.io.dicom_series import Series

Change = Callable[[list[Dataset]], list[Dataset]]


def judged(folder: Path, change: Change, modality: str = "MR", *, tilt: bool = False, **select: str) -> Series:
    write_datasets(change(good_datasets(modality)), folder)
    return judge(read_headers(folder).headers, select=select, resample_tilt=tilt)


def as_it_is(slices: list[Dataset]) -> list[Dataset]:
    return slices


def codes(series: Series) -> list[str]:
    return [one.code for one in (*series.verdict.refusals, *series.verdict.warnings)]


def test_a_good_series_has_its_grid_and_its_words(tmp_path: Path) -> None:
    series = judged(tmp_path, as_it_is)
    assert codes(series) == []
    assert (series.number, series.description, series.modality, series.shape) == (7, "Good", "MR", SHAPE)
    assert series.affine_ras == pytest.approx(AFFINE, abs=1e-6)
    assert [one.path.name for one in series.slices] == [f"{n:03d}.dcm" for n in range(SHAPE[2])]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (each(SeriesNumber=None), (None, "Good")),
        (each(SeriesNumber=""), (None, "Good")),
        (each(SeriesDescription="T1  post\n(Gd) "), (7, "T1 post (Gd)")),
        (each(SeriesDescription="T1\x1b[2J"), (7, "T1 [2J")),
        (each(SeriesDescription=None), (7, "")),
    ],
)
def test_number_and_description_are_plain(tmp_path: Path, change: Change, expected: tuple) -> None:
    series = judged(tmp_path, change)
    assert (series.number, series.description) == expected


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    change = both(odd(PixelSpacing=["1.21", "0.9"], PatientID="other"), each(RescaleSlope="1", RescaleIntercept=None))
    assert codes(judged(tmp_path, change, "CT")) == ["patients_mixed", "pixel_spacing_differs", "rescale_absent"]


def test_a_refused_series_has_no_grid_to_believe(tmp_path: Path) -> None:
    series = judged(tmp_path, odd(ImagePositionPatient=None))
    assert (series.shape, series.affine_ras, series.spacing_mm) == (None, None, None)
    assert len(series.slices) == SHAPE[2]


@pytest.mark.parametrize(("part", "accepted"), [(1.0, True), (0.99, False)])
def test_a_volume_may_be_as_large_as_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: float, accepted: bool
) -> None:
    needed = 4 * SHAPE[0] * SHAPE[1] * SHAPE[2]
    monkeypatch.setattr(dicom_gate, "MAX_VOLUME_BYTES", int(part * needed))
    series = judged(tmp_path, as_it_is)
    assert series.verdict.accepted is accepted
    assert codes(series) == ([] if accepted else ["too_large"])


@pytest.mark.parametrize("keyword", ["Rows", "Columns"])
def test_a_picture_without_extent_is_refused(tmp_path: Path, keyword: str) -> None:
    assert codes(judged(tmp_path, each(**{keyword: 0}))) == ["too_large"]


@pytest.mark.parametrize(
    ("change", "modality", "expected"),
    [
        (each(RescaleSlope="1", RescaleIntercept="0"), "MR", []),
        (each(RescaleSlope="1"), "MR", []),
        (odd(RescaleSlope="1"), "MR", ["rescale_absent"]),
        (odd(RescaleIntercept="1"), "MR", ["rescale_absent"]),
        (each(RescaleSlope="0", RescaleIntercept="0"), "MR", ["values_not_finite"]),
        (each(RescaleSlope=None), "CT", ["rescale_absent"]),
        (each(HighBit=15), "MR", ["undecodable"]),
        (each(HighBit=None), "MR", []),
        (each(PixelRepresentation=1), "MR", []),
    ],
)
def test_values_must_mean_something(tmp_path: Path, change: Change, modality: str, expected: list[str]) -> None:
    assert codes(judged(tmp_path, change, modality)) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (each(PhotometricInterpretation="MONOCHROME1"), ["monochrome1"]),
        (odd(LossyImageCompression="01", LossyImageCompressionRatio="9"), ["lossy"]),
        (each(LossyImageCompression="00"), []),
        (each(StudyInstanceUID=""), ["uids_absent"]),
        (each(ImagesInAcquisition="12"), []),
        (each(ImagesInAcquisition="13"), ["slices_announced"]),
        (each(ImagesInAcquisition="11"), []),
        (both(each(ImagesInAcquisition="13"), odd(AcquisitionNumber="2")), []),  # it counts those of one acquisition
    ],
)
def test_what_may_be_used_with_care_is_a_warning(tmp_path: Path, change: Change, expected: list[str]) -> None:
    series = judged(tmp_path, change)
    assert series.verdict.accepted
    assert codes(series) == expected


def test_a_lossy_past_is_told_with_its_ratio(tmp_path: Path) -> None:
    series = judged(tmp_path, each(LossyImageCompression="01", LossyImageCompressionRatio="9"))
    assert "ratio 9" in series.verdict.warnings[0].sentence


@pytest.mark.parametrize("order", [lambda n: 11 - n, lambda n: (5 * n) % 12], ids=["reversed", "shuffled"])
def test_frames_of_an_enhanced_object_are_ordered_by_place(tmp_path: Path, order: Callable[[int], int]) -> None:
    series = judged(tmp_path, enhanced(order=order))
    assert codes(series) == []
    assert [order(one.frame) for one in series.slices] == list(range(12))
    assert series.affine_ras == pytest.approx(AFFINE, abs=1e-6)


def test_orientation_and_spacing_may_be_shared_by_all_frames(tmp_path: Path) -> None:
    def shared(slices: list[Dataset]) -> list[Dataset]:
        (whole,) = enhanced()(slices)
        for keyword in ("PlaneOrientationSequence", "PixelMeasuresSequence", "PixelValueTransformationSequence"):
            whole.SharedFunctionalGroupsSequence[0][keyword] = whole.PerFrameFunctionalGroupsSequence[0][keyword]
            for frame in whole.PerFrameFunctionalGroupsSequence:
                del frame[keyword]
        return [whole]

    series = judged(tmp_path, shared)
    assert codes(series) == []
    assert series.affine_ras == pytest.approx(AFFINE, abs=1e-6)
    assert {(one.slope, one.intercept) for one in series.slices} == {(1.0, 0.0)}


@pytest.mark.parametrize(
    ("edit", "keyword"), [(at_time, "TemporalPositionIndex"), (in_stack, "StackID")], ids=["times", "stacks"]
)
@pytest.mark.parametrize("number", ["1", "2"])
def test_one_of_two_stacks_in_an_object_is_chosen(tmp_path: Path, edit: Callable, keyword: str, number: str) -> None:
    change = enhanced(edit=edit, repeats=2)
    assert codes(judged(tmp_path / "all", change)) == ["several_stacks"]
    series = judged(tmp_path / "one", change, **{keyword: number})
    assert codes(series) == ["selected"]
    assert [one.frame for one in series.slices] == [n + 12 * (int(number) - 1) for n in range(12)]


def test_a_choice_that_nothing_fits_is_refused_with_its_words(tmp_path: Path) -> None:
    series = judged(tmp_path, enhanced(edit=at_time, repeats=2), TemporalPositionIndex="3")
    assert codes(series) == ["several_volumes"]
    assert "no slice has TemporalPositionIndex=3" in series.verdict.reason


def test_a_value_that_cannot_be_read_refuses_the_series_without_showing_it(tmp_path: Path) -> None:
    def change(slices: list[Dataset]) -> list[Dataset]:
        for one in slices:
            one.add_new("DimensionIndexSequence", "LO", "Zzyzx")
            one.add_new("PerFrameFunctionalGroupsSequence", "LO", "Z")
            one.NumberOfFrames = 1
        return slices

    series = judged(tmp_path, change)
    assert codes(series) == ["unreadable"]
    assert "Zzyzx" not in series.verdict.reason

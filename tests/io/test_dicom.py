"""Whatever lies in a folder, there is a verdict and never another error; and no wrong volume without a word."""

import copy
from pathlib import Path

import numpy as np
import pytest
from dicom_codings import as_big_endian, as_implicit, as_jpeg2000, as_jpeg_lossless, compressed
from dicom_enhanced import enhanced
from dicom_good import AFFINE, good_array, good_datasets, write_datasets
from dicom_headers import again, odd, other_series
from pydicom import DataElement, Dataset, config
from pydicom.uid import JPEGLSLossless, RLELossless

from medseg.core.errors import DicomError
from medseg.core.volume import Volume
from medseg.io.dicom import Found, check_series, find_series, read_series

USED = (
    *("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "SamplesPerPixel"),
    *("PhotometricInterpretation", "RescaleSlope", "RescaleIntercept", "PixelPaddingValue", "ImagePositionPatient"),
    *("ImageOrientationPatient", "PixelSpacing", "ImageType", "Modality", "SOPClassUID", "SOPInstanceUID"),
    *("SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID", "PatientID", "PatientName", "NumberOfFrames"),
    *("SeriesNumber", "SeriesDescription", "EchoTime", "AcquisitionNumber", "ImagesInAcquisition"),
    *("LossyImageCompression", "DimensionIndexSequence", "PerFrameFunctionalGroupsSequence"),
    *("SharedFunctionalGroupsSequence", "ModalityLUTSequence", "SpecificCharacterSet"),
)
ODD_VALUES = (
    *(("US", 0), ("US", [1, 2]), ("DS", "nan"), ("DS", ["1", "2", "3"]), ("IS", "99999999999"), ("LO", "text")),
    *(("LO", ""), ("UN", b"\x01\x02\x03"), ("SQ", [Dataset()]), ("FD", [1e300, -1e300]), ("OB", b"\x00\xff")),
)
# Values that are told in no way but are right in themselves: no reader can know better.
LEGAL = {("RescaleSlope", "IS"), ("RescaleIntercept", "IS"), ("PixelSpacing", "US")}


FEW = 4  # slices; of three, the outer two without the middle one are a stack


def right(volume: Volume, count: int) -> bool:
    good = good_array("MR")[..., :count]
    same = volume.array.shape[1:] == good.shape and np.array_equal(volume.array[0], good)
    # A changed digit may stay within the limits of the gate: a tenth of the spacing, a thousandth of a cosine.
    moved = np.abs(volume.affine_ras - AFFINE)
    return same and moved[:3, 3].max() < 0.31 and moved[:3, :3].max() < 4e-3


def wrong_volumes(found: Found, count: int = 12) -> list[str]:
    """Series that are accepted with other voxels or another place than the good one; anything but a verdict raises."""
    accepted = [one for one in found.series if check_series(one).accepted]
    return [one.name for one in accepted if not right(read_series(one)[0], count)]


@pytest.fixture(scope="module")
def few() -> list[Dataset]:
    return good_datasets("MR")[:FEW]


@pytest.mark.parametrize("keyword", USED)
@pytest.mark.parametrize("everywhere", [False, True], ids=["one slice", "all slices"])
def test_an_odd_value_of_any_type_in_any_attribute_is_harmless(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few: list[Dataset], keyword: str, everywhere: bool
) -> None:
    monkeypatch.setattr(config.settings, "_writing_validation_mode", config.IGNORE)
    paths = write_datasets(few, tmp_path)
    changed = range(FEW) if everywhere else [1]
    for vr, value in ODD_VALUES:
        try:
            for n in changed:
                one = copy.deepcopy(few[n])
                one.add(DataElement(keyword, vr, value))
                one.save_as(paths[n], enforce_file_format=True)
        except (TypeError, ValueError, OverflowError, AttributeError, OSError):
            continue  # pydicom does not write it
        wrong = wrong_volumes(find_series(tmp_path), FEW)
        assert wrong == [] or (keyword, vr) in LEGAL, (vr, value)


BASES = {
    "explicit": None,
    "implicit": as_implicit,
    "big endian": as_big_endian,
    "RLE": compressed(RLELossless),
    "JPEG-LS": compressed(JPEGLSLossless),
    "JPEG 2000": as_jpeg2000,
    "JPEG lossless": as_jpeg_lossless,
    "enhanced": enhanced(),
}


@pytest.mark.parametrize("base", BASES)
def test_damaged_bytes_of_a_header_are_harmless(tmp_path: Path, base: str) -> None:
    """Bytes changed, lost or added before the pixels of one slice in the middle."""
    change = BASES[base]
    datasets = good_datasets("MR")[:FEW]
    paths = write_datasets(change(datasets) if base == "enhanced" else datasets, tmp_path)
    if change and base != "enhanced":
        for path in paths:
            change(path)
    path = paths[len(paths) // 2]
    whole = path.read_bytes()
    begin = whole.rindex(b"\x7f\xe0\x00\x10" if base == "big endian" else b"\xe0\x7f\x10\x00")
    random = np.random.default_rng(0)
    for n in range(24):
        content = bytearray(whole)
        at = int(random.integers(132, begin))
        if n % 4 == 0:
            content[at] = int(random.integers(256))
        elif n % 4 == 1:
            content[at] ^= 1 << int(random.integers(8))
        elif n % 4 == 2:
            del content[at : at + int(random.integers(1, 9))]
        else:
            content[at:at] = random.bytes(int(random.integers(1, 9)))
        path.write_bytes(content)
        assert wrong_volumes(find_series(tmp_path), FEW) == [], (n, at)


@pytest.mark.parametrize("seed", range(6))
def test_files_lost_doubled_and_renamed_are_harmless(tmp_path: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    datasets = good_datasets("MR")
    chosen = [0, *sorted(random.choice(np.arange(1, 11), size=random.integers(4, 11), replace=False)), 11]
    doubled = random.choice(chosen, size=2)
    order = random.permutation([*chosen, *doubled])
    write_datasets([datasets[n] for n in order], tmp_path)
    found = find_series(tmp_path)
    (series,) = found.series
    assert wrong_volumes(found) == []
    assert series.verdict.accepted is (len(chosen) == 12)


def test_a_value_that_the_pixels_need_and_no_one_can_read_is_a_refusal(tmp_path: Path) -> None:
    datasets = good_datasets("MR")
    for one in datasets:
        one.add(DataElement("PixelPaddingValue", "LO", "none"))
    write_datasets(datasets, tmp_path)
    (series,) = find_series(tmp_path).series
    assert check_series(series).code == "unreadable"
    with pytest.raises(DicomError, match="cannot be read"):
        read_series(series)


def test_a_refused_series_cannot_be_read(tmp_path: Path) -> None:
    write_datasets(odd(ImagePositionPatient=None)(good_datasets("MR")), tmp_path)
    (series,) = find_series(tmp_path).series
    with pytest.raises(DicomError, match="ImagePositionPatient missing in 1 of 12") as caught:
        read_series(series)
    assert caught.value.code == series.verdict.code == check_series(series).code == "position_absent"


def test_pixels_that_cannot_be_decoded_are_part_of_the_checked_verdict(tmp_path: Path) -> None:
    paths = write_datasets(good_datasets("MR"), tmp_path)
    paths[3].write_bytes(paths[3].read_bytes()[:-100])
    (series,) = find_series(tmp_path).series
    assert series.verdict.accepted
    assert check_series(series).code == "truncated"
    assert "003.dcm" in check_series(series).reason


def test_series_are_listed_by_number(tmp_path: Path) -> None:
    datasets = again(other_series())(good_datasets("MR"))  # number 8 after number 7
    write_datasets(datasets[::-1], tmp_path)
    assert [one.number for one in find_series(tmp_path).series] == [7, 8]


def test_series_without_uid_are_told_apart_by_folder(tmp_path: Path) -> None:
    for name in "ab":
        datasets = good_datasets("MR")
        for one in datasets:
            one.SeriesInstanceUID = ""
        write_datasets(datasets, tmp_path / name)
    series = find_series(tmp_path).series
    assert [check_series(one).accepted for one in series] == [True, True]


def test_a_damaged_file_puts_its_own_folder_in_doubt_and_no_other(tmp_path: Path) -> None:
    write_datasets(good_datasets("MR"), tmp_path / "a")
    write_datasets(other_series()(good_datasets("MR")), tmp_path / "b")
    (tmp_path / "b" / "empty").write_bytes(b"")
    found = find_series(tmp_path)
    assert [one.verdict.code for one in found.series] == ["accepted", "empty_file"]
    assert [one.finding.code for one in found.damaged] == ["empty_file"]


def test_a_path_without_dicom_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    found = find_series(tmp_path)
    assert (found.series, found.others, found.damaged) == ((), 1, ())

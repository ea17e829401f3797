"""Every way to code pixels gives the values that went in, and every way to damage them is told."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_codings import (
    as_big_endian,
    as_deflated,
    as_implicit,
    as_jpeg2000,
    as_jpeg_lossless,
    compressed,
    fragmented,
    of_syntax,
)
from dicom_good import good_datasets, pixels_of, put_pixels, write_datasets
from pydicom import Dataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.uid import ExplicitVRBigEndian, JPEGLSLossless, RLELossless

from medseg.core.errors import DicomError
from medseg.io.dicom_files import read_headers
from medseg.io.dicom_pixels import padding_of, stored_planes
from medseg.io.dicom_series import Slice

CODINGS = {
    "implicit": as_implicit,
    "big endian": as_big_endian,
    "deflated": as_deflated,
    "RLE": compressed(RLELossless),
    "JPEG-LS": compressed(JPEGLSLossless),
    "JPEG 2000": as_jpeg2000,
    "JPEG lossless": as_jpeg_lossless,
}
ENCAPSULATED = ("RLE", "JPEG-LS", "JPEG 2000", "JPEG lossless")


def written(folder: Path, values: np.ndarray, bits: int) -> Path:
    (one,) = good_datasets("MR")[5:6]
    put_pixels(one, values)
    one.BitsStored, one.HighBit = bits, bits - 1
    return write_datasets([one], folder)[0]


def slice_of(path: Path, frame: int | None = None) -> Slice:
    (header,) = read_headers(path).headers
    return Slice(path, frame, header.dataset, None, None, None, None, None, (), header.pixels_at)


def stored(path: Path) -> np.ndarray:
    (plane,) = stored_planes([slice_of(path)], "series 1")
    return plane


def refusal(path: Path) -> DicomError:
    with pytest.raises(DicomError) as caught:
        stored(path)
    assert str(caught.value).startswith(f"series 1: '{path.name}': ")
    return caught.value


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize(
    ("lowest", "highest", "bits"), [(0, 4095, 12), (0, 65535, 16), (-2048, 2047, 12), (-32768, 32767, 16)]
)
def test_what_was_coded_comes_back(tmp_path: Path, coding: str, lowest: int, highest: int, bits: int) -> None:
    values = np.linspace(lowest, highest, 32 * 36).reshape(32, 36).round().astype("<u2" if lowest == 0 else "<i2")
    path = written(tmp_path, values, bits)
    CODINGS[coding](path)
    assert np.array_equal(stored(path), values)


@pytest.mark.parametrize("coding", ["RLE", "JPEG-LS", "JPEG 2000", "JPEG lossless"])
def test_eight_bits_come_back(tmp_path: Path, coding: str) -> None:
    values = (np.arange(32 * 36) % 256).reshape(32, 36).astype("u1")
    path = written(tmp_path, values, 8)
    CODINGS[coding](path)
    assert np.array_equal(stored(path), values)


def test_eight_bits_in_swapped_pairs_come_back(tmp_path: Path) -> None:
    """PS3.5 8.1.2: in big endian files 8-bit pixels of type OW lie as words of 16 bits."""
    values = (np.arange(32 * 36) % 256).reshape(32, 36).astype("u1")
    path = written(tmp_path, values, 8)
    plain = pydicom.dcmread(path)
    swapped = Dataset()
    for element in plain:
        swapped.add(element)
    swapped.file_meta = plain.file_meta
    swapped.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    swapped.add_new("PixelData", "OW", np.frombuffer(values.tobytes(), "<u2").astype(">u2").tobytes())
    swapped.save_as(path, implicit_vr=False, little_endian=False, enforce_file_format=True)
    assert np.array_equal(stored(path), values)


@pytest.mark.parametrize("coding", ["JPEG-LS", "JPEG 2000", "JPEG lossless"])
def test_frames_in_fragments_come_back(tmp_path: Path, coding: str) -> None:
    path = written(tmp_path, pixels_of(good_datasets("MR")[5]), 12)
    CODINGS[coding](path)
    fragmented(path)
    assert np.array_equal(stored(path), pixels_of(good_datasets("MR")[5]))


@pytest.mark.parametrize("coding", ENCAPSULATED)
def test_each_of_several_frames_comes_back(tmp_path: Path, coding: str) -> None:
    frames = []
    for n in (3, 7, 5):
        path = written(tmp_path / str(n), pixels_of(good_datasets("MR")[n]), 12)
        CODINGS[coding](path)
        one = pydicom.dcmread(path)
        frames.append(get_frame(one.PixelData, 0, number_of_frames=1))
    one.NumberOfFrames, one.PixelData = 3, encapsulate(frames)
    one["PixelData"].is_undefined_length = True
    one.save_as(path)
    planes = list(stored_planes([slice_of(path, frame) for frame in (2, 0)], "series 1"))
    assert np.array_equal(planes[0], pixels_of(good_datasets("MR")[5]))
    assert np.array_equal(planes[1], pixels_of(good_datasets("MR")[3]))


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("share", [0.55, 0.75, 0.95])
def test_a_file_cut_short_is_truncated(tmp_path: Path, coding: str, share: float) -> None:
    path = written(tmp_path, pixels_of(good_datasets("MR")[5]), 12)
    CODINGS[coding](path)
    one = slice_of(path)
    content = path.read_bytes()
    begin = content.rindex(b"\x7f\xe0\x00\x10" if coding == "big endian" else b"\xe0\x7f\x10\x00") if (
        coding != "deflated"
    ) else 600  # fmt: skip
    path.write_bytes(content[: begin + 12 + int(share * (len(content) - begin - 12))])
    with pytest.raises(DicomError) as caught:
        list(stored_planes([one], "series 1"))
    assert caught.value.code == "truncated"


@pytest.mark.parametrize("coding", ENCAPSULATED)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("whole", [True, False], ids=["with the end of the sequence", "without"])
def test_half_a_frame_is_truncated_whether_the_file_ends_well_or_not(
    tmp_path: Path, coding: str, share: float, whole: bool
) -> None:
    path = written(tmp_path, pixels_of(good_datasets("MR")[5]), 12)
    CODINGS[coding](path)
    one = pydicom.dcmread(path)
    frame = get_frame(one.PixelData, 0, number_of_frames=1)
    one.PixelData = encapsulate([frame[: int(len(frame) * share) // 2 * 2]])
    one.save_as(path)
    if not whole:
        path.write_bytes(path.read_bytes()[:-8])
    assert refusal(path).code == "truncated"


@pytest.mark.parametrize("coding", ENCAPSULATED)
@pytest.mark.parametrize(
    "change",
    [lambda frame: [b"\0\0"], lambda frame: [frame, frame], lambda frame: [b"\0" * len(frame)]],
    ids=["no frame", "two frames", "zeros"],
)
def test_other_than_one_frame_is_refused(tmp_path: Path, coding: str, change: Callable[[bytes], list[bytes]]) -> None:
    path = written(tmp_path, pixels_of(good_datasets("MR")[5]), 12)
    CODINGS[coding](path)
    one = pydicom.dcmread(path)
    one.PixelData = encapsulate(change(get_frame(one.PixelData, 0, number_of_frames=1)))
    one.save_as(path)
    assert refusal(path).code == "truncated"


@pytest.mark.parametrize("syntax", [b"1.2.840.10008.1.2.9\0", b"1.3.6.1.4.1.9590.1.1"], ids=str)
def test_a_syntax_that_no_one_knows_is_named(tmp_path: Path, syntax: bytes) -> None:
    path = written(tmp_path, pixels_of(good_datasets("MR")[5]), 12)
    CODINGS["RLE"](path)
    path.write_bytes(path.read_bytes().replace(b"1.2.840.10008.1.2.5\0", syntax))
    error = refusal(path)
    assert error.code == "undecodable"
    assert syntax.rstrip(b"\0").decode() in str(error)


def test_a_film_is_not_decoded(tmp_path: Path) -> None:
    path = written(tmp_path, pixels_of(good_datasets("MR")[5]), 12)
    of_syntax("1.2.840.10008.1.2.4.100")(path)
    assert "MPEG2" in str(refusal(path))


def test_a_file_that_went_away_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, pixels_of(good_datasets("MR")[5]), 12)
    native = slice_of(path)
    CODINGS["RLE"](path)
    coded = slice_of(path)
    path.unlink()
    for one in (native, coded):
        with pytest.raises(DicomError, match=r"000\.dcm"):
            list(stored_planes([one], "series 1"))


def header(**values: object) -> Dataset:
    made = Dataset()
    for keyword, value in {"BitsAllocated": 16, "PixelRepresentation": 1, **values}.items():
        if keyword.startswith("PixelPadding"):
            made.add_new(keyword, "SS" if value < 0 else "US", value)
        else:
            setattr(made, keyword, value)
    return made


@pytest.mark.parametrize(
    ("values", "padded"),
    [
        ({}, []),
        ({"PixelPaddingValue": -2000}, [-2000]),
        ({"PixelPaddingValue": 63536}, [-2000]),  # -2000 written as if without sign
        ({"PixelPaddingValue": 63536, "PixelRepresentation": 0}, []),
        ({"PixelPaddingValue": -2000, "PixelPaddingRangeLimit": -1990}, [-2000, -1995, -1990]),
        ({"PixelPaddingValue": -1990, "PixelPaddingRangeLimit": -2000}, [-2000, -1995, -1990]),
        ({"PixelPaddingValue": 5}, []),
    ],
)
def test_padding_is_the_declared_value_or_range(values: dict, padded: list[int]) -> None:
    plane = np.array([[-2000, -1995, -1990], [-1989, 0, 300]], "i2")
    found = padding_of(header(**values), plane)
    assert ([] if found is None else plane[found].tolist()) == padded

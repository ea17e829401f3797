"""A JPEG frame reaches GDCM only where its structure is sound: a damaged one must never end the process."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_codings import as_jpeg2000, as_jpeg_lossless, compressed
from dicom_good import good_datasets, pixels_of, put_pixels, write_datasets
from pydicom.encaps import get_frame
from pydicom.uid import JPEGLSLossless

from medseg.io.dicom_jpeg import decode_jpeg, j2k_fault, jpeg_fault, jpeg_ls_fault


@pytest.fixture(scope="module")
def coded(tmp_path_factory: pytest.TempPathFactory) -> pydicom.Dataset:
    """One slice as lossless JPEG."""
    (path,) = write_datasets(good_datasets("MR")[5:6], tmp_path_factory.mktemp("jpeg"))
    as_jpeg_lossless(path)
    return pydicom.dcmread(path)


@pytest.fixture(scope="module")
def frame(coded: pydicom.Dataset) -> bytes:
    return get_frame(coded.PixelData, 0, number_of_frames=1)


def fault(frame: bytes) -> str | None:
    return jpeg_fault(frame, (32, 36), 16)


def segment(frame: bytes, marker: int) -> int:
    """Where a segment begins."""
    return frame.index(bytes([0xFF, marker]))


def test_a_sound_frame_has_no_fault_and_is_decoded_exactly(coded: pydicom.Dataset, frame: bytes) -> None:
    assert fault(frame) is None
    assert np.array_equal(decode_jpeg(frame, coded), pixels_of(good_datasets("MR")[5]))


@pytest.mark.parametrize(("bits", "lowest"), [(16, -500), (12, -500), (16, -30000)])
def test_values_below_0_are_decoded_exactly(tmp_path: Path, bits: int, lowest: int) -> None:
    (one,) = good_datasets("MR")[5:6]
    wanted = (pixels_of(one).astype(np.int32) + lowest).astype("<i2")
    put_pixels(one, wanted)
    one.BitsStored, one.HighBit = bits, bits - 1
    (path,) = write_datasets([one], tmp_path)
    as_jpeg_lossless(path)
    coded = pydicom.dcmread(path)
    assert np.array_equal(decode_jpeg(get_frame(coded.PixelData, 0, number_of_frames=1), coded), wanted)


def test_a_rescale_and_an_inverted_display_are_not_applied(coded: pydicom.Dataset, frame: bytes) -> None:
    other = coded.copy()
    other.RescaleSlope, other.RescaleIntercept, other.PhotometricInterpretation = "0.3", "-7.5", "MONOCHROME1"
    assert np.array_equal(decode_jpeg(frame, other), pixels_of(good_datasets("MR")[5]))


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.9, 0.99])
def test_a_frame_cut_short_is_refused(frame: bytes, share: float) -> None:
    assert "JPEG" in fault(frame[: int(len(frame) * share)])


@pytest.mark.parametrize(
    ("marker", "at", "content", "says"),
    [
        (0xC3, 4, b"\x20", "32 bits a pixel"),
        (0xC3, 5, b"\x00\x40", "picture of 64 x 36, the header says 32 x 36"),
        (0xC3, 7, b"\xff\xff", "picture of 32 x 65535"),
        (0xC3, 9, b"\x03", "component"),
        (0xC3, 11, b"\x44", "subsampled"),
        (0xC3, 1, b"\xc2", "no.* kind that is read"),
        (0xC4, 5, b"\x03", "impossible Huffman table"),
        (0xC4, 4, b"\x2f", "damaged Huffman table"),
        (0xC4, 2, b"\xff\xff", "segment C4 is cut"),
        (0xDA, 4, b"\x02", "start of scan"),
        (0xD8, 0, b"\x00", "no start of image"),
    ],
)
def test_a_damaged_structure_is_refused(frame: bytes, marker: int, at: int, content: bytes, says: str) -> None:
    place = segment(frame, marker) + at
    changed = frame[:place] + content + frame[place + len(content) :]
    assert re.search(says, fault(changed) or "")


def test_a_second_picture_in_the_frame_is_refused(frame: bytes) -> None:
    assert "follow its end" in fault(frame + frame)
    assert fault(frame + b"\0\0\xff") is None  # fill bytes


def test_a_marker_among_the_pixels_is_refused(frame: bytes) -> None:
    middle = segment(frame, 0xDA) + 200
    assert fault(frame[:middle] + b"\xff\xda\x00\x08" + frame[middle:])


@pytest.fixture(scope="module")
def ls_frame(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    (path,) = write_datasets(good_datasets("MR")[5:6], tmp_path_factory.mktemp("jpeg-ls"))
    compressed(JPEGLSLossless)(path)
    return get_frame(pydicom.dcmread(path).PixelData, 0, number_of_frames=1)


def test_a_sound_jpeg_ls_frame_has_no_fault(ls_frame: bytes) -> None:
    assert jpeg_ls_fault(ls_frame, (32, 36), 16) is None


@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.7, 0.95])
def test_a_jpeg_ls_frame_cut_short_is_refused(ls_frame: bytes, share: float) -> None:
    assert "JPEG" in jpeg_ls_fault(ls_frame[: int(len(ls_frame) * share)], (32, 36), 16)


def test_a_jpeg_ls_frame_of_another_picture_is_refused(ls_frame: bytes, frame: bytes) -> None:
    """The decoder would search for its pixels for seconds, or for gigabytes."""
    assert "32 x 36, the header says 36 x 32" in jpeg_ls_fault(ls_frame, (36, 32), 16)
    place = segment(ls_frame, 0xF7) + 5
    larger = ls_frame[:place] + b"\xff\xff\xff\xff" + ls_frame[place + 4 :]
    assert "65535 x 65535" in jpeg_ls_fault(larger, (32, 36), 16)
    assert "no JPEG-LS picture" in jpeg_ls_fault(frame, (32, 36), 16)


def test_a_jpeg_2000_frame_of_another_picture_is_refused(tmp_path: Path) -> None:
    (path,) = write_datasets(good_datasets("MR")[5:6], tmp_path)
    as_jpeg2000(path)
    coded = get_frame(pydicom.dcmread(path).PixelData, 0, number_of_frames=1)
    assert j2k_fault(coded, (32, 36), 16) is None
    assert "picture of 32 x 36, the header says 32 x 35" in j2k_fault(coded, (32, 35), 16)
    assert "no start" in j2k_fault(coded[:20], (32, 36), 16)
    assert "no start" in j2k_fault(coded[4:], (32, 36), 16)


@pytest.mark.slow
def test_no_damaged_frame_ends_the_process(tmp_path: Path, coded: pydicom.Dataset, frame: bytes) -> None:
    coded.save_as(tmp_path / "a.dcm")
    code = (
        "import sys, numpy, pydicom\n"
        "from pydicom.encaps import get_frame\n"
        "from medseg.io.dicom_jpeg import decode_jpeg\n"
        "header = pydicom.dcmread(sys.argv[1])\n"
        "frame = get_frame(header.PixelData, 0, number_of_frames=1)\n"
        "random = numpy.random.default_rng(0)\n"
        "for _ in range(600):\n"
        "    changed = bytearray(frame)\n"
        "    for at in random.integers(0, random.choice([100, len(frame)]), random.integers(1, 4)):\n"
        "        changed[at] = random.integers(256)\n"
        "    try:\n"
        "        decode_jpeg(bytes(changed), header)\n"
        "    except (ValueError, RuntimeError):\n"
        "        pass\n"
        "print('alive')\n"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "a.dcm"], capture_output=True, text=True, check=False)
    assert done.stdout == "alive\n", done.stderr[-500:]

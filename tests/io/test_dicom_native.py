"""Uncompressed pixels read from their place in the file are those that pydicom decodes, in every layout."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.pixels import pixel_array
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

from medseg.io.dicom_files import read_headers
from medseg.io.dicom_native import is_native, read_native
from medseg.io.dicom_series import Slice

ROWS, COLUMNS = 5, 7  # odd, so that 8-bit pixels need a byte of padding


def written(
    path: Path,
    words: np.ndarray,
    *,
    syntax: str = ExplicitVRLittleEndian,
    bits: int | None = None,
    signed: bool = False,
    vr: str = "OW",
    **attributes: object,
) -> Path:
    """A file with these words, unsigned, as its pixels."""
    one = Dataset()
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = syntax
    one.SOPClassUID = one.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
    one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    one.Rows, one.Columns, one.SamplesPerPixel, one.PhotometricInterpretation = ROWS, COLUMNS, 1, "MONOCHROME2"
    one.BitsAllocated = 8 * words.dtype.itemsize
    one.BitsStored = bits or one.BitsAllocated
    one.HighBit, one.PixelRepresentation = one.BitsStored - 1, int(signed)
    one.update({pydicom.tag.Tag(key): pydicom.DataElement(key, pydicom.datadict.dictionary_VR(key), value)
                for key, value in attributes.items()})  # fmt: skip
    big = syntax == ExplicitVRBigEndian
    content = words.astype(words.dtype.newbyteorder(">" if big else "<")).tobytes()
    content += b"\0" * (len(content) % 2)
    if big and vr == "OW" and words.dtype.itemsize == 1:  # PS3.5 8.1.2: as words of 16 bits
        content = np.frombuffer(content, "<u2").astype(">u2").tobytes()
    one.add_new("PixelData", vr, content)
    dcmwrite(path, one, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=not big, enforce_file_format=True)
    return path


def slice_of(path: Path, frame: int | None = None) -> Slice:
    (header,) = read_headers(path).headers
    return Slice(path, frame, header.dataset, None, None, None, None, None, (), header.pixels_at)


def words(kind: str, frames: int = 1) -> np.ndarray:
    """Every bit is used."""
    return np.random.default_rng(0).integers(0, np.iinfo(kind).max, (frames * ROWS, COLUMNS), kind, endpoint=True)


LAYOUTS = [
    (syntax, kind, bits, signed)
    for syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian)
    for kind, all_bits in (("u2", (16, 12, 10, 1)), ("u1", (8, 6)))
    for bits in all_bits
    for signed in (False, True)
    if bits > 1 or not signed
]


@pytest.mark.parametrize(("syntax", "kind", "bits", "signed"), LAYOUTS)
def test_every_layout_is_read_as_pydicom_reads_it(tmp_path: Path, syntax, kind, bits, signed) -> None:
    path = written(tmp_path / "a", words(kind), syntax=syntax, bits=bits, signed=signed)
    one = slice_of(path)
    assert is_native(one) is not (syntax == ExplicitVRBigEndian and kind == "u1")
    if is_native(one):
        found = read_native(one)
        assert np.array_equal(found, pixel_array(path, raw=True))
        assert found.dtype.kind == ("i" if signed else "u")
        assert found.dtype.isnative


def test_bits_above_the_stored_ones_are_cleared_and_the_sign_is_extended(tmp_path: Path) -> None:
    stored = np.full((ROWS, COLUMNS), 0xF7FF, "u2")
    stored[0, 0] = 0x0800  # the sign of twelve bits
    unsigned = read_native(slice_of(written(tmp_path / "u", stored, bits=12)))
    signed = read_native(slice_of(written(tmp_path / "s", stored, bits=12, signed=True)))
    assert (unsigned[0, 0], unsigned[0, 1]) == (2048, 2047)
    assert (signed[0, 0], signed[0, 1]) == (-2048, 2047)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_each_frame_is_found(tmp_path: Path, syntax: str) -> None:
    path = written(tmp_path / "a", words("u2", 3), syntax=syntax, NumberOfFrames=3)
    for n in range(3):
        assert np.array_equal(read_native(slice_of(path, n)), pixel_array(path, index=n, raw=True))


@pytest.mark.parametrize(
    "attributes",
    [
        {"HighBit": 15, "bits": 12},
        {"BitsStored": 0},
        {"BitsStored": 17},
        {"PixelRepresentation": 2},
        {"HighBit": None},
        {"BitsStored": None},
    ],
    ids=str,
)
def test_an_odd_layout_is_left_to_pydicom(tmp_path: Path, attributes: dict) -> None:
    assert not is_native(slice_of(written(tmp_path / "a", words("u2"), **attributes)))


def test_wide_and_compressed_pixels_are_left_to_pydicom(tmp_path: Path) -> None:
    assert not is_native(slice_of(written(tmp_path / "a", words("u4"))))
    path = written(tmp_path / "b", words("u2"))
    coded = pydicom.dcmread(path)
    coded.compress(RLELossless)
    coded.save_as(path)
    assert not is_native(slice_of(path))


@pytest.mark.parametrize("kept", [0, 2, 68])
def test_a_file_that_ends_early_is_told_with_both_numbers(tmp_path: Path, kept: int) -> None:
    path = written(tmp_path / "a", words("u2"))
    one = slice_of(path)
    path.write_bytes(path.read_bytes()[: (kept or -ROWS * COLUMNS * 2) if kept == 0 else kept - ROWS * COLUMNS * 2])
    with pytest.raises(ValueError, match=f"pixel data has {kept} of 70 bytes"):
        read_native(one)


def test_pixel_data_shorter_than_rows_and_columns_is_told_though_the_file_goes_on(tmp_path: Path) -> None:
    path = written(tmp_path / "a", words("u2")[:-1])
    path.write_bytes(path.read_bytes() + bytes(100))
    with pytest.raises(ValueError, match="pixel data has 56 of 70 bytes"):
        read_native(slice_of(path))


def test_a_file_without_pixel_data_is_told(tmp_path: Path) -> None:
    path = written(tmp_path / "a", words("u2"))
    one = slice_of(path)
    path.write_bytes(path.read_bytes()[: one.pixels_at])
    with pytest.raises(ValueError, match="no pixel data, 0 of 70 bytes"):
        read_native(one)


@pytest.mark.parametrize(("at", "content", "says"), [
    (8, b"\xff\xff\xff\xff", "compressed pixel data under an uncompressed"),
    (4, b"US", "no type that holds pixels"),
    (0, b"\xe0\x7f\x08\x00", "no pixel data"),
])  # fmt: skip
def test_an_element_that_holds_no_plain_pixels_is_refused(tmp_path: Path, at: int, content: bytes, says: str) -> None:
    path = written(tmp_path / "a", words("u2"))
    one = slice_of(path)
    changed = bytearray(path.read_bytes())
    changed[one.pixels_at + at : one.pixels_at + at + len(content)] = content
    path.write_bytes(changed)
    with pytest.raises(ValueError, match=says):
        read_native(one)

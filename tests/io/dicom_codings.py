"""Pixels of a file in another transfer syntax."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
from dicom_good import pixels_of
from openjpeg.utils import encode_array
from PIL import Image
from pydicom import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import (
    JPEG2000,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)


def compressed(syntax: str, **options: object) -> Callable[[Path], None]:
    """Pixels coded anew by one of pydicom's encoders."""

    def edit(path: Path) -> None:
        dataset = pydicom.dcmread(path)
        dataset.compress(syntax, generate_instance_uid=False, **options)
        dataset.save_as(path, enforce_file_format=True)

    return edit


def as_jpeg2000(path: Path, **options: object) -> None:
    """By OpenJPEG, frame by frame; lossless unless an option says otherwise."""
    dataset = pydicom.dcmread(path)
    frames, bits = pixels_of(dataset).reshape(-1, dataset.Rows, dataset.Columns), dataset.BitsStored
    dataset.PixelData = encapsulate([encode_array(frame, bits_stored=bits, **options) for frame in frames])
    _save_as(dataset, path, JPEG2000 if options else JPEG2000Lossless)


def as_lossy_jpeg2000(path: Path) -> None:
    as_jpeg2000(path, compression_ratios=[2])


def fragmented(path: Path) -> None:
    """Each frame in several fragments."""
    dataset = pydicom.dcmread(path)
    dataset.PixelData = encapsulate(list(generate_frames(dataset.PixelData, number_of_frames=1)), fragments_per_frame=3)
    dataset.save_as(path, enforce_file_format=True)


def as_implicit(path: Path) -> None:
    _save_as(pydicom.dcmread(path), path, ImplicitVRLittleEndian)


def as_deflated(path: Path) -> None:
    _save_as(pydicom.dcmread(path), path, DeflatedExplicitVRLittleEndian)


def as_big_endian(path: Path) -> None:
    dataset = pydicom.dcmread(path)
    dataset.PixelData = pixels_of(dataset).byteswap().tobytes()
    other = Dataset()  # a dataset that was read keeps to the order of its file
    for element in dataset:
        other.add(element)
    other.file_meta = dataset.file_meta
    _save_as(other, path, ExplicitVRBigEndian)


def as_jpeg_baseline(path: Path) -> None:
    """Eight bits, lossy."""
    dataset = pydicom.dcmread(path)
    stream = io.BytesIO()
    shape = (dataset.Rows, dataset.Columns)
    Image.fromarray(np.frombuffer(dataset.PixelData, "u1").reshape(shape)).save(stream, "JPEG", quality=95)
    dataset.PixelData = encapsulate([stream.getvalue()])
    _save_as(dataset, path, JPEGBaseline8Bit)


def as_jpeg_lossless(path: Path) -> None:
    """By GDCM, which has an encoder for it; pydicom has none."""
    import gdcm

    reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
    reader.SetFileName(str(path))
    assert reader.Read()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    writer.SetFileName(str(path))
    assert writer.Write()


def of_syntax(uid: str) -> Callable[[Path], None]:
    """Another transfer syntax in the meta header, the pixels in one fragment of it."""

    def edit(path: Path) -> None:
        dataset = pydicom.dcmread(path)
        dataset.PixelData = encapsulate([bytes(dataset.PixelData)])
        dataset["PixelData"].is_undefined_length = True
        dataset.file_meta.TransferSyntaxUID = uid
        dataset.save_as(path, implicit_vr=False, little_endian=True, enforce_file_format=True)

    return edit


def as_hidden_rle(path: Path) -> None:
    """Compressed pixels in a file that says they are not."""
    compressed(RLELossless)(path)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"1.2.840.10008.1.2.5\0", b"1.2.840.10008.1.2.1\0"))


def _save_as(dataset: Dataset, path: Path, syntax: str) -> None:
    dataset.file_meta.TransferSyntaxUID = syntax
    little = syntax != ExplicitVRBigEndian
    dataset.save_as(path, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=little, enforce_file_format=True)

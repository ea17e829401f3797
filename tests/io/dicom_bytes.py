"""What can be wrong or odd in the files of a series: codings, damage, names, and what lies beside them."""

from __future__ import annotations

import io
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
from dicom_codings import as_jpeg2000
from dicom_good import ODD
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
)

Files = list[Path]
Damage = Callable[[Files], None]
_MIB = 2**20


def as_written(files: Files) -> None:
    del files


def to_one(edit: Callable[[Path], object]) -> Damage:
    return lambda files: _done(edit(files[ODD]))


def to_all(edit: Callable[[Path], object]) -> Damage:
    return lambda files: _done([edit(path) for path in files])


def first_of(edit: Callable[[Path], object]) -> Damage:
    return lambda files: _done(edit(files[0]))


def last_of(edit: Callable[[Path], object]) -> Damage:
    return lambda files: _done(edit(files[-1]))


def after(first: Damage, second: Damage) -> Damage:
    return lambda files: _done((first(files), second(files)))


def _done(value: object) -> None:
    del value


# --- damage ---


def cut_to(share: float) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


def cut_by(count: int) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(path.read_bytes()[:-count])


def cut_at(count: int) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(path.read_bytes()[:count])


def replaced(old: bytes, new: bytes) -> Callable[[Path], None]:
    """Bytes of an attribute for others of the same length: what no writer would agree to write."""
    assert len(old) == len(new)

    def edit(path: Path) -> None:
        content = path.read_bytes()
        assert old in content
        path.write_bytes(content.replace(old, new))

    return edit


def short_frame(share: float) -> Callable[[Path], None]:
    """A file that is whole, with a part of the frame's compressed pixels in it."""

    def edit(path: Path) -> None:
        dataset = pydicom.dcmread(path)
        (frame,) = generate_frames(dataset.PixelData, number_of_frames=1)
        dataset.PixelData = encapsulate([frame[: int(len(frame) * share) // 2 * 2]])
        dataset.save_as(path, enforce_file_format=True)

    return edit


def larger_picture(path: Path) -> None:
    """Compressed pixels that unpack to more than Rows and Columns say."""
    dataset = pydicom.dcmread(path)
    rows, columns = dataset.Rows, dataset.Columns
    dataset.Rows = dataset.Columns = 256
    dataset.PixelData = bytes(2 * 256 * 256)
    dataset.save_as(path, enforce_file_format=True)
    as_jpeg2000(path)
    dataset = pydicom.dcmread(path)
    dataset.Rows, dataset.Columns = rows, columns
    dataset.save_as(path, enforce_file_format=True)


def overwritten(path: Path) -> None:
    """A block of the header lost, as on a bad disk."""
    content = bytearray(path.read_bytes())
    content[400:700] = b"\xff" * 300
    path.write_bytes(content)


def bomb(path: Path) -> None:
    """A small deflated file that grows to 400 MiB."""
    dataset = pydicom.dcmread(path)
    del dataset["PixelData"]
    as_explicit = io.BytesIO()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.save_as(as_explicit, enforce_file_format=True)
    plain = as_explicit.getvalue()
    begin = 128 + 4 + 12 + int(dataset.file_meta.FileMetaInformationGroupLength)
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    begun = packer.compress(plain[begin:] + b"\xe0\x7f\x10\x00OW\0\0" + (400 * _MIB).to_bytes(4, "little"))
    begun += packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(_MIB)) + packer.flush(zlib.Z_FULL_FLUSH)  # stands alone, so it may be repeated
    meta = io.BytesIO()
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    pydicom.filewriter.write_file_meta_info(meta, dataset.file_meta)
    path.write_bytes(bytes(128) + b"DICM" + meta.getvalue() + begun + 400 * block + packer.flush())


# --- names and folders ---


def without_preamble(path: Path) -> None:
    path.write_bytes(path.read_bytes()[132:])


def without_meta(path: Path) -> None:
    """Attributes alone, as files from the time before 1996."""
    dataset = pydicom.dcmread(path)
    dataset.preamble, dataset.file_meta = None, FileMetaDataset()
    dataset.save_as(path, implicit_vr=True, little_endian=True)


def without_extension(path: Path) -> None:
    path.rename(path.with_suffix(""))


def nested(files: Files) -> None:
    for n, path in enumerate(files):
        folder = path.parent / f"disk {n % 3}" / "DICOM"
        folder.mkdir(parents=True, exist_ok=True)
        path.rename(folder / path.name)


def shuffled(files: Files) -> None:
    """Names that say nothing of the order."""
    for path, n in zip(files, np.random.default_rng(0).permutation(len(files)), strict=True):
        path.rename(path.with_name(f"z{n:03d}"))


def beside(*names: str, content: bytes = b"not DICOM\n") -> Damage:
    def damage(files: Files) -> None:
        for name in names:
            path = files[0].parent / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)

    return damage


def directory_beside(name: str) -> Damage:
    """A DICOMDIR: it lists files and holds no image."""

    def damage(files: Files) -> None:
        listing = Dataset()
        listing.FileSetID = "DISK"
        listing.DirectoryRecordSequence = []
        listing.file_meta = FileMetaDataset()
        listing.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
        listing.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4"
        listing.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        listing.save_as(files[0].parent / name, enforce_file_format=True)

    return damage


def copied_to(folder: str) -> Damage:
    """The whole series a second time, as when a disk was exported twice."""

    def damage(files: Files) -> None:
        (files[0].parent / folder).mkdir()
        for path in files:
            shutil.copy(path, files[0].parent / folder / path.name)

    return damage


def dangling(path: Path) -> None:
    """A link whose file is gone."""
    path.unlink()
    path.symlink_to(path.with_name("gone"))

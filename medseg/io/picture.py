"""Read pictures (PNG, TIFF) as volumes one voxel thick, and write label maps of them; the only file that knows Pillow.

A picture lies nowhere in a patient; its place is a convention, ``core.geometry.PICTURE_RAS``. The print resolution in
a file (dots per inch) is not used: most programs write one that no one measured.
"""

from __future__ import annotations

import contextlib
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL.Image import Exif, Image, fromarray
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from medseg.core.errors import FileError, GeometryError, OutputError
from medseg.core.files import replacing
from medseg.core.geometry import PICTURE_RAS
from medseg.core.types import Affine, LabelArray
from medseg.core.volume import Volume
from medseg.io.header import Header
from medseg.io.label_values import label_values
from medseg.io.picture_gate import stored_fault

ENDINGS = (".png", ".tif", ".tiff")

_DAMAGES = (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, OverflowError, RuntimeError)
_EXACT = 2**24  # float32 holds whole numbers up to here
_ORIENTATION = 274  # Exif and TIFF tag; 1 is upright
_TYPES = {"1": "uint8", "L": "uint8", "LA": "uint8", "RGB": "uint8", "RGBA": "uint8", "I": "int32", "F": "float32"}


def read_header(path: Path) -> Header:
    """Shape (columns, rows, 1), channels (1 for grey, 3 for RGB) and storage type of a picture; reads no pixels.

    Raises:
        FileError: Absent, unreadable, or a kind of picture whose values cannot be taken as they are: with a palette,
            CMYK, several pages or frames, more than ``picture_gate.MOST_PIXELS``, 16 bits per colour.
    """
    with _opened(path) as image:
        return _header(image)


def read_volume(path: Path, index: int | None = None) -> Volume:
    """Pixels as float32 (C, I, J, 1): i are columns, j rows; values as stored, 16 bits too.

    An alpha channel that is the same everywhere is dropped.

    Args:
        path: A .png, .tif or .tiff file.
        index: Take only this channel: of an RGB picture 0 red, 1 green, 2 blue; None takes all.

    Raises:
        FileError: As ``read_header``; truncated or damaged; transparent in part; turned by a tag; no such ``index``.
    """
    header, pixels = _read(path)
    if index is not None and not 0 <= index < header.channels:
        raise FileError(f"'{path}': holds {header.channels} channel(s); there is no channel {index}")
    pixels = pixels if index is None else pixels[index : index + 1]
    array = np.ascontiguousarray(pixels, dtype=np.float32)
    if pixels.dtype.kind == "f" and not np.isfinite(array).all():
        raise FileError(f"'{path}': {int(np.count_nonzero(~np.isfinite(array)))} pixels are NaN or infinite")
    if pixels.dtype == np.int32 and np.abs(pixels).max() > _EXACT:
        raise FileError(f"'{path}': holds values beyond {_EXACT}, which float32 would round; save it with 16 bits")
    return Volume(array, header.affine_ras)


def read_label(path: Path, *, instances: bool = False) -> tuple[LabelArray, Affine]:
    """Label values as uint8 (I, J, 1), and the affine.

    Args:
        path: A .png, .tif or .tiff file.
        instances: Values number objects of one label: all above 0 become 1.

    Raises:
        FileError: As ``read_volume``; or a value is no label value, see ``label_values``.
        GeometryError: It is no grey picture.
    """
    header, pixels = _read(path)
    if header.channels != 1:
        raise GeometryError(
            f"'{path}': a label map has one channel; this picture has {header.channels}. Save it as grey, each value "
            "one label"
        )
    return label_values(path, pixels[0], instances=instances), header.affine_ras


def write_label_map(path: Path, array: npt.NDArray[Any], *, like: Path) -> None:
    """Write a label map on the pixel grid of a picture as a grey PNG of 8 bits, whole or not at all.

    Args:
        path: Ends in .png.
        array: Whole numbers 0 to 255, shape (I, J, 1).
        like: The picture the label map belongs to.

    Raises:
        FileError: ``like`` is not a readable picture.
        OutputError: The shapes differ, a value does not fit uint8, or the file cannot be written.
    """
    shape = read_header(like).shape
    if tuple(array.shape) != shape:
        raise OutputError(f"'{path}': the label map has shape {array.shape}, '{like}' has {shape}")
    with np.errstate(invalid="ignore"):  # NaN; the comparison below finds it
        labels = array.astype(np.uint8)
    if not np.array_equal(labels, array):
        raise OutputError(f"'{path}': the label map holds values that are not whole numbers from 0 to 255")
    with replacing(path) as temporary:
        fromarray(np.ascontiguousarray(labels[..., 0].T)).save(temporary, format="PNG")


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Image]:
    """The picture of a file whose header is sound; pixels are decoded on demand.

    The plugins are called directly: ``PIL.Image.open`` would guess the format from the content.
    """
    is_png = path.name.lower().endswith(".png")
    try:
        with path.open("rb") as stream:
            if is_png:
                PngImageFile(stream).verify()  # checksums of all parts, which decoding does not look at
                stream.seek(0)
            image = PngImageFile(stream) if is_png else TiffImageFile(stream)
            if fault := stored_fault(image):
                raise FileError(f"'{path}': {fault}")
            yield image
    except FileNotFoundError:
        raise FileError(f"'{path}': no such file") from None
    except (*_DAMAGES, struct.error, zlib.error, MemoryError) as error:
        kind = "PNG" if is_png else "TIFF"
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise FileError(f"'{path}': no {kind} file, or a truncated or damaged one ({reason})") from None


def _header(image: Image) -> Header:
    width, height = image.size
    channels = 3 if image.mode in ("RGB", "RGBA") else 1
    return Header((width, height, 1), channels, PICTURE_RAS.copy(), _TYPES.get(image.mode, "uint16"))


def _read(path: Path) -> tuple[Header, npt.NDArray[Any]]:
    """Header, and pixels (C, I, J, 1) as stored."""
    with _opened(path) as image:
        header = _header(image)
        image.load()
        pixels = np.asarray(image)
        turned = image.info.get("exif")
    if turned and _turned(turned):
        raise FileError(f"'{path}': an Exif tag asks viewers to turn it; save it upright")
    if image.mode in ("LA", "RGBA"):
        alpha, pixels = pixels[..., -1], pixels[..., :-1]
        if alpha.min() != alpha.max():
            raise FileError(f"'{path}': is transparent in part; save it without an alpha channel")
    pixels = pixels.reshape((*pixels.shape[:2], header.channels))
    return header, pixels.transpose(2, 1, 0)[..., np.newaxis]


def _turned(content: bytes) -> bool:
    exif = Exif()
    exif.load(content)
    return bool(exif.get(_ORIENTATION, 1) != 1)

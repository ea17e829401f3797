"""Which pictures hold numbers that can be taken as they are stored, and why others do not."""

from __future__ import annotations

from PIL.Image import Image
from PIL.TiffImagePlugin import TiffImageFile

MOST_PIXELS = 89_478_485  # Pillow's own limit: 256 MiB of RGB; beyond it a small file may fill the memory

# How Pillow calls what is stored. It decodes others too, but changes values: 16 bits per colour become 8, 2 and 4 bits
# are stretched to 255, white-is-zero is inverted.
_KEPT = {
    *("1", "L", "LA", "RGB", "RGBA", "R", "G", "B", "A"),
    *("I;12", "I;16", "I;16B", "I;16N", "I;16S", "I;16BS", "I;32N", "I;32S", "I;32BS", "F;32F", "F;32BF"),
}
_WORDS = {
    "P": "its colours stand in a palette, so a value is no brightness and may be no label; save it as grey or RGB",
    "PA": "its colours stand in a palette, so a value is no brightness and may be no label; save it as grey or RGB",
    "CMYK": "holds printing colours (CMYK); save it as grey or RGB",
    "YCbCr": "holds colours as YCbCr; save it as grey or RGB",
    "LAB": "holds colours as CIELAB; save it as grey or RGB",
}
_PHOTOMETRIC, _SAMPLE_FORMAT, _ORIENTATION = 262, 339, 274  # TIFF 6.0 tags
_SIGNED = 2


def stored_fault(image: Image) -> str | None:
    """Why the values of an opened picture cannot be taken as they are, as a phrase; None where they can.

    Args:
        image: Its header is read, its pixels are not.
    """
    width, height = image.size
    if width * height > MOST_PIXELS:
        return f"has {width} x {height} pixels; at most {MOST_PIXELS} are read. Cut it into tiles"
    frames = int(getattr(image, "n_frames", 1))
    if frames > 1:
        return f"holds {frames} pages or frames; which of them is meant is not said. Save each as a file of its own"
    if image.mode in _WORDS:
        return _WORDS[image.mode]
    if "transparency" in image.info:
        return "is transparent in part; save it without transparency"
    raw = {_raw_mode(tile) for tile in getattr(image, "tile", ())}
    if raw - _KEPT:
        return (
            f"is stored as '{sorted(raw - _KEPT)[0]}', whose values would be changed on reading; save it as grey of "
            "8 or 16 bits, or as RGB of 8 bits per colour"
        )
    return _tiff_fault(image) if isinstance(image, TiffImageFile) else None


def _raw_mode(tile: object) -> str:
    arguments = tile[3] if isinstance(tile, tuple) else ""
    return str(arguments[0] if isinstance(arguments, tuple) and arguments else arguments)


def _tiff_fault(image: TiffImageFile) -> str | None:
    tags = image.tag_v2
    if tags.get(_PHOTOMETRIC) == 0:
        return "stores white as 0, so that values are the inverse of brightness; save it with black as 0"
    if tags.get(_ORIENTATION, 1) != 1:
        return "a tag asks viewers to turn it; save it upright"
    if image.mode == "L" and _SIGNED in tags.get(_SAMPLE_FORMAT, ()):
        return "holds signed values of 8 bits; save it with 16"
    return None

"""Pixels and their description of one slice, changed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from dicom_good import pixels_of, put_pixels
from pydicom import Dataset


def as_signed(one: Dataset) -> None:
    put_pixels(one, (pixels_of(one).astype(np.int32) - 500).astype("<i2"))
    one.BitsStored, one.HighBit = 16, 15


def as_signed_twelve_bits(one: Dataset) -> None:
    """Negative numbers as twelve bits, the four above them left 0."""
    signed = pixels_of(one).astype(np.int32) - 500
    put_pixels(one, (signed & 0x0FFF).astype("<u2"))
    one.PixelRepresentation = 1
    one.BitsStored, one.HighBit = 12, 11


def with_overlay_bits(one: Dataset) -> None:
    """An overlay in the bits above the twelve of the image, as old scanners stored it."""
    stored = pixels_of(one).copy()
    stored[::2] |= 0x1000
    one.PixelData = stored.tobytes()


def left_aligned(one: Dataset) -> None:
    one.PixelData = (pixels_of(one) << 4).astype("<u2").tobytes()
    one.HighBit = 15


def with_own_slope(n: int, one: Dataset) -> None:
    """The same values by another slope: half, a quarter or an eighth of a unit a step, and an intercept."""
    steps = 2 << (n % 3)
    put_pixels(one, (pixels_of(one).astype(np.int32) * steps + 100).astype("<u2"))
    one.BitsStored, one.HighBit = 16, 15
    one.RescaleSlope, one.RescaleIntercept = str(1 / steps), str(-100 / steps)


def own_slopes(slices: list[Dataset]) -> list[Dataset]:
    for n, one in enumerate(slices):
        with_own_slope(n, one)
    return slices


def as_eight_bits(one: Dataset) -> None:
    put_pixels(one, (pixels_of(one) >> 4).astype("u1"))


def as_colour(one: Dataset) -> None:
    grey = (pixels_of(one) >> 4).astype("u1")
    put_pixels(one, grey)
    one.SamplesPerPixel, one.PlanarConfiguration, one.PhotometricInterpretation = 3, 0, "RGB"
    one.PixelData = np.repeat(grey[..., None], 3, axis=2).tobytes()


def as_palette(one: Dataset) -> None:
    as_eight_bits(one)
    one.PhotometricInterpretation = "PALETTE COLOR"
    for colour in ("Red", "Green", "Blue"):
        one.add_new(f"{colour}PaletteColorLookupTableDescriptor", "US", [256, 0, 16])
        setattr(one, f"{colour}PaletteColorLookupTableData", np.arange(256, dtype="<u2")[::-1].tobytes())


def padded(value: int, corner: int = 4) -> Callable[[Dataset], None]:
    """A corner of padding that ``PixelPaddingValue`` declares."""

    def edit(one: Dataset) -> None:
        stored = pixels_of(one).astype("<i2")
        stored[:corner, :corner] = value
        put_pixels(one, stored)
        one.BitsStored, one.HighBit = 16, 15
        one.add_new("PixelPaddingValue", "SS", value)

    return edit


def as_private_mosaic(one: Dataset) -> None:
    """Siemens: the number of images in a mosaic."""
    one.add_new(0x00190010, "LO", "SIEMENS MR HEADER")
    one.add_new(0x0019100A, "US", 36)


def one_row_less(one: Dataset) -> None:
    put_pixels(one, pixels_of(one)[:-1])


def one_column_less(one: Dataset) -> None:
    put_pixels(one, pixels_of(one)[:, :-1])

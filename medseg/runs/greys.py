"""Grey values of a scan: which of them black and white stand for, and the picture file."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from medseg.core.types import FloatArray

WINDOW_PERCENTILES = (0.5, 99.5)  # of the voxels that are not zero
# Level 40, width 400: what abdominal and thoracic organs are read in.
SOFT_TISSUE_HU = (-160.0, 240.0)
SAMPLED = 2_000_000  # voxels; percentiles of more differ by less than a grey level


@dataclass(frozen=True)
class Greys:
    """A grey scale.

    Attributes:
        low: Shown black, with all below.
        high: Shown white, with all above.
        words: How it was chosen, for people.
    """

    low: float
    high: float
    words: str


def grey_window(
    scan: FloatArray,
    modality: str,
    *,
    percentiles: tuple[float, float] = WINDOW_PERCENTILES,
    headroom: float = 0.0,
    place: str = "",
) -> Greys:
    """The soft tissue window of a CT; otherwise percentiles of the values that are not zero.

    Args:
        scan: One channel, or the part of it that matters (I, J, K).
        modality: As DICOM writes it, for example "CT" or "MR"; empty where unknown.
        percentiles: Which become black and white.
        headroom: Share of the span between them by which white is moved up.
        place: What part of the scan this is, for the words.
    """
    if modality == "CT":
        low, high = SOFT_TISSUE_HU
        return Greys(
            low, high, f"{low:g} to {high:g} HU, the soft tissue window (level 40, width 400)".replace("-", "−")
        )
    low, high = _percentiles(scan, percentiles)
    high += headroom * (high - low)
    which = " and ".join(f"{percentile:g} %" for percentile in percentiles)
    above = f", and {100 * headroom:g} % of the span above" if headroom else ""
    words = f"{low:.4g} to {high:.4g}, the percentiles {which} of the voxels{place} that are not 0{above}"
    return Greys(low, high, words)


def _percentiles(scan: FloatArray, percentiles: tuple[float, float]) -> tuple[float, float]:
    step = max(1, round((scan.size / SAMPLED) ** (1 / 3)))
    sample = scan[::step, ::step, ::step]
    values = sample[np.isfinite(sample) & (sample != 0)]
    if values.size == 0:
        return 0.0, 1.0
    low, high = np.percentile(values, percentiles)
    return float(low), float(high if high > low else low + 1.0)


def to_bytes(picture: npt.NDArray[np.generic], greys: Greys) -> npt.NDArray[np.uint8]:
    """Grey levels 0 to 255 (rows, columns); what is not a number is black."""
    values = np.nan_to_num(picture.astype(np.float64), nan=greys.low, posinf=greys.high, neginf=greys.low)
    return np.rint(np.clip((values - greys.low) / (greys.high - greys.low), 0.0, 1.0) * 255).astype(np.uint8)


def shrunk(picture: FloatArray, limit: int) -> tuple[FloatArray, tuple[int, int]]:
    """The picture with at most ``limit`` rows and columns, by the mean of blocks.

    Returns:
        The picture, and how many rows and columns make one; a last block that is not whole is left out.
    """
    rows, columns = (-(-size // limit) for size in picture.shape)
    if rows == columns == 1:
        return picture, (1, 1)
    height, width = picture.shape[0] // rows, picture.shape[1] // columns
    blocks = picture[: height * rows, : width * columns].reshape(height, rows, width, columns)
    return blocks.mean(axis=(1, 3)), (rows, columns)


def png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """A grey PNG file of pixels (rows, columns).

    Source: ISO/IEC 15948 (PNG), with the filter "Sub" on every row: scans are smooth.
    """
    height, width = pixels.shape
    differences = np.diff(pixels, axis=1, prepend=np.uint8(0))  # modulo 256, as the filter asks
    rows = np.hstack([np.ones((height, 1), np.uint8), differences])
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(name, data) for name, data in chunks)


def png_chunk(name: bytes, data: bytes) -> bytes:
    """One part of a PNG file: its length, name, content and check sum."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from PIL import Image

from medseg.core.errors import FileError, GeometryError, OutputError
from medseg.core.geometry import PICTURE_RAS
from medseg.io.picture import read_header, read_label, read_volume, write_label_map

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (5, 7), dtype=np.uint8)  # 5 rows, 7 columns
COLOUR = RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8)


def saved(path: Path, pixels: np.ndarray, **options: object) -> Path:
    Image.fromarray(pixels).save(path, **options)
    return path


def with_alpha(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    return np.concatenate([pixels, alpha[..., None]], -1)


@pytest.mark.parametrize("ending", [".png", ".tif", ".TIFF"])
def test_a_grey_picture_is_one_channel_of_columns_and_rows_one_voxel_thick(tmp_path: Path, ending: str) -> None:
    path = saved(tmp_path / f"a{ending}", GREY)
    header, volume = read_header(path), read_volume(path)
    assert (header.shape, header.channels, header.dtype) == ((7, 5, 1), 1, "uint8")
    assert volume.array.shape == (1, 7, 5, 1)
    assert volume.array.dtype == np.float32
    assert volume.array[0, 6, 2, 0] == GREY[2, 6]


def test_an_rgb_picture_is_three_channels(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", COLOUR)
    assert read_header(path).channels == 3
    assert np.array_equal(read_volume(path).array[..., 0], COLOUR.transpose(2, 1, 0))
    assert np.array_equal(read_volume(path, 2).array[0, ..., 0], COLOUR[..., 2].T)
    with pytest.raises(FileError, match=r"holds 3 channel\(s\); there is no channel 3"):
        read_volume(path, 3)


def test_the_place_of_a_picture_is_the_one_that_itk_gives_it(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", GREY)
    SimpleITK.WriteImage(SimpleITK.JoinSeries([SimpleITK.ReadImage(str(path))]), str(tmp_path / "a.nii"))
    from medseg.io import nifti

    other = nifti.read_volume(tmp_path / "a.nii")
    assert np.array_equal(other.affine_ras, PICTURE_RAS)
    assert np.array_equal(other.array, read_volume(path).array)


@pytest.mark.parametrize(
    ("ending", "dtype"), [(".png", np.uint16), (".tif", np.uint16), (".tif", np.int32), (".tif", np.float32)]
)
def test_more_than_8_bits_keep_their_values(tmp_path: Path, ending: str, dtype: type[np.generic]) -> None:
    pixels = (RNG.random((4, 3)) * 60000).astype(dtype)
    path = saved(tmp_path / f"a{ending}", pixels)
    assert np.array_equal(read_volume(path).array[0, ..., 0], pixels.T.astype(np.float32))
    assert read_header(path).dtype == np.dtype(dtype).name


def test_packed_and_striped_tiffs_are_read(tmp_path: Path) -> None:
    for name in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "raw"):
        path = saved(tmp_path / f"{name}.tif", COLOUR, compression=name)
        assert np.array_equal(read_volume(path).array[..., 0], COLOUR.transpose(2, 1, 0))


def test_an_alpha_channel_that_says_nothing_is_dropped_and_one_that_does_is_refused(tmp_path: Path) -> None:
    for pixels in (COLOUR, GREY[..., None]):
        path = saved(tmp_path / "a.png", with_alpha(pixels, np.full_like(GREY, 255)))
        assert np.array_equal(read_volume(path).array[..., 0], pixels.transpose(2, 1, 0))
        saved(path, with_alpha(pixels, GREY))
        with pytest.raises(FileError, match="is transparent in part"):
            read_volume(path)


def test_one_bit_is_0_and_1(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", GREY > 99)
    assert np.array_equal(read_label(path)[0][..., 0], (GREY > 99).T)


def test_a_label_map_keeps_its_values(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", GREY.astype(np.uint16))
    labels, affine = read_label(path)
    assert labels.dtype == np.uint8
    assert np.array_equal(labels[..., 0], GREY.T)
    assert np.array_equal(affine, PICTURE_RAS)


def test_more_than_255_objects_are_one_label_where_that_is_said_and_else_refused_with_the_cure(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", np.array([[0, 1, 313]], np.uint16))
    assert read_label(path, instances=True)[0].ravel().tolist() == [0, 1, 1]
    with pytest.raises(FileError, match=r'1 voxels such as 313 are no label values(.|\n)*"instances": true'):
        read_label(path)


def test_an_rgb_label_map_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GeometryError, match=r"this picture has 3\. Save it as grey"):
        read_label(saved(tmp_path / "a.png", COLOUR))


def test_a_label_map_is_written_on_the_grid_of_its_picture_and_another_reader_sees_the_same(tmp_path: Path) -> None:
    like = saved(tmp_path / "a.tif", COLOUR)
    labels = (GREY % 3).T[..., None]
    write_label_map(tmp_path / "out" / "a.png", labels, like=like)
    with Image.open(tmp_path / "out" / "a.png") as image:
        assert (image.mode, image.size) == ("L", (7, 5))
        assert np.array_equal(np.asarray(image), GREY % 3)
    assert np.array_equal(read_label(tmp_path / "out" / "a.png")[0], labels)
    with pytest.raises(OutputError, match=r"has shape \(5, 7, 1\), .* has \(7, 5, 1\)"):
        write_label_map(tmp_path / "b.png", labels.transpose(1, 0, 2), like=like)
    with pytest.raises(OutputError, match="not whole numbers from 0 to 255"):
        write_label_map(tmp_path / "b.png", labels * 0.5, like=like)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def huge(path: Path) -> None:
    """A PNG of 30 kB that says it has 100 000 x 100 000 pixels."""
    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 0, 0, 0, 0)
    content = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(30_000))) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + content)


def deep_colour(path: Path) -> None:
    """16 bits per colour, which Pillow would make 8."""
    rows = b"".join(b"\0" + bytes(6 * 4) for _ in range(4))
    header = struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0)
    content = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + content)


def two_bits(path: Path) -> None:
    """Values 0 to 3, which Pillow would stretch to 0, 85, 170 and 255."""
    header = struct.pack(">IIBBBBB", 4, 4, 2, 0, 0, 0, 0)
    content = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes([0, 27] * 4))) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + content)


def animated(path: Path) -> None:
    first, second = Image.fromarray(GREY), Image.fromarray(GREY[::-1].copy())
    first.save(path, save_all=True, append_images=[second])


def cut_short(path: Path) -> None:
    saved(path, RNG.integers(0, 256, (99, 99), dtype=np.uint8))
    path.write_bytes(path.read_bytes()[:-3000])


def changed_byte(path: Path) -> None:
    saved(path, RNG.integers(0, 256, (99, 99), dtype=np.uint8), compress_level=0)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def turned(path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(GREY).save(path, exif=exif)


BAD: list[tuple[str, Callable[[Path], object], str]] = [
    ("palette.png", lambda path: Image.fromarray(GREY).convert("P").save(path), "its colours stand in a palette"),
    ("cmyk.tif", lambda path: Image.fromarray(COLOUR).convert("CMYK").save(path), "printing colours"),
    ("ycbcr.tif", lambda path: Image.fromarray(COLOUR).convert("YCbCr").save(path), "YCbCr"),
    ("animated.png", animated, "holds 2 pages or frames"),
    ("pages.tif", animated, "holds 2 pages or frames"),
    ("huge.png", huge, "has 100000 x 100000 pixels; at most 89478485 are read"),
    ("deep.png", deep_colour, "values would be changed"),
    ("two_bits.png", two_bits, "values would be changed"),
    ("white.tif", lambda path: Image.fromarray(GREY > 9).save(path, tiffinfo={262: 0}), "values would be changed"),
    ("keyed.png", lambda path: saved(path, COLOUR, transparency=(1, 2, 3)), "transparent in part"),
    ("turned.png", turned, "asks viewers to turn it"),
    ("turned.tif", turned, "asks viewers to turn it"),
    ("cut.png", cut_short, "truncated or damaged"),
    ("cut.tif", cut_short, "truncated or damaged"),
    ("changed.png", changed_byte, "truncated or damaged"),
    ("empty.png", Path.touch, "no PNG file"),
    ("empty.tif", Path.touch, "no TIFF file"),
    ("jpeg.png", lambda path: Image.fromarray(GREY).save(path, format="JPEG"), "no PNG file"),
    ("text.tif", lambda path: path.write_text("MM, a letter"), "no TIFF file"),
    ("nan.tif", lambda path: saved(path, np.full((3, 3), np.nan, np.float32)), "9 pixels are NaN"),
    ("long.tif", lambda path: saved(path, np.full((3, 3), 2**25, np.int32)), "beyond 16777216"),
]


@pytest.mark.parametrize(("name", "make", "fault"), BAD, ids=[name for name, *_ in BAD])
def test_what_cannot_be_taken_as_it_is_is_refused_with_a_reason(
    tmp_path: Path, name: str, make: Callable[[Path], object], fault: str
) -> None:
    make(tmp_path / name)
    with pytest.raises(FileError, match=fault) as caught:
        read_volume(tmp_path / name)
    assert name in str(caught.value)


def test_a_missing_picture_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"a\.png': no such file"):
        read_header(tmp_path / "a.png")


@pytest.mark.realdata
def test_real_pictures_are_read_as_they_are_stored(real_data: Path) -> None:
    for path in sorted((real_data / "dsb2018" / "imagesTr").glob("*.png"))[::20]:
        pixels = np.atleast_3d(np.asarray(Image.open(path)))
        assert np.array_equal(read_volume(path).array[..., 0], pixels.transpose(2, 1, 0))
    for path in sorted((real_data / "dsb2018" / "labelsTr").glob("*.png"))[::20]:
        assert np.array_equal(read_label(path, instances=True)[0][..., 0], np.asarray(Image.open(path)).T > 0)

"""The gate for NIfTI files: one row per fault, each with its code, its file and its value."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest

from medseg.io.codes import CODES
from medseg.io.nifti_gate import JudgedFile, judge_nifti

AFFINE = np.diag([1.5, 2.0, 3.0, 1.0])
AFFINE[:3, 3] = [-10, 4, 7]


def saved(
    path: Path,
    *,
    array: np.ndarray | None = None,
    sform: np.ndarray | None = AFFINE,
    qform: np.ndarray | None = AFFINE,
    **header: object,
) -> Path:
    """A volume of 4 x 5 x 6 voxels with these forms; None leaves one out."""
    array = np.arange(120, dtype="f4").reshape(4, 5, 6) if array is None else array
    made = nibabel.Nifti1Header()
    made.set_data_shape(array.shape)
    made.set_data_dtype(array.dtype)
    made.set_xyzt_units("mm")
    made["pixdim"][1:4] = 1.5, 2, 3
    made.set_sform(AFFINE if sform is None else sform, 0 if sform is None else 1)
    made.set_qform(AFFINE if qform is None else qform, 0 if qform is None else 1)
    made["vox_offset"] = 352
    for name, value in header.items():
        made[name] = value
    content = made.binaryblock + bytes(4) + array.tobytes(order="F")  # nibabel would mend the forms on writing
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def patched(path: Path, at: int, content: bytes, **options: object) -> Path:
    whole = bytearray(saved(path, **options).read_bytes())
    whole[at : at + len(content)] = content
    path.write_bytes(whole)
    return path


def with_nan(path: Path) -> Path:
    array = np.zeros((4, 5, 6), "f4")
    array[1, 2, 3] = np.nan
    return saved(path, array=array)


def sheared(path: Path) -> Path:
    affine = AFFINE.copy()
    affine[0, 1] = 0.2
    return saved(path, sform=affine, qform=None)


def moved(by_mm: float) -> Callable[[Path], Path]:
    affine = AFFINE.copy()
    affine[0, 3] += by_mm
    return lambda path: saved(path, qform=affine)


GEOMETRY, UNREADABLE = "nifti_geometry", "nifti_unreadable"
# Bytes of the NIfTI-1 header: dim at 40 (int16 each), datatype at 70, pixdim at 76 and srow_x at 280 (float32 each).
BAD = {
    "forms that disagree": (GEOMETRY, "sform and qform disagree by up to 0.133 voxels", moved(0.2)),
    "no form": (GEOMETRY, "neither sform nor qform", lambda path: saved(path, sform=None, qform=None)),
    "a sheared affine": (GEOMETRY, "right angles", sheared),
    "a singular affine": (GEOMETRY, "", lambda path: patched(path, 280, bytes(16), qform=None)),
    "spacing 0": (GEOMETRY, "spacing of 0 x 2 x 3 mm", lambda path: patched(path, 80, struct.pack("<f", 0))),
    "spacing NaN": (GEOMETRY, "spacing", lambda path: patched(path, 84, struct.pack("<f", np.nan))),
    "five dimensions": (GEOMETRY, "5 dimensions", lambda path: saved(path, array=np.zeros((4, 5, 6, 2, 3), "f4"))),
    "two dimensions": (GEOMETRY, "2 dimensions", lambda path: saved(path, array=np.zeros((4, 5), "f4"))),
    "metres": (GEOMETRY, "metres", lambda path: saved(path, xyzt_units=1)),
    "NaN": (UNREADABLE, "1 voxels are NaN", with_nan),
    "colours": (UNREADABLE, "", lambda path: patched(path, 70, struct.pack("<hh", 128, 24))),
    "a header of 27 TB": (UNREADABLE, "describes", lambda path: patched(path, 42, struct.pack("<hhh", *(3 * [18900])))),
    "a length below 0": (UNREADABLE, "damaged", lambda path: patched(path, 44, struct.pack("<h", -5))),
    "a text": (UNREADABLE, "not a NIfTI", lambda path: path.write_text("no NIfTI " * 99) and path),
    "no byte": (UNREADABLE, "empty", lambda path: path.write_bytes(b"") or path),
    "no file": (UNREADABLE, "", lambda path: path),
}


def cut(path: Path) -> Path:
    path.write_bytes(saved(path).read_bytes()[:-100])
    return path


BAD["a file cut short"] = (UNREADABLE, "truncated", cut)


@pytest.mark.parametrize("name", BAD)
def test_each_fault_is_refused_with_its_code_and_file(tmp_path: Path, name: str) -> None:
    code, says, make = BAD[name]
    judged = judge_nifti(make(tmp_path / "scan.nii"))
    assert judged.verdict.code == code
    assert CODES[code].severity == "refused"
    assert "scan.nii" in judged.verdict.reason
    assert says in judged.verdict.reason
    assert "\n" not in judged.verdict.reason


@pytest.mark.parametrize("name", ["NaN", "a file cut short"])
def test_what_is_wrong_with_the_voxels_leaves_the_header_known(tmp_path: Path, name: str) -> None:
    judged = judge_nifti(BAD[name][2](tmp_path / "scan.nii"))
    assert name == "a file cut short" or judged.header.shape == (4, 5, 6)


@pytest.mark.parametrize(
    "make",
    [
        saved,
        moved(0.14),  # below a tenth of the smallest voxel edge, 1.5 mm
        lambda path: saved(path, qform=None),
        lambda path: saved(path, sform=None),
        lambda path: saved(path, array=np.zeros((4, 5, 6, 3), "f4")),
        lambda path: saved(path, array=np.zeros((4, 5, 6, 1, 1), "i2")),
    ],
    ids=["plain", "forms a little apart", "sform alone", "qform alone", "channels", "further axes of length 1"],
)
def test_a_good_file_is_accepted_with_its_place(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    judged = judge_nifti(make(tmp_path / "scan.nii.gz"))
    assert judged.verdict.code == "accepted"
    assert judged.header.shape == (4, 5, 6)
    assert np.allclose(judged.header.affine_ras, AFFINE, atol=0.15)


def test_limits_of_the_forms_are_a_tenth_of_a_voxel(tmp_path: Path) -> None:
    def verdict(by_mm: float) -> JudgedFile:
        return judge_nifti(moved(by_mm)(tmp_path / "scan.nii"))

    assert verdict(0.149).verdict.accepted
    assert not verdict(0.151).verdict.accepted

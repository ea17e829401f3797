"""Read NIfTI scans and label maps, and write label maps; the only file that knows nibabel."""

from __future__ import annotations

import gzip
import io
import logging
import math
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import numpy.typing as npt
from nibabel.arrayproxy import ArrayProxy
from nibabel.spatialimages import HeaderDataError

from medseg.core.big_array import empty_big
from medseg.core.errors import FileError, GeometryError, OutputError
from medseg.core.files import replacing
from medseg.core.types import Affine, LabelArray, Shape
from medseg.core.volume import Volume
from medseg.io.content import is_packed, most_bytes, read_content, read_start
from medseg.io.header import Header
from medseg.io.label_values import label_values
from medseg.io.nifti_geometry import Forms, choose_affine

_HEADER_BYTES = 540  # a NIfTI-2 header; a NIfTI-1 header takes 348
_DATA_OFFSET = 352  # NIfTI-1 header and an empty extension flag
_COMPRESSION = 3  # label maps and phantoms: half the time of level 6 for a few percent of size
_PLACE_FIELDS = (
    *("qform_code", "sform_code", "quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z"),
    *("srow_x", "srow_y", "srow_z", "xyzt_units"),
)
_silent = logging.getLogger("medseg.io.nifti.repairs")  # nibabel tells of header repairs; the gate is stricter
_silent.setLevel(logging.CRITICAL)


def read_header(path: Path) -> Header:
    """Shape, place and storage type of a file; reads no voxels.

    Raises:
        FileError: Absent, unreadable, not NIfTI, or smaller than its header says.
        GeometryError: It cannot be placed in the patient; see ``choose_affine``.
    """
    return _gate(path, _parse(path, read_start(path, _HEADER_BYTES)))


def read_volume(path: Path, index: int | None = None) -> Volume:
    """Scaled voxels as float32 (C, I, J, K), equal to what MONAI's NibabelReader gives.

    Args:
        path: A .nii or .nii.gz file of three or four dimensions; further axes of length 1 are dropped.
        index: Take only this position of the fourth axis; None takes all as channels.

    Raises:
        FileError: As ``read_header``; truncated or damaged; no such ``index``; NaN or infinite voxels.
        GeometryError: It cannot be placed in the patient.
    """
    header, proxy = _open(path)
    if index is not None and not 0 <= index < header.channels:
        raise FileError(f"'{path}': holds {header.channels} channel(s); there is no channel {index}")
    voxels = np.asanyarray(proxy).reshape((*header.shape, header.channels), order="F")
    voxels = voxels if index is None else voxels[..., index : index + 1]
    with np.errstate(over="ignore"):
        array = empty_big((voxels.shape[-1], *header.shape))
        array[...] = np.moveaxis(voxels, -1, 0)
    if voxels.dtype.kind == "f" and not np.isfinite(array).all():
        count = int(np.count_nonzero(~np.isfinite(array)))
        raise FileError(f"'{path}': {count} voxels are NaN, infinite or too large for float32; replace them")
    return Volume(array, header.affine_ras)


def read_label(path: Path, *, instances: bool = False) -> tuple[LabelArray, Affine]:
    """Label values as uint8 (I, J, K), and the affine.

    Args:
        path: A .nii or .nii.gz file.
        instances: Values number objects of one label: all above 0 become 1.

    Raises:
        FileError: As ``read_volume``; or a value is no label value, see ``label_values``.
        GeometryError: It cannot be placed in the patient, or has more than one channel.
    """
    header, proxy = _open(path)
    if header.channels != 1:
        raise GeometryError(f"'{path}': a label map has one channel; this file has {header.channels}")
    voxels = np.asanyarray(proxy).reshape(header.shape, order="F")
    return label_values(path, voxels, instances=instances), header.affine_ras


def write_label_map(path: Path, array: npt.NDArray[Any], *, like: Path) -> None:
    """Write a label map on the grid of another file, whole or not at all.

    Stored as uint8 without scaling; shape, sform, qform, their codes and the units are those of
    ``like``, and nothing else of its header.

    Args:
        path: Ends in .nii or .nii.gz.
        array: Whole numbers 0 to 255, shape (I, J, K).
        like: The scan the label map belongs to.

    Raises:
        FileError: ``like`` is not a readable NIfTI file.
        OutputError: The shapes differ, a value does not fit uint8, or the file cannot be written.
    """
    source = _parse(like, read_start(like, _HEADER_BYTES))
    if tuple(array.shape) != _spatial(source):
        raise OutputError(f"'{path}': the label map has shape {array.shape}, '{like}' has {_spatial(source)}")
    with np.errstate(invalid="ignore"):  # NaN; the comparison below finds it
        labels = array.astype(np.uint8)
    if not np.array_equal(labels, array):
        raise OutputError(f"'{path}': the label map holds values that are not whole numbers from 0 to 255")
    header = _new_header(labels)
    for field in _PLACE_FIELDS:
        header[field] = source[field]
    header["pixdim"][:4] = source["pixdim"][:4]
    header["cal_max"] = labels.max(initial=0)
    _write(path, header, labels)


def write_labels(path: Path, labels: LabelArray, affine_ras: Affine) -> None:
    """Write a label map (I, J, K) as uint8 with sform and qform from its affine, whole or not at all.

    Raises:
        OutputError: The file cannot be written.
    """
    header = _new_header(labels)
    header["cal_max"] = labels.max(initial=0)
    _place(header, affine_ras)
    _write(path, header, labels)


def write_volume(path: Path, volume: Volume) -> None:
    """Write a volume as it is stored in memory, with sform and qform from its affine.

    Raises:
        OutputError: The file cannot be written.
    """
    voxels = np.moveaxis(volume.array, 0, -1)
    header = _new_header(voxels[..., 0] if voxels.shape[-1] == 1 else voxels)
    _place(header, volume.affine_ras)
    _write(path, header, voxels)


def _open(path: Path) -> tuple[Header, ArrayProxy]:
    raw = _parse(
        path, read_start(path, _HEADER_BYTES)
    )  # first, so that an impossible size is refused before it is unpacked
    header = _gate(path, raw)
    content = read_content(path)
    if len(content) < _bytes_described(raw):
        raise FileError(
            f"'{path}': truncated; the header describes {_bytes_described(raw)} bytes, {len(content)} exist"
        )
    return header, ArrayProxy(io.BytesIO(content), raw)


def _parse(path: Path, head: bytes) -> Any:
    """The nibabel header as stored; ``_gate`` repairs it the way nibabel does on loading."""
    if not head:
        raise FileError(f"'{path}': the file is empty")
    kind = nibabel.Nifti2Header if head[4:8] == b"n+2\0" else nibabel.Nifti1Header
    if kind is nibabel.Nifti1Header and head[344:348] != b"n+1\0":
        raise FileError(f"'{path}': not a NIfTI file (neither 'n+1' nor 'n+2' stands in its header)")
    try:
        header = kind(head[: kind.template_dtype.itemsize], check=False)
        if header.get_data_dtype().kind not in "iuf":
            raise FileError(f"'{path}': voxels of type {header.get_data_dtype()} are no scan; one number each is")
        _check_size(path, header)
    except (HeaderDataError, ValueError, OSError, KeyError) as error:
        raise FileError(f"'{path}': the NIfTI header is damaged ({error})") from None
    return header


def _check_size(path: Path, header: Any) -> None:
    count = int(header["dim"][0])
    lengths = [int(n) for n in header["dim"][1 : count + 1]]
    if not 1 <= count <= 7 or min(lengths) < 1:
        raise FileError(f"'{path}': the header gives {count} dimensions of lengths {lengths}; it is damaged")
    described, possible = _bytes_described(header), most_bytes(path)
    if described > possible:
        raise FileError(
            f"'{path}': truncated or damaged; the header describes {described} bytes, "
            f"the file can hold {possible} at most. Copy the file again"
        )


def _gate(path: Path, header: Any) -> Header:
    shape = _shape(header)
    if not 3 <= len(shape) <= 4:
        listed = "x".join(str(n) for n in shape)
        raise GeometryError(f"'{path}': has {len(shape)} dimensions ({listed}); 3, or 4 with channels last, are read")
    pixdim = tuple(float(size) for size in header["pixdim"][1:5])  # before nibabel repairs it
    try:
        header.check_fix(logger=_silent, error_level=logging.ERROR)
    except HeaderDataError as error:
        raise FileError(f"'{path}': the NIfTI header is damaged ({error})") from None
    forms = Forms(
        shape=shape[:3],
        dimensions=int(header["dim"][0]),
        pixdim=pixdim,
        units=int(header["xyzt_units"]) % 8,
        sform=header.get_sform(coded=True)[0],
        qform=_qform(header),
        qform_coded=int(header["qform_code"]) > 0,
    )
    channels = shape[3] if len(shape) == 4 else 1
    return Header(shape[:3], channels, choose_affine(forms, path), str(header.get_data_dtype().newbyteorder("=")))


def _qform(header: Any) -> Affine | None:
    try:
        return np.asarray(header.get_qform(), np.float64)
    except (ValueError, HeaderDataError):
        return None


def _shape(header: Any) -> Shape:
    lengths = [int(n) for n in header["dim"][1 : int(header["dim"][0]) + 1]]
    while len(lengths) > 3 and lengths[-1] == 1:
        lengths.pop()
    return tuple(lengths)


def _spatial(header: Any) -> Shape:
    return _shape(header)[:3]


def _bytes_described(header: Any) -> int:
    voxels = math.prod(int(n) for n in header["dim"][1 : int(header["dim"][0]) + 1])
    return max(int(header["vox_offset"]), 0) + voxels * int(header.get_data_dtype().itemsize)


def _new_header(voxels: npt.NDArray[Any]) -> Any:
    header = nibabel.Nifti1Header()
    header.set_data_dtype(voxels.dtype)
    header.set_data_shape(voxels.shape)
    header["vox_offset"], header["scl_slope"], header["scl_inter"] = _DATA_OFFSET, 1.0, 0.0
    return header


def _place(header: Any, affine_ras: Affine) -> None:
    header.set_sform(affine_ras, code="scanner")
    header.set_qform(affine_ras, code="scanner")
    header.set_xyzt_units("mm")


def _write(path: Path, header: Any, voxels: npt.NDArray[Any]) -> None:
    """Plane by plane, so that no copy of the voxels is made; they lie with the first axis fastest, as NIfTI wants."""
    with replacing(path) as temporary, temporary.open("wb") as raw:
        # No name and no time stamp inside, so that equal label maps are equal files.
        packed = gzip.GzipFile("", "wb", _COMPRESSION, raw, mtime=0) if is_packed(path) else raw
        with packed as stream:
            stream.write(header.binaryblock + bytes(_DATA_OFFSET - 348))
            for place in np.ndindex(voxels.shape[:1:-1]):
                stream.write(voxels[(..., *place[::-1])].tobytes(order="F"))

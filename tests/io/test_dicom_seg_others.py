"""Others read what we write, and we read what others wrote: dciodvfy, dcmqi, highdicom, on phantoms and real scans."""

from pathlib import Path

import highdicom
import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK
from dicom_results import (
    AFFINE,
    ALGORITHM,
    CODED,
    LEFT,
    ORGAN,
    by_dcmqi,
    dciodvfy_errors,
    label_map,
    numbered,
    only_series,
    small_series,
)

from medseg.core.coding import CodedLabel, Concept
from medseg.core.errors import FileError, GeometryError
from medseg.core.volume import Volume
from medseg.io.dicom_seg import write_seg
from medseg.io.dicom_seg_read import read_seg, read_seg_masks, read_seg_onto
from medseg.io.dicom_seg_verify import verify_seg
from medseg.io.dicom_series import Series
from medseg.io.dicom_sr import write_sr
from medseg.io.dicom_sr_read import read_sr_volumes
from medseg.io.dicom_write import write_series

STRAIGHT = np.diag([-0.9, -1.1, 3.0, 1.0])
RIGHT = Concept("24028007", "SCT", "Right")
# The values of the 31 organs in the abdominal CT: SNOMED CT code and meaning, and the side.
ORGANS: dict[int, tuple[str, str, Concept | None]] = {
    1: ("78961009", "Spleen", None),
    5: ("10200004", "Liver", None),
    6: ("69695003", "Stomach", None),
    7: ("15776009", "Pancreas", None),
    8: ("23451007", "Adrenal gland", RIGHT),
    20: ("71854001", "Colon", None),
    32: ("23215003", "T12 Vertebra", None),
    33: ("12989004", "T11 Vertebra", None),
    52: ("15825003", "Aorta", None),
    63: ("64131007", "Inferior vena cava", None),
    64: ("32764006", "Portal vein", None),
    69: ("85050009", "Humerus", LEFT),
    70: ("85050009", "Humerus", RIGHT),
    79: ("2748008", "Spinal cord", None),
    86: ("44947003", "Erector spinae muscle", LEFT),
    87: ("44947003", "Erector spinae muscle", RIGHT),
    117: ("50016007", "Costal cartilage", None),
}
# Ribs by number have no code that we know of: 97 to 103 are the 6th to 12th of the left, 109 to 115 of the right.
RIBS = {
    value: (f"RIB{value - first + 6}", f"Rib {value - first + 6}", side)
    for first, side in ((97, LEFT), (109, RIGHT))
    for value in range(first, first + 7)
}


def organs() -> list[CodedLabel]:
    coded = [
        CodedLabel(
            f"{meaning}{'' if side is None else ', ' + side.meaning.lower()}",
            (value,),
            ORGAN,
            Concept(code, "99MEDSEG" if value in RIBS else "SCT", meaning),
            modifier=side,
            colour=(value, 255 - value, 128),
        )
        for value, (code, meaning, side) in sorted((ORGANS | RIBS).items())
    ]
    assert len(coded) == 31
    return coded


def oblique(folder: Path) -> Series:
    return small_series(folder / "series", AFFINE)


def reversed_files(folder: Path) -> Series:
    """File names and instance numbers run against the slices."""
    small_series(folder / "first", STRAIGHT, modality="MR")
    paths = sorted((folder / "first").iterdir())
    (folder / "series").mkdir()
    for n, path in enumerate(reversed(paths), 1):
        dataset = pydicom.dcmread(path)
        dataset.InstanceNumber = n
        dataset.save_as(folder / "series" / f"{n:03d}.dcm")
    return only_series(folder / "series")


def left_handed(folder: Path) -> Series:
    """Written from head to feet: the gate turns k around."""
    return small_series(folder / "series", AFFINE @ np.diag([1, 1, -1, 1]))


@pytest.mark.external
@pytest.mark.parametrize("make", [oblique, reversed_files, left_handed])
@pytest.mark.parametrize(("kind", "coding"), [("binary", "none"), ("labelmap", "none"), ("labelmap", "rle")])
@pytest.mark.parametrize("keep", [False, True])
def test_dcmqi_reads_the_same_voxels(tmp_path: Path, make, kind: str, coding: str, keep: bool) -> None:
    series, path = make(tmp_path), tmp_path / "seg.dcm"
    write_seg(
        path,
        label_map(),
        series,
        CODED,
        algorithm=ALGORITHM,
        seg_type=kind,
        compression=coding,
        keep_empty_frames=keep,
    )
    assert series.affine_ras is not None
    read = by_dcmqi(path, tmp_path / "dcmqi", label_map().shape, series.affine_ras)
    assert np.array_equal(read, numbered(label_map()))


@pytest.mark.external
@pytest.mark.parametrize("modality", ["CT", "MR"])
def test_dciodvfy_finds_no_error(tmp_path: Path, modality: str) -> None:
    series = small_series(tmp_path / "series", modality=modality)
    facts = write_seg(tmp_path / "seg.dcm", label_map(), series, CODED, algorithm=ALGORITHM)
    write_seg(tmp_path / "empty.dcm", np.zeros_like(label_map()), series, CODED, algorithm=ALGORITHM)
    write_seg(tmp_path / "whole.dcm", label_map(), series, CODED, algorithm=ALGORITHM, keep_empty_frames=True)
    measured = [(label, 1.5 * n) for n, label in enumerate(CODED)]
    write_sr(tmp_path / "sr.dcm", series, facts, measured, algorithm=ALGORITHM, warnings=["few slices: 7 slices."])
    write_sr(tmp_path / "alone.dcm", series, None, measured, algorithm=ALGORITHM)
    for name in ("seg", "empty", "whole", "sr", "alone"):
        assert dciodvfy_errors(tmp_path / f"{name}.dcm") == [], name


@pytest.fixture(scope="session")
def abdomen(real_data: Path) -> tuple[Series, np.ndarray]:
    """The abdominal CT and its 31 organs on its slices."""
    folder = real_data / "dicom" / "ct_abdomen_j2k_seg"
    series, image = only_series(folder / "dicom_fixed_uids"), nibabel.load(folder / "seg.nii.gz")
    labels = np.asarray(image.dataobj).astype(np.uint8)[:, ::-1]  # its j runs to the front, that of the slices back
    assert series.affine_ras is not None
    assert np.allclose(image.affine @ [0, 511, 0, 1], series.affine_ras @ [0, 0, 0, 1], atol=1e-3)
    return series, labels


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("kind", "coding"), [("binary", "none"), ("labelmap", "none"), ("labelmap", "rle"), ("labelmap", "jpegls")]
)
def test_31_organs_of_a_real_ct_come_back_exactly(
    tmp_path: Path, abdomen: tuple[Series, np.ndarray], kind: str, coding: str
) -> None:
    series, labels = abdomen
    path = tmp_path / "seg.dcm"
    facts = write_seg(path, labels, series, organs(), algorithm=ALGORITHM, seg_type=kind, compression=coding)
    verify_seg(path, labels, series, facts)
    uids = [one.header.SOPInstanceUID for one in series.slices]
    planes = highdicom.seg.segread(path).get_pixels_by_source_instance(
        uids, combine_segments=True, ignore_spatial_locations=True
    )
    values = np.array([0, *(one.value for one in facts.segments)], np.uint8)
    assert np.array_equal(values[planes].transpose(2, 1, 0), labels)


@pytest.mark.realdata
@pytest.mark.external
@pytest.mark.parametrize(("kind", "coding"), [("binary", "none"), ("labelmap", "none"), ("labelmap", "rle")])
def test_dcmqi_reads_31_organs_of_a_real_ct(
    tmp_path: Path, abdomen: tuple[Series, np.ndarray], kind: str, coding: str
) -> None:
    series, labels = abdomen
    path = tmp_path / "seg.dcm"
    facts = write_seg(path, labels, series, organs(), algorithm=ALGORITHM, seg_type=kind, compression=coding)
    assert series.affine_ras is not None
    values = np.array([0, *(one.value for one in facts.segments)], np.uint8)
    assert np.array_equal(values[by_dcmqi(path, tmp_path / "dcmqi", labels.shape, series.affine_ras)], labels)


@pytest.mark.realdata
@pytest.mark.external
def test_dciodvfy_finds_no_error_in_the_organs_of_a_real_ct_and_their_volumes(
    tmp_path: Path, abdomen: tuple[Series, np.ndarray]
) -> None:
    series, labels = abdomen
    facts = write_seg(tmp_path / "seg.dcm", labels, series, organs(), algorithm=ALGORITHM)
    voxel_ml = 0.9765625 * 0.9765625 * 2.0 / 1000
    measured = [(label, float((labels == label.values[0]).sum()) * voxel_ml) for label in organs()]
    write_sr(tmp_path / "sr.dcm", series, facts, measured, algorithm=ALGORITHM)
    assert dciodvfy_errors(tmp_path / "seg.dcm") == []
    assert dciodvfy_errors(tmp_path / "sr.dcm") == []
    assert read_sr_volumes(tmp_path / "sr.dcm") == pytest.approx({label.name: ml for label, ml in measured})


def places(mask: np.ndarray, affine_ras: np.ndarray) -> np.ndarray:
    """Voxels of a mask in RAS+ millimetres, in an order that does not depend on the grid."""
    voxels = np.argwhere(mask)
    found = np.round(voxels @ affine_ras[:3, :3].T + affine_ras[:3, 3], 2) + 0.0
    return found[np.lexsort(found.T)]


def by_itk(path: Path) -> tuple[np.ndarray, np.ndarray]:
    image = SimpleITK.ReadImage(str(path))
    affine = np.eye(4)
    affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) @ np.diag(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    return SimpleITK.GetArrayFromImage(image).transpose(2, 1, 0), np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("seg", "truth"),
    [
        ("liver.dcm", ["liver_seg.nrrd"]),
        ("24x38x3/seg/label.seg", ["24x38x3/nrrd/label.nrrd"]),
        ("23x38x3/seg/label.seg", ["23x38x3/nrrd/label.nrrd"]),
        ("partial_overlaps.dcm", ["partial_overlaps-1.nrrd", "partial_overlaps-2.nrrd", "partial_overlaps-3.nrrd"]),
        ("sparse-labelmap-noppv.dcm", ["sparse_labelmap_noppv_seg.nrrd"]),
        ("sparse-labelmap-ppv5.dcm", ["sparse_labelmap_ppv5_seg.nrrd"]),
    ],
)
def test_segs_of_dcmqi_are_where_their_nrrd_files_are(real_data: Path, seg: str, truth: list[str]) -> None:
    folder = real_data / "dicom" / "seg_sr_dcmqi" / "data" / "segmentations"
    images = [by_itk(folder / name) for name in truth]
    shape, affine = images[0][0].shape, images[0][1]
    masks = read_seg_masks(folder / seg, (shape, affine))
    for number, mask in masks.items():
        labels = next(values for values, _ in images if (values == number).any())
        assert np.array_equal(mask, labels == number), number
    if len(truth) == 1:
        assert np.array_equal(read_seg_onto(folder / seg, (shape, affine)) == 1, images[0][0] == 1)


@pytest.mark.realdata
def test_overlapping_segments_of_dcmqi_are_refused_as_a_label_map(real_data: Path) -> None:
    path = real_data / "dicom" / "seg_sr_dcmqi" / "data" / "segmentations" / "partial_overlaps.dcm"
    with pytest.raises(FileError, match=r"segments '[A-Z_]+' and '[A-Z_]+' overlap"):
        read_seg(path)


@pytest.mark.realdata
@pytest.mark.parametrize(
    "name", ["seg_image_ct_binary", "seg_image_ct_binary_overlap", "seg_image_ct_binary_single_frame"]
)
def test_segs_of_highdicom_are_where_it_reads_them(real_data: Path, name: str) -> None:
    path = real_data / "dicom" / "seg_sr_highdicom" / "test_files" / f"{name}.dcm"
    volume = highdicom.seg.segread(path).get_volume(combine_segments=False)
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ volume.affine
    ours = read_seg_masks(path)
    grid = read_seg(path).affine_ras if "overlap" not in name else None
    for n, (number, mask) in enumerate(ours.items()):
        theirs = volume.array[..., n] != 0
        assert np.array_equal(read_seg_masks(path, (theirs.shape, affine))[number], theirs)
        if grid is not None:
            assert np.array_equal(places(mask, grid), places(theirs, affine))


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("seg_image_ct_true_fractional", FileError, "fractional"),
        ("seg_image_ct_binary_fractional", FileError, "fractional"),
        ("seg_image_cr_binary", GeometryError, "no place in the patient"),
        ("seg_image_sm_control", GeometryError, "no place in the patient"),
        ("seg_image_sm_control_labelmap", GeometryError, "no place in the patient"),
        ("seg_image_sm_dots_tiled_full", FileError, "a tiled image"),
    ],
)
def test_segs_without_a_place_or_labels_are_refused(
    real_data: Path, name: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        read_seg(real_data / "dicom" / "seg_sr_highdicom" / "test_files" / f"{name}.dcm")


def test_a_phantom_of_full_size_is_read_from_its_seg(tmp_path: Path) -> None:
    write_series(Volume(np.zeros((1, 128, 96, 12), np.int16), AFFINE), tmp_path / "ct", modality="CT")
    series, labels = only_series(tmp_path / "ct"), np.zeros((128, 96, 12), np.uint8)
    i, j, k = np.indices(labels.shape)
    labels[(i - 60) ** 2 / 900 + (j - 40) ** 2 / 400 + (k - 5) ** 2 / 16 < 1] = 2
    labels[(i - 55) ** 2 / 200 + (j - 45) ** 2 / 100 + (k - 6) ** 2 / 4 < 1] = 1
    facts = write_seg(tmp_path / "seg.dcm", labels, series, CODED, algorithm=ALGORITHM)
    verify_seg(tmp_path / "seg.dcm", labels, series, facts)
    assert np.array_equal(read_seg_onto(tmp_path / "seg.dcm", series), labels)

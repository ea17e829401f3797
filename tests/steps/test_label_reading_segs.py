"""DICOM SEG on either side of a pair: read onto the other, or onto a grid that holds both."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from clinic import t1_study
from label_files import AFFINE, SHAPE, boxes, masks_of, nifti, seg
from label_reads import CLASSES, LABELS, NAMES, failed, left_out, maps, moved, one

from medseg.bundle.read import Bundle
from medseg.core.formats import SegType
from medseg.io.dicom import find_series
from medseg.io.dicom_result import Algorithm
from medseg.io.dicom_seg import write_seg
from medseg.metrics.policy import POLICIES
from medseg.steps.evaluation_scoring import score_pair
from medseg.steps.label_classes import Labels
from medseg.steps.label_reading import LeftOut, look_at


def test_a_seg_prediction_is_read_onto_the_reference(tmp_path: Path) -> None:
    prediction = seg(tmp_path / "p.dcm", masks_of(boxes(), NAMES))
    read = maps(one(prediction, nifti(tmp_path / "r.nii", np.zeros(SHAPE, np.uint8))))
    assert np.array_equal(read.prediction, CLASSES)
    assert not read.reference.any()


def test_a_seg_prediction_on_another_grid_or_beyond_the_reference_is_a_failure(tmp_path: Path) -> None:
    prediction = seg(tmp_path / "p.dcm", masks_of(boxes(), NAMES))
    other = failed(one(prediction, nifti(tmp_path / "r.nii", affine=moved(0.5))))
    assert "is on another grid:" in other
    assert "a corner lies 0.5 voxels off" in other
    part = nifti(tmp_path / "part.nii", boxes()[:, :, :3])
    assert "segmented voxels lie outside the grid" in failed(one(prediction, part))


def test_a_seg_reference_is_read_onto_the_prediction(tmp_path: Path) -> None:
    reference = seg(tmp_path / "r.dcm", masks_of(boxes(), NAMES))
    read = maps(one(nifti(tmp_path / "p.nii"), reference))
    assert read.reference.shape == SHAPE
    assert np.array_equal(read.reference, CLASSES)
    assert np.array_equal(read.prediction, CLASSES)


def test_a_seg_reference_without_a_usable_prediction_lies_on_its_own_grid(tmp_path: Path) -> None:
    reference = seg(tmp_path / "r.dcm", masks_of(boxes(), NAMES))
    for bad, told in (
        (tmp_path / "absent.nii", "no such file"),
        (nifti(tmp_path / "moved.nii", affine=moved(0.5)), "is on another grid"),
        (nifti(tmp_path / "part.nii", boxes()[:, :, :3]), "does not hold the whole reference"),
    ):
        read = maps(one(bad, reference))
        assert told in read.failure
        assert np.array_equal(read.reference, CLASSES[:, :, 1:5])  # slices 0 and 5 have no segment
        assert np.allclose(read.affine_ras[:3, 3], (AFFINE @ [0, 0, 1, 1])[:3])


def test_two_segs_share_the_grid_that_holds_both(tmp_path: Path) -> None:
    low, high = boxes(), boxes()
    low[:, :, 3:], high[:, :, :3] = 0, 0
    read = maps(one(seg(tmp_path / "p.dcm", masks_of(low, NAMES)), seg(tmp_path / "r.dcm", masks_of(high, NAMES))))
    assert np.array_equal(read.prediction, np.where(low > 0, CLASSES, 0)[:, :, 1:5])
    assert np.array_equal(read.reference, np.where(high > 0, CLASSES, 0)[:, :, 1:5])
    assert np.allclose(read.affine_ras[:3, 3], (AFFINE @ [0, 0, 1, 1])[:3])


def test_the_image_of_a_seg_reference_is_its_own_grid_whatever_the_prediction(tmp_path: Path) -> None:
    reference = seg(tmp_path / "r.dcm", masks_of(boxes(), NAMES))
    far = boxes()
    far[:, :, 5] = 1
    axial, sagittal = nifti(tmp_path / "p.nii"), nifti(tmp_path / "s.nii", *_turned())
    predictions = [axial, sagittal, seg(tmp_path / "far.dcm", masks_of(far, NAMES)), tmp_path / "absent.nii"]
    read = [maps(one(prediction, reference)) for prediction in predictions]
    assert [two.prediction is None for two in read] == [False, False, False, True]
    assert len({two.reference.shape for two in read}) == 4
    for two in read:
        assert two.image_mm == pytest.approx((10 * 1.0, 8 * 1.5, 4 * 2.0))  # slices 0 and 5 have no segment
    assert maps(one(axial, nifti(tmp_path / "r.nii"))).image_mm == pytest.approx((10.0, 12.0, 12.0))


def test_a_seg_reference_of_one_slice_is_flat_whatever_the_prediction(tmp_path: Path) -> None:
    flat = boxes()
    flat[:, :, [0, 1, 2, 4, 5]] = 0
    reference = seg(tmp_path / "r.dcm", masks_of(flat, NAMES))
    for prediction in (nifti(tmp_path / "p.nii"), tmp_path / "absent.nii"):
        assert maps(one(prediction, reference)).image_mm == pytest.approx((10.0, 12.0))


def test_a_missing_prediction_is_punished_as_an_empty_one(tmp_path: Path) -> None:
    reference = seg(tmp_path / "r.dcm", masks_of(boxes(), NAMES))
    empty = nifti(tmp_path / "empty.nii", np.zeros(SHAPE, np.uint8))
    absent = replace(one(empty, reference), prediction=None, reason="there is no prediction")
    missing, blank = (score_pair(pair, LABELS, POLICIES["default"]).scores for pair in (absent, one(empty, reference)))
    assert missing is not None
    assert blank is not None
    for name in ("WT", "ET"):
        values = [scores.labels[name].values for scores in (missing, blank)]
        for key in ("hd_mm", "hd95_mm", "assd_mm", "lesion_hd95_mm"):
            assert [one[key] for one in values] == pytest.approx([float(np.hypot(np.hypot(10, 12), 8))] * 2)


def test_a_seg_reference_without_a_grid_of_its_own_is_left_out_whatever_the_prediction(tmp_path: Path) -> None:
    flat = np.where(np.arange(6) == 3, boxes(), 0).astype(np.uint8)
    reference = seg(tmp_path / "r.dcm", masks_of(flat, NAMES))
    dataset = pydicom.dcmread(reference)
    measures = dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    for keyword in ("SliceThickness", "SpacingBetweenSlices"):
        if keyword in measures:
            delattr(measures, keyword)
    dataset.save_as(reference)
    for prediction in (nifti(tmp_path / "p.nii"), tmp_path / "absent.nii"):
        pair = one(prediction, reference)
        assert "nothing states how thick it is" in left_out(pair)
        assert isinstance(look_at(pair, LABELS), LeftOut)


def _turned() -> tuple[np.ndarray, np.ndarray]:
    """The label map with its axes in another order, and the affine of that."""
    return np.ascontiguousarray(boxes().transpose(2, 0, 1)), AFFINE[:, [2, 0, 1, 3]]


def test_two_segs_on_different_grids_are_a_failure(tmp_path: Path) -> None:
    masks = masks_of(boxes(), NAMES)
    said = failed(one(seg(tmp_path / "p.dcm", masks, moved(0.5)), seg(tmp_path / "r.dcm", masks)))
    assert said.startswith("the prediction is on another grid:")


def test_segments_of_regions_overlap_their_labels_and_are_left_out(tmp_path: Path) -> None:
    masks = {**masks_of(boxes(), NAMES), "WT": boxes() > 0, "TC": np.isin(boxes(), [1, 4])}
    read = maps(one(seg(tmp_path / "p.dcm", masks), nifti(tmp_path / "r.nii")))
    assert np.array_equal(read.prediction, CLASSES)


@pytest.mark.parametrize("kind", ["binary", "labelmap"])
def test_what_infer_writes_as_dicom_is_read_by_its_bundles_names(tmp_path: Path, brats: Bundle, kind: SegType) -> None:
    t1_study(tmp_path / "images")
    (series,) = find_series(tmp_path / "images").series
    assert series.shape is not None
    assert series.affine_ras is not None
    written = boxes(series.shape)
    algorithm = Algorithm(name="brats", version="1", digest="0f" * 32, software_version="1")
    write_seg(tmp_path / "p.dcm", written, series, brats.coded, algorithm=algorithm, seg_type=kind)
    reference = nifti(tmp_path / "r.nii.gz", written, series.affine_ras)
    read = maps(one(tmp_path / "p.dcm", reference), Labels(brats.labels))
    assert np.array_equal(read.prediction, np.where(written == 4, 3, written))
    assert np.array_equal(read.reference, read.prediction)


def test_unknown_and_overlapping_segments_are_failures(tmp_path: Path) -> None:
    reference = nifti(tmp_path / "r.nii")
    strange = seg(tmp_path / "strange.dcm", {"NCR": boxes() == 1, "cyst": boxes() == 2})
    assert "segment 'cyst' is not known; known are NCR, ED, ET, WT, TC" in failed(one(strange, reference))
    overlapping = seg(tmp_path / "overlapping.dcm", {"NCR": boxes() > 0, "ED": boxes() == 2})
    assert "segments 'NCR' and 'ED' overlap" in failed(one(overlapping, reference))


def test_a_damaged_seg_is_a_failure_or_leaves_the_study_out(tmp_path: Path) -> None:
    good, bad = nifti(tmp_path / "good.nii"), seg(tmp_path / "bad.dcm", masks_of(boxes(), NAMES))
    bad.write_bytes(bad.read_bytes()[:1500])
    assert failed(one(bad, good)).startswith(f"the prediction cannot be used: '{bad}'")
    assert left_out(one(good, bad)).startswith("study 'P1' is left out")

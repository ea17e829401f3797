"""What a model was trained on, measured from studies whose numbers are known by hand."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from medseg.bundle.read import Bundle
from medseg.bundle.validity import LabelLimits, Limits
from medseg.core.errors import DatalistError
from medseg.core.study import ChannelFile, Study
from medseg.core.volume import Volume
from medseg.steps.validity_measures import (
    LOOKED_AT,
    counts_in_units,
    intensities_of,
    measure_scan,
    measure_validity,
    modalities_of,
    turns_all_alike,
)

_RAMP = np.arange(1, 1002, dtype=np.float32)  # 1001 values; the smallest is background, as is 0


def _ramp(scale: float = 1.0, shift: float = 0.0) -> np.ndarray:
    """1 to 1001, moved and stretched; (1001, 1, 1)."""
    return (_RAMP * scale + shift)[:, None, None]


# Intensities


def test_percentiles_are_those_of_what_is_no_background() -> None:
    found = intensities_of(_ramp())
    # 1000 values are left, 2 to 1001: 4.995, 499.5 and 994.005 places after the first, rounded to 5, 500 and 994
    assert found == {"p0.5": 7, "p50": 502, "p99.5": 996, "median_position": pytest.approx((502 - 7) / (996 - 7))}


def test_zeros_around_a_masked_head_do_not_count() -> None:
    masked = np.zeros((3000, 2, 1), np.float32)
    masked[:1001, 0, 0] = _RAMP
    assert intensities_of(masked) == {**intensities_of(_ramp()), "p0.5": 6, "p50": 501, "median_position":
                                      pytest.approx((501 - 6) / (996 - 6))}  # fmt: skip


def test_the_air_that_fills_up_a_ct_does_not_count() -> None:
    filled = np.full((9000, 1, 1), -1024, np.int16)
    filled[:1000, 0, 0] = np.arange(-500, 500)
    found = intensities_of(filled)
    assert (found["p0.5"], found["p99.5"]) == (-495, 494)
    assert abs(found["p50"]) <= 1  # 0 HU itself is left out: one voxel of a thousand


@pytest.mark.parametrize("value", [0, 7, -1000])
def test_a_channel_of_one_value_shows_nothing(value: int) -> None:
    assert intensities_of(np.full((4, 4, 4), value, np.int16)) == {}


def test_a_mask_in_place_of_an_image_has_its_median_at_the_low_end() -> None:
    mask = np.zeros((8, 8, 8), np.uint8)
    mask[2:6, 2:6, 2:6] = 1
    assert intensities_of(mask)["median_position"] == 0


@pytest.mark.parametrize(("scale", "shift"), [(1e-4, 0), (1e6, 0), (3, 5000), (0.25, -900)])
def test_the_position_of_the_median_knows_neither_unit_nor_offset(scale: float, shift: float) -> None:
    found = intensities_of(_ramp(scale, shift))
    assert found["median_position"] == pytest.approx(intensities_of(_ramp())["median_position"], abs=1e-3)


def test_a_large_channel_is_looked_at_in_steps_and_says_nearly_the_same() -> None:
    large = np.random.default_rng(0).gamma(4.0, 100.0, (200, 180, 150)).astype(np.float32)
    assert large.size > 40 * LOOKED_AT
    found = intensities_of(large)
    for name, share in (("p0.5", 0.5), ("p50", 50), ("p99.5", 99.5)):
        assert found[name] == pytest.approx(np.percentile(large, share), rel=0.03)


# Geometry


def test_lengths_run_along_the_patient_however_the_scan_is_stored() -> None:
    affine = np.array([[0, 0, -3.0, 9], [0, 2.0, 0, -5], [-0.5, 0, 0, 1], [0, 0, 0, 1]])  # i down, j front, k left
    measured = measure_scan(Volume(np.zeros((1, 10, 20, 30), np.float32), affine), ["t1"])
    assert measured.orientation == "IAL"
    assert measured.spacing_mm == {"right": 3.0, "front": 2.0, "top": 0.5}
    assert measured.extent_mm == {"right": 90.0, "front": 40.0, "top": 5.0}
    assert measured.intensity == {"t1": {}}


# What of intensities and directions counts


def _with_chain(bundle: Bundle, *steps: dict[str, Any]) -> Bundle:
    load = bundle.inference["preprocessing"]["transforms"][0]
    chain = [load, *({**step, "_target_": f"monai.transforms.{step['_target_']}"} for step in steps)]
    return replace(bundle, inference={**bundle.inference, "preprocessing": {"transforms": chain}})


_WINDOW = {"_target_": "ScaleIntensityRanged", "a_min": -175, "a_max": 250}


@pytest.mark.parametrize(
    ("steps", "in_units"),
    [
        ([], True),
        ([_WINDOW], True),
        ([_WINDOW, {"_target_": "NormalizeIntensityd"}], True),
        ([{"_target_": "NormalizeIntensityd"}, _WINDOW], False),
        ([{"_target_": "Spacingd"}, {"_target_": "NormalizeIntensityD", "nonzero": True}], False),
        ([{"_target_": "NormalizeIntensityd", "subtrahend": 100.0, "divisor": 20.0}], True),
        ([{"_target_": "ScaleIntensityDict"}], False),
        ([{"_target_": "ScaleIntensityd", "minv": None, "factor": 0.1}], True),
        ([{"_target_": "ScaleIntensityRangePercentilesd"}], False),
    ],
)
def test_units_count_where_no_image_is_brought_to_a_scale_of_its_own(
    steps: list[dict[str, Any]], in_units: bool, hippocampus: Bundle
) -> None:
    assert counts_in_units(_with_chain(hippocampus, *steps)) is in_units


def test_directions_count_where_the_chain_does_not_turn(hippocampus: Bundle) -> None:
    assert turns_all_alike(hippocampus)
    assert not turns_all_alike(_with_chain(hippocampus, _WINDOW))


@pytest.mark.parametrize(
    ("said", "found"),
    [("MR", ("MR",)), ("MRI", ("MR",)), ("CT", ("CT",)), ("PET/CT", ("PT", "CT")), ("multimodal", ()), ("n/a", ()),
     ("microscopy", ()), (None, ()), (["MR"], ())],
)  # fmt: skip
def test_a_modality_that_no_dicom_header_would_say_is_not_checked(said: Any, found: tuple[str, ...]) -> None:
    assert modalities_of({"network_data_format": {"inputs": {"image": {"modality": said}}}}) == found


def test_metadata_of_another_shape_names_no_modality() -> None:
    assert modalities_of({}) == modalities_of({"network_data_format": []}) == ()


# Studies


def _study(folder: Path, name: str, shape: tuple[int, int, int], spacing: float, labels: dict[int, int]) -> Study:
    """A ramp from 1 of a size, with so many voxels of each label value."""
    voxels = np.arange(1, np.prod(shape) + 1, dtype=np.float32).reshape(shape)
    label = np.zeros(shape, np.uint8)
    start = 0
    for value, count in labels.items():
        label.ravel()[start : start + count] = value
        start += count
    affine = np.diag([spacing, spacing, 2 * spacing, 1])
    for part, array in (("image", voxels), ("label", label)):
        nibabel.save(nibabel.Nifti1Image(array, affine), folder / f"{name}_{part}.nii.gz")
    channel = ChannelFile(folder / f"{name}_image.nii.gz")
    return Study(name, name, {"t1": channel}, folder / f"{name}_label.nii.gz")


@pytest.fixture
def studies(tmp_path: Path) -> list[Study]:
    """10 x 20 x 30 voxels of 1 x 1 x 2 mm, and 20 x 20 x 30 of 1.5 x 1.5 x 3 mm, where 2 is anterior."""
    return [
        _study(tmp_path, "small", (10, 20, 30), 1.0, {2: 1000, 5: 500}),
        _study(tmp_path, "large", (20, 20, 30), 1.5, {2: 400}),
    ]


_CLASS_OF_VALUE = {0: 0, 2: 1, 5: 2}


def test_limits_follow_from_what_was_seen(hippocampus: Bundle, studies: list[Study]) -> None:
    found = measure_validity(hippocampus, studies, class_of_value=_CLASS_OF_VALUE, patients=1)
    assert (found.studies, found.patients, found.modality) == (2, 1, ("MR",))
    assert found.spacing_mm["right"] == Limits((1.0, 1.5), (0.9, 1.65), (0.5, 3.0))
    assert found.spacing_mm["top"] == Limits((2.0, 3.0), (1.8, 3.3), (1.0, 6.0))
    assert found.extent_mm["right"] == Limits((10.0, 30.0), (9.0, 33.0), (5.0, 60.0))
    assert found.extent_mm["front"] == Limits((20.0, 30.0), (18.0, 33.0), (10.0, 60.0))
    assert found.extent_mm["top"] == Limits((60.0, 90.0), (54.0, 99.0), (30.0, 180.0))
    assert (found.orientation, found.orientation_matters) == (("RAS",), False)


def test_volumes_are_of_studies_that_have_the_label(hippocampus: Bundle, studies: list[Study]) -> None:
    found = measure_validity(hippocampus, studies, class_of_value=_CLASS_OF_VALUE, patients=2)
    # 1000 voxels of 2 mm3 and 400 of 6.75 mm3; 500 of 2 mm3 in one study alone
    assert found.labels["anterior"] == LabelLimits(Limits((2.0, 2.7), (1.5, 3.375)), may_be_absent=False)
    assert found.labels["posterior"] == LabelLimits(Limits((1.0, 1.0), (0.75, 1.25)), may_be_absent=True)


def test_a_chain_that_normalises_leaves_the_position_of_the_median(hippocampus: Bundle, studies: list[Study]) -> None:
    found = measure_validity(hippocampus, studies, class_of_value=_CLASS_OF_VALUE, patients=2).intensity["t1"]
    assert found["p99.5"].seen == (5970.0, 11940.0)
    assert [found[name].warn for name in ("p0.5", "p50", "p99.5")] == [None] * 3
    low, high = found["median_position"].warn or (0, 0)
    assert (low, high) == pytest.approx((0.45, 0.55), abs=1e-3)  # 0.05 at least around two ramps


def test_a_chain_in_units_has_limits_of_values(hippocampus: Bundle, studies: list[Study]) -> None:
    bundle = _with_chain(hippocampus, _WINDOW)
    measured = measure_validity(bundle, studies, class_of_value=_CLASS_OF_VALUE, patients=2)
    found = measured.intensity["t1"]
    assert found["p99.5"] == Limits((5970.0, 11940.0), (2985.0, 14925.0))  # a quarter of 11940 on either side
    assert found["median_position"].warn is None
    assert measured.orientation_matters


def test_studies_without_a_label_say_nothing_of_labels(hippocampus: Bundle, studies: list[Study]) -> None:
    bare = [replace(study, label=None) for study in studies]
    found = measure_validity(hippocampus, bare, class_of_value=_CLASS_OF_VALUE, patients=2)
    assert found.labels["anterior"] == LabelLimits(None, may_be_absent=True)
    assert found.spacing_mm["right"].seen == (1.0, 1.5)


def test_an_empty_channel_among_others_is_passed_over(
    hippocampus: Bundle, studies: list[Study], tmp_path: Path
) -> None:
    nibabel.save(nibabel.Nifti1Image(np.zeros((10, 20, 30), np.float32), np.eye(4)), tmp_path / "empty.nii")
    empty = Study("empty", "empty", {"t1": ChannelFile(tmp_path / "empty.nii")})
    both = measure_validity(hippocampus, [*studies, empty], class_of_value=_CLASS_OF_VALUE, patients=3)
    assert both.intensity["t1"]["p99.5"].seen == (5970.0, 11940.0)
    alone = measure_validity(hippocampus, [empty], class_of_value=_CLASS_OF_VALUE, patients=1)
    assert alone.intensity == {"t1": {}}


def test_pictures_have_no_lengths_and_no_millilitres(hippocampus: Bundle, studies: list[Study]) -> None:
    load, *steps = hippocampus.inference["preprocessing"]["transforms"]
    chain = {"transforms": [{**load, "reader": "PILReader"}, *steps]}
    bundle = replace(hippocampus, inference={**hippocampus.inference, "preprocessing": chain})
    found = measure_validity(bundle, studies, class_of_value=_CLASS_OF_VALUE, patients=2)
    assert (found.spacing_mm, found.extent_mm, found.orientation, found.modality) == ({}, {}, (), ())
    assert not found.orientation_matters
    assert found.labels["anterior"] == LabelLimits(None, may_be_absent=False)
    assert found.labels["posterior"] == LabelLimits(None, may_be_absent=True)
    assert found.intensity["t1"]["p99.5"].seen == (5970.0, 11940.0)


def test_each_study_is_told_and_none_is_an_error(hippocampus: Bundle, studies: list[Study]) -> None:
    told: list[str] = []
    measure_validity(hippocampus, studies, class_of_value=_CLASS_OF_VALUE, patients=2, seen=lambda: told.append("one"))
    assert told == ["one", "one"]
    with pytest.raises(DatalistError, match="no study to measure"):
        measure_validity(hippocampus, [], class_of_value={}, patients=0)

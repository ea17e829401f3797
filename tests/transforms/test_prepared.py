import numpy as np
import pytest
from monai.transforms import Compose, CropForegroundd, NormalizeIntensityd, Orientationd, Spacingd

from medseg.core.volume import Volume
from medseg.transforms import prepared
from medseg.transforms.prepared import Prepared, prepare, preprocess

LPS = np.diag([-2.0, -1.0, 1.0, 1.0])


def chain(*more) -> Compose:
    return Compose([Orientationd(["image"], "RAS", labels=None), *more])


def make(shape=(6, 7, 8), *, more=(), values=(1, 4), affine=LPS, label_affine=None) -> Prepared:
    label = np.zeros(shape, np.uint8)
    label[1, 2, 3], label[2, 2, 3:5] = values
    image = np.where(label, 5.0, 1.0).astype(np.float32)[None]
    return prepare(
        "P1",
        Volume(image, affine),
        label,
        affine if label_affine is None else label_affine,
        preprocessing=chain(*more),
        class_of_value={0: 0, 1: 1, 4: 2},
    )


def test_image_and_label_end_on_one_grid() -> None:
    study = make()
    assert np.array_equal(study.image[0] == 5.0, study.label > 0)
    assert np.array_equal(np.argwhere(study.label == 1), [[4, 4, 3]]), "two axes turned from LPS to RAS"


def test_label_values_become_classes() -> None:
    assert np.unique(make().label).tolist() == [0, 1, 2]


def test_positions_name_the_voxels_of_each_class() -> None:
    study = make()
    assert sorted(study.positions) == [1, 2]
    for index, voxels in study.positions.items():
        assert np.array_equal(voxels, np.argwhere(study.label == index))


def test_a_study_without_labels_has_no_positions() -> None:
    assert make(values=(0, 0)).positions == {}


def test_the_spacing_is_that_of_the_chain() -> None:
    assert make().spacing_mm == pytest.approx((2.0, 1.0, 1.0))
    resampled = make(more=[Spacingd(["image"], [1.0, 1.0, 2.0])])
    assert resampled.spacing_mm == pytest.approx((1.0, 1.0, 2.0))
    assert resampled.label.shape == resampled.image.shape[1:]


def test_a_crop_of_the_image_crops_the_label() -> None:
    study = make(more=[CropForegroundd(["image"], "image", select_fn=lambda x: x > 2)])
    assert study.label.shape == (2, 1, 2)
    assert np.array_equal(study.image[0] == 5.0, study.label > 0)


def test_a_label_on_another_pose_of_the_same_grid_is_brought_over() -> None:
    turned = LPS.copy()
    turned[:3, 0] *= -1
    turned[0, 3] = -2.0 * 5  # the same voxels, counted from the other side
    plain, other = make(), make(label_affine=turned)
    assert np.array_equal(other.label, plain.label[::-1])


def test_normalisation_is_the_chains() -> None:
    study = make(more=[NormalizeIntensityd(["image"], channel_wise=True)])
    assert study.image.mean() == pytest.approx(0.0, abs=1e-5)
    assert study.image.std() == pytest.approx(1.0, abs=1e-5)
    assert study.image.dtype == np.float32


def test_a_large_class_keeps_a_fixed_sample_of_its_voxels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "POSITIONS_PER_CLASS", 20)
    classes = np.ones((8, 8, 8), np.uint8)
    first, again = prepared._positions(classes, "P1")[1], prepared._positions(classes, "P1")[1]
    assert len({tuple(voxel) for voxel in first}) == 20
    assert np.array_equal(first, again)


def test_the_image_remembers_how_to_go_back() -> None:
    image = preprocess(Volume(np.ones((1, 3, 4, 5), np.float32), LPS), chain())
    assert np.array_equal(image.meta["original_affine"], LPS)
    assert image.applied_operations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from monai.data import MetaTensor
from monai.transforms import Orientation

from medseg.transforms.align import align_label

AFFINE = np.array([[1.5, 0, 0, -20], [0, 0, 3.0, 7], [0, -1.0, 0, 40], [0, 0, 0, 1]])


def random_label(shape: tuple[int, ...] = (5, 6, 7), seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 4, shape).astype(np.uint8)


def test_the_own_grid_gives_the_label_itself() -> None:
    label = random_label()
    assert np.array_equal(align_label(label, AFFINE, label.shape, AFFINE), label)


@given(st.permutations(range(3)), st.tuples(*[st.booleans()] * 3), st.tuples(*[st.integers(-3, 3)] * 3))
def test_flips_permutations_crops_and_pads_copy_voxels(
    order: list[int], flips: tuple[bool, ...], offset: tuple[int, ...]
) -> None:
    label = random_label()
    moved, step = label.transpose(order), np.zeros((4, 4))
    for target, source in enumerate(order):
        step[source, target] = -1 if flips[target] else 1
        step[source, 3] = label.shape[source] - 1 if flips[target] else 0
    step[3, 3] = 1
    moved = np.flip(moved, [axis for axis in range(3) if flips[axis]])
    step[:3, 3] += step[:3, :3] @ np.asarray(offset)  # the target begins `offset` voxels later
    shape = (6, 4, 8)
    expected = np.zeros(shape, np.uint8)
    for place in np.ndindex(shape):
        source_voxel = np.add(place, offset)
        if (source_voxel >= 0).all() and (source_voxel < moved.shape).all():
            expected[place] = moved[tuple(source_voxel)]
    assert np.array_equal(align_label(label, AFFINE, shape, AFFINE @ step), expected)


@pytest.mark.parametrize("codes", ["RAS", "LPS", "SPL", "AIR"])
def test_it_agrees_with_monais_orientation(codes: str) -> None:
    label = random_label()
    turned = Orientation(codes, labels=None)(MetaTensor(label[None].astype(np.float32), affine=AFFINE))
    aligned = align_label(label, AFFINE, turned.shape[1:], np.asarray(turned.affine))
    assert np.array_equal(aligned, turned.numpy()[0])


def test_float32_headers_do_not_turn_a_copy_into_a_resampling() -> None:
    label = random_label()
    assert np.array_equal(align_label(label, AFFINE.astype(np.float32), label.shape, AFFINE), label)


def test_every_voxel_of_a_finer_grid_takes_the_class_it_lies_in() -> None:
    label = np.zeros((6, 6, 6), np.uint8)
    label[:3], label[3:] = 1, 2
    fine = np.diag([0.5, 0.5, 0.5, 1.0])
    fine[:3, 3] = -0.25  # two fine voxels cover a coarse one
    aligned = align_label(label, np.eye(4), (12, 12, 12), fine)
    inner = aligned[1:-1, 1:-1, 1:-1]
    assert np.array_equal(inner[:5], np.ones_like(inner[:5]))
    assert np.array_equal(inner[5:], np.full_like(inner[5:], 2))


def test_a_ball_keeps_its_volume_at_another_spacing() -> None:
    def ball(n: int, spacing_mm: float) -> np.ndarray:
        axis = (np.arange(n) - (n - 1) / 2) * spacing_mm
        i, j, k = np.meshgrid(axis, axis, axis, indexing="ij")
        return (i**2 + j**2 + k**2 < 7.0**2).astype(np.uint8)

    source, target = np.diag([1.0, 1, 1, 1]), np.diag([1.3, 1.3, 1.3, 1])
    source[:3, 3], target[:3, 3] = -9.5, -1.3 * 7.5
    aligned = align_label(ball(20, 1.0), source, (16, 16, 16), target)
    expected = ball(16, 1.3)
    dice = 2 * (aligned & expected).sum() / (aligned.sum() + expected.sum())
    assert dice > 0.95
    assert aligned.sum() * 1.3**3 == pytest.approx(4 / 3 * np.pi * 7**3, rel=0.05)


def test_outside_the_source_is_background_also_when_resampled() -> None:
    label = np.ones((4, 4, 4), np.uint8)
    away = np.diag([0.7, 0.7, 0.7, 1.0])
    away[:3, 3] = 50
    assert not align_label(label, np.eye(4), (3, 3, 3), away).any()


def test_a_single_slice_can_be_resampled() -> None:
    label = random_label((6, 6, 1))
    fine = np.diag([0.5, 0.5, 1.0, 1.0])
    aligned = align_label(label, np.eye(4), (11, 11, 1), fine)
    assert np.array_equal(aligned[::2, ::2], label)

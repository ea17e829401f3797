"""Slices become one grid only where they lie on one: the affine corner by corner, and each limit from both sides."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset

from medseg.io import dicom_geometry as limits
from medseg.io.dicom_geometry import Stack, stack
from medseg.io.dicom_series import Slice

# An oblique plane, LPS: orthonormal by construction (Gram and Schmidt on two made-up directions).
ROW = np.array([0.9, 0.3, -0.2]) / np.linalg.norm([0.9, 0.3, -0.2])
COLUMN = np.array([-0.1, 0.8, 0.5]) - np.dot([-0.1, 0.8, 0.5], ROW) * ROW
COLUMN /= np.linalg.norm(COLUMN)
NORMAL = np.cross(ROW, COLUMN)
ORIGIN = np.array([-101.25, 33.5, 7.75])
ROWS_MM, COLUMNS_MM, STEP_MM = 0.7, 0.5, 2.5  # distance of rows, of columns, of slices
ROWS, COLUMNS, COUNT = 20, 30, 12


def planes(
    depths: Sequence[float] | None = None, *, beside: np.ndarray | None = None, turned: np.ndarray | None = None
) -> list[Slice]:
    """Slices at these depths along the normal; ``beside`` (n, 2) moves each along its rows and columns."""
    depths = np.arange(COUNT) * STEP_MM if depths is None else np.asarray(depths, float)
    header = Dataset()
    header.Rows, header.Columns = ROWS, COLUMNS
    found = []
    for n, depth in enumerate(depths):
        position = ORIGIN + depth * NORMAL
        if beside is not None:
            position = position + beside[n] @ np.array([ROW, COLUMN])
        cosines = np.concatenate([ROW, COLUMN]) + (0 if turned is None else turned[n])
        found.append(
            Slice(Path(f"{n}.dcm"), None, header, tuple(position), tuple(cosines), (ROWS_MM, COLUMNS_MM), None, None)
        )
    return found


def made(slices: Sequence[Slice], *, allow_tilt: bool = False) -> Stack:
    return stack(slices, "series 1", allow_tilt=allow_tilt)


def codes(found: Stack) -> list[str]:
    return [one.code for one in (*found.verdict.refusals, *found.verdict.warnings)]


def moved(n: int, by_mm: float) -> list[Slice]:
    """One slice nearer to the next."""
    depths = np.arange(COUNT) * STEP_MM
    depths[n] += by_mm
    return planes(depths)


def test_every_corner_of_an_oblique_stack_lies_where_the_standard_puts_it() -> None:
    found = made(planes())
    assert found.shape == (COLUMNS, ROWS, COUNT)
    assert codes(found) == []
    for i in (0, COLUMNS - 1):
        for j in (0, ROWS - 1):
            for k in (0, COUNT - 1):
                # PS3.3 C.7.6.2.1.1: along the row by the distance of columns, down by the distance of rows.
                lps = ORIGIN + i * COLUMNS_MM * ROW + j * ROWS_MM * COLUMN + k * STEP_MM * NORMAL
                assert np.allclose(found.affine_ras @ [i, j, k, 1], [-lps[0], -lps[1], lps[2], 1], atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_files_does_not_matter(seed: int) -> None:
    slices = planes()
    shuffled = [slices[n] for n in np.random.default_rng(seed).permutation(COUNT)]
    found = made(shuffled)
    assert found.slices == tuple(slices)
    assert np.array_equal(found.affine_ras, made(slices).affine_ras)


def test_two_slices_are_a_stack() -> None:
    found = made(planes([0, 4]))
    assert np.allclose(np.linalg.norm(found.affine_ras[:3, 2]), 4)
    assert codes(found) == ["few_slices"]


@pytest.mark.parametrize(("count", "said"), [(1, ["too_few_slices"]), (9, ["few_slices"]), (10, [])])
def test_few_slices_are_a_warning_and_one_is_none(count: int, said: list[str]) -> None:
    assert codes(made(planes(np.arange(count) * STEP_MM))) == said


@pytest.mark.parametrize(
    ("apart", "said"),
    [
        (limits.SAME_POSITION_MM * 0.99, ["position_twice"]),
        (limits.SAME_POSITION_MM * 1.01, []),
    ],
)
def test_slices_nearer_than_the_limit_are_at_one_position(apart: float, said: list[str]) -> None:
    assert codes(made(planes(np.arange(COUNT) * apart))) == said


def test_a_gap_names_its_files_its_size_and_how_many_slices_are_missing() -> None:
    depths = np.delete(np.arange(14) * STEP_MM, [5, 6])
    (gap,) = made(planes(depths)).verdict.refusals
    assert gap.code == "slice_missing"
    assert gap.sentence.startswith(
        "series 1: gap of 7.5 mm between slices 5 and 6 ('4.dcm' and '5.dcm'), spacing 2.5 mm: 2 slices missing."
    )


@pytest.mark.parametrize(("wide", "said"), [(1.49, "spacing_uneven"), (1.51, "slice_missing")])
def test_a_gap_is_missing_slices_from_one_and_a_half_spacings_on(wide: float, said: str) -> None:
    depths = np.arange(COUNT) * STEP_MM + (np.arange(COUNT) > 5) * (wide - 1) * STEP_MM
    found = made(planes(depths))
    assert codes(found) == [said]
    assert found.shape is None
    assert found.affine_ras is None


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (limits.UNEVEN_WARNING * 0.99, []),  # 0.0248 mm, below both limits of the warning
        (limits.UNEVEN_WARNING_MM / STEP_MM * 0.99, []),
        (limits.UNEVEN_WARNING_MM / STEP_MM * 1.01, ["spacing_jitter"]),
        (limits.UNEVEN_LIMIT * 0.99, ["spacing_jitter"]),
        (limits.UNEVEN_LIMIT * 1.01, ["spacing_uneven"]),
        (limits.GAP_LIMITS[0] * 1.01, ["spacing_uneven"]),
    ],
)
def test_a_slice_out_of_its_place_is_told_or_refused_by_how_far(share: float, said: list[str]) -> None:
    assert codes(made(moved(5, share * STEP_MM))) == said


def test_wide_spacing_has_a_relative_warning() -> None:
    even = np.arange(COUNT) * 10.0
    even[4] += 0.099  # 1 % of 10 mm is more than 0.05 mm
    assert codes(made(planes(even))) == []
    even[4] += 0.002
    assert codes(made(planes(even))) == ["spacing_jitter"]


def test_spacing_that_creeps_is_uneven() -> None:
    assert codes(made(planes(np.arange(COUNT) ** 1.2 * STEP_MM))) == ["spacing_uneven"]


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (limits.ORIENTATION_WARNING * 0.9, []),
        (limits.ORIENTATION_WARNING * 1.1, ["orientation_jitter"]),
        (limits.ORIENTATION_LIMIT * 0.9, ["orientation_jitter"]),
        (limits.ORIENTATION_LIMIT * 1.1, ["orientation_differs"]),
    ],
)
def test_an_orientation_that_differs_is_told_or_refused_by_how_much(size: float, said: list[str]) -> None:
    # A turn about the normal by a small angle moves both axes across each other; their largest part by ``size``.
    across = np.concatenate([COLUMN, -ROW])
    turned = np.zeros((COUNT, 6))
    turned[5] = across * size / np.abs(across).max()
    assert codes(made(planes(turned=turned))) == said


@pytest.mark.parametrize("stretch", [0.998, 1.002])
def test_cosines_that_are_no_unit_vectors_are_refused_with_their_file(stretch: float) -> None:
    turned = np.zeros((COUNT, 6))
    turned[7, :3] = ROW * (stretch - 1)
    (fault,) = made(planes(turned=turned)).verdict.refusals
    assert fault.code == "orientation_absent"
    assert "'7.dcm'" in fault.sentence


@pytest.mark.parametrize(("skew", "accepted"), [(0.9, True), (1.1, False)])
def test_rows_and_columns_stand_at_right_angles_within_the_limit(skew: float, accepted: bool) -> None:
    turned = np.zeros((COUNT, 6))
    turned[:, 3:] = ROW * limits.UNIT_LIMIT * skew
    found = made(planes(turned=turned))
    assert found.verdict.accepted is accepted
    if accepted:  # and the affine has right angles whatever was printed
        axes = found.affine_ras[:3, :3] / np.linalg.norm(found.affine_ras[:3, :3], axis=0)
        assert np.allclose(axes.T @ axes, np.eye(3), atol=1e-12)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_drift_is_a_tilt_from_half_a_pixel_on(axis: int, sign: int) -> None:
    pixel_mm = (COLUMNS_MM, ROWS_MM)[axis]
    for share, said in ((0.98, ["slight_tilt"]), (1.02, ["tilt"])):
        beside = np.zeros((COUNT, 2))
        whole = sign * share * limits.TILT_LIMIT_PIXELS * pixel_mm
        beside[:, axis] = np.arange(COUNT) / (COUNT - 1) * whole
        found = made(planes(beside=beside))
        assert codes(found) == said
        if said == ["slight_tilt"]:  # the drift is left out, and right angles stay
            assert np.allclose(found.affine_ras[:3, 2], NORMAL * STEP_MM * [-1, -1, 1])


def test_a_drift_below_a_thousandth_is_part_of_the_affine() -> None:
    beside = np.outer(np.arange(COUNT), [STEP_MM * limits.ORTHOGONAL_LIMIT * 0.9, 0])
    found = made(planes(beside=beside))
    assert codes(found) == []
    step = STEP_MM * NORMAL + beside[1, 0] * ROW
    assert np.allclose(found.affine_ras[:3, 2], step * [-1, -1, 1])


def test_an_allowed_tilt_gives_its_drift_and_a_straight_grid() -> None:
    beside = np.outer(np.arange(COUNT), [0.3, -0.8])
    found = made(planes(beside=beside), allow_tilt=True)
    assert codes(found) == ["tilt_resampled"]
    assert np.allclose(found.tilt_mm, (0.3, -0.8))
    assert np.allclose(found.affine_ras[:3, 2], NORMAL * STEP_MM * [-1, -1, 1])


@pytest.mark.parametrize(("degrees", "said"), [(44, "tilt_resampled"), (46, "tilt")])
def test_a_tilt_that_no_gantry_has_is_refused_even_where_tilts_are_allowed(degrees: float, said: str) -> None:
    beside = np.outer(np.arange(COUNT), [0, STEP_MM * np.tan(np.radians(degrees))])
    assert codes(made(planes(beside=beside), allow_tilt=True)) == [said]


@pytest.mark.parametrize("allow_tilt", [False, True])
def test_a_slice_moved_sideways_is_refused_though_the_ends_are_in_line(allow_tilt: bool) -> None:
    beside = np.zeros((COUNT, 2))
    beside[5, 0] = 0.49 * COLUMNS_MM
    assert codes(made(planes(beside=beside), allow_tilt=allow_tilt)) == []
    beside[5, 0] = 0.51 * COLUMNS_MM
    found = made(planes(beside=beside), allow_tilt=allow_tilt)
    assert codes(found) == ["tilt"]
    assert "'5.dcm'" in found.verdict.reason


def test_a_slice_moved_sideways_in_a_tilted_series_is_refused_too() -> None:
    beside = np.outer(np.arange(COUNT), [0, 0.5])
    beside[5, 1] += 2
    assert codes(made(planes(beside=beside), allow_tilt=True))[0] == "tilt"


def test_a_tilted_series_with_a_gap_is_refused_for_the_gap() -> None:
    depths = np.delete(np.arange(COUNT) * STEP_MM, 5)
    beside = np.outer(depths, [0, 0.3])
    assert codes(made(planes(depths, beside=beside), allow_tilt=True))[0] == "slice_missing"

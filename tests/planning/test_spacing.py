import pytest

from medseg.planning.spacing import has_thick_slices, resampled, target_spacing


def test_studies_that_are_alike_keep_their_spacing() -> None:
    spacing, why = target_spacing([(1.0, 0.9, 1.2)] * 4, [(36, 50, 36)] * 4, None)
    assert spacing == (1.0, 0.9, 1.2)
    assert why == "median of 4 studies, all alike"


def test_the_median_counts_along_each_axis() -> None:
    spacing, why = target_spacing([(1.0, 1.0, 1.0), (1.5, 1.0, 2.0), (2.0, 1.0, 1.5)], [(60, 60, 60)] * 3, None)
    assert spacing == (1.5, 1.0, 1.5)
    assert why == "median of 3 studies from 1 x 1 x 1 to 2 x 1 x 2 mm"


def test_thick_slices_take_the_tenth_percentile() -> None:
    # 1, 4, 5 … 5 mm: the tenth percentile of 11 values is the second smallest
    spacings = [(0.5, 0.5, length) for length in (1.0, 4.0, *[5.0] * 9)]
    spacing, why = target_spacing(spacings, [(400, 400, 30)] * 11, None)
    assert spacing == (0.5, 0.5, 4.0)
    assert "along the thick axis the 10th percentile" in why


def test_the_thick_axis_never_becomes_finer_than_the_others() -> None:
    spacings = [(0.8, 0.8, 0.4)] * 2 + [(0.8, 0.8, 5.0)] * 9
    assert target_spacing(spacings, [(400, 400, 30)] * 11, None)[0] == (0.8, 0.8, 0.8)


def test_long_voxels_in_great_number_are_not_thick_slices() -> None:
    # 4 mm against 1 mm, but half as many voxels as along the others: no third
    spacings = [(1.0, 1.0, 2.0)] * 2 + [(1.0, 1.0, 4.0)] * 9
    assert target_spacing(spacings, [(100, 100, 50)] * 11, None)[0] == (1.0, 1.0, 4.0)


def test_images_of_one_slice_keep_their_thickness() -> None:
    spacing, why = target_spacing([(0.5, 0.5, 8.0)] * 3, [(300, 300, 1)] * 3, 2)
    assert spacing == (0.5, 0.5, -1.0)
    assert "-1 leaves the thickness" in why


@pytest.mark.parametrize(("target", "shape"), [((2.0, 1.0, -1.0), (20, 30, 7)), ((100.0, 1.0, 1.0), (1, 30, 31))])
def test_sizes_follow_the_spacing_and_never_vanish(target: tuple[float, float, float], shape: tuple[int, ...]) -> None:
    assert resampled([(40, 30, 7)], [(1.0, 1.0, 5.0)], target) == [shape]


@pytest.mark.parametrize(
    ("spacing", "thick"),
    [((1.0, 1.0, 1.0), False), ((0.5, 0.5, 5.0), True), ((4.0, 1.0, 1.2), True), ((0.5, 1.0, 1.0), False)],
)
def test_slices_are_thick_where_the_voxels_of_one_axis_alone_are_long(
    spacing: tuple[float, float, float], thick: bool
) -> None:
    assert has_thick_slices(spacing) is thick

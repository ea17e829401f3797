"""Each frame gets the values of its own functional groups, then those of all frames, then those of the file."""

from pathlib import Path

import pytest
from pydicom import DataElement, Dataset

from medseg.io.dicom_files import Header
from medseg.io.dicom_series import Slice
from medseg.io.dicom_slices import is_whole, numbers, slices_of


def group(**values: object) -> Dataset:
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def slices(dataset: Dataset) -> list[Slice]:
    return slices_of(Header(Path("a.dcm"), dataset, 1000))


def classic(**values: object) -> Slice:
    (one,) = slices(group(**values))
    return one


def enhanced(frames: list[Dataset], shared: Dataset | None = None, **values: object) -> list[Slice]:
    return slices(
        group(
            **values,
            NumberOfFrames=len(frames),
            SharedFunctionalGroupsSequence=[] if shared is None else [shared],
            PerFrameFunctionalGroupsSequence=frames,
        )
    )


def at(z: float, **content: object) -> Dataset:
    return group(PlanePositionSequence=[group(ImagePositionPatient=[1, 2, z])], FrameContentSequence=[group(**content)])


def test_a_classic_file_is_one_slice() -> None:
    one = classic(
        ImagePositionPatient=[1, 2, 3],
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        PixelSpacing=[0.7, 0.5],
        RescaleSlope="2",
        RescaleIntercept="-1024",
        EchoTime="4.92",
        ImageType=["ORIGINAL", "PRIMARY", "M"],
    )
    assert (one.frame, one.pixels_at) == (None, 1000)
    assert one.position_lps == (1, 2, 3)
    assert one.rows_columns_lps == (1, 0, 0, 0, 1, 0)
    assert one.pixel_spacing_mm == (0.7, 0.5)
    assert (one.slope, one.intercept) == (2, -1024)
    assert dict(one.attributes) == {"EchoTime": "4.92", "ImageType": "ORIGINAL\\PRIMARY\\M"}


def test_what_is_absent_is_none() -> None:
    one = classic()
    assert (one.position_lps, one.rows_columns_lps, one.pixel_spacing_mm, one.slope, one.intercept) == (None,) * 5
    assert one.attributes == ()


@pytest.mark.parametrize(
    ("value", "count", "found"),
    [
        (["1", "2"], 2, (1, 2)),
        ([1.5, -2], 2, (1.5, -2)),
        (["1", "2"], 3, None),
        (["1", "2", "3"], 2, None),
        ("12", 2, None),  # text is not its digits
        (5, 1, None),
        (None, 2, None),
        (["nan", "1"], 2, None),
        (["inf", "1"], 2, None),
        (["1e300", "1"], 2, None),
        (["999999", "1"], 2, (999999, 1)),
        (["1000000", "1"], 2, None),
        (["a", "1"], 2, None),
    ],
)
def test_numbers_are_as_many_as_asked_for_and_of_this_world(value, count, found) -> None:
    assert numbers(value, count) == found


@pytest.mark.parametrize("spacing", [[0, 1], [1, -0.5], ["nan", 1], [1], [1, 2, 3]])
def test_a_pixel_spacing_that_can_be_none_is_none(spacing: list) -> None:
    assert classic(PixelSpacing=spacing).pixel_spacing_mm is None


def test_a_rescale_of_two_values_is_none() -> None:
    assert classic(RescaleSlope=["1", "2"]).slope is None


@pytest.mark.parametrize(("value", "whole"), [(3, True), (3.0, False), ("3", False), ([3], False), (None, False)])
def test_whole_numbers_are_single_integers(value, whole: bool) -> None:
    assert is_whole(value) is whole


def test_frames_keep_their_stored_order_and_numbers() -> None:
    found = enhanced([at(6), at(0), at(3)])
    assert [(one.frame, one.position_lps) for one in found] == [(0, (1, 2, 6)), (1, (1, 2, 0)), (2, (1, 2, 3))]


def test_values_of_all_frames_hold_where_a_frame_has_none() -> None:
    shared = group(
        PlaneOrientationSequence=[group(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
        PixelMeasuresSequence=[group(PixelSpacing=[0.7, 0.5])],
        PixelValueTransformationSequence=[group(RescaleSlope="3", RescaleIntercept="1")],
    )
    own = at(3)
    own.PixelMeasuresSequence = [group(PixelSpacing=[0.9, 0.9])]
    own.PixelValueTransformationSequence = [group(RescaleSlope="5", RescaleIntercept="0")]
    first, second = enhanced([at(0), own], shared, PixelSpacing=[9, 9])
    assert (first.pixel_spacing_mm, first.slope, first.intercept) == ((0.7, 0.5), 3, 1)
    assert (second.pixel_spacing_mm, second.slope, second.intercept) == ((0.9, 0.9), 5, 0)
    assert second.rows_columns_lps == (1, 0, 0, 0, 1, 0)


def test_the_geometry_of_other_images_is_not_taken() -> None:
    source = group(ImagePositionPatient=[9, 9, 9], PixelSpacing=[9, 9], ImageOrientationPatient=[0, 1, 0, 0, 0, 1])
    frame = at(0)
    frame.DerivationImageSequence = [group(SourceImageSequence=[source])]
    frame.ReferencedImageSequence = [source]
    (one,) = enhanced([frame])
    assert (one.position_lps, one.pixel_spacing_mm, one.rows_columns_lps) == ((1, 2, 0), None, None)


def test_a_maker_s_private_scale_is_not_taken() -> None:
    frame = at(0)
    frame.add_new(0x20050010, "LO", "Philips MR Imaging DD 005")
    frame.add_new(0x2005140F, "SQ", [group(RescaleSlope="7", RescaleIntercept="0")])
    (one,) = enhanced([frame], group(PixelValueTransformationSequence=[group(RescaleSlope="2", RescaleIntercept="0")]))
    assert one.slope == 2


def test_directions_two_levels_down_are_found() -> None:
    inner = group(DiffusionGradientOrientation=[0.0, 0.6, 0.8])
    frame = at(0)
    frame.MRDiffusionSequence = [group(DiffusionBValue=700.0, DiffusionGradientDirectionSequence=[inner])]
    (one,) = enhanced([frame])
    assert dict(one.attributes) == {"DiffusionBValue": "700.0", "DiffusionGradientOrientation": "0.0\\0.6\\0.8"}


def test_dimensions_are_named_but_for_those_within_a_volume() -> None:
    pointers = ("StackID", "InStackPositionNumber", "EffectiveEchoTime")
    (one,) = enhanced(
        [at(0, DimensionIndexValues=[2, 7, 1])],
        DimensionIndexSequence=[group(DimensionIndexPointer=keyword) for keyword in pointers],
    )
    assert dict(one.attributes) == {"StackID": "2", "EffectiveEchoTime": "1"}


def test_a_private_dimension_has_its_tag_for_a_name() -> None:
    (one,) = enhanced(
        [at(0, DimensionIndexValues=[4])], DimensionIndexSequence=[group(DimensionIndexPointer=0x20051413)]
    )
    assert list(dict(one.attributes).values()) == ["4"]


def test_a_value_beats_its_dimension_index() -> None:
    (one,) = enhanced(
        [at(0, DimensionIndexValues=[2], TemporalPositionIndex=5)],
        DimensionIndexSequence=[group(DimensionIndexPointer="TemporalPositionIndex")],
    )
    assert dict(one.attributes) == {"TemporalPositionIndex": "5"}


def test_a_single_dimension_index_is_one_number() -> None:
    frame = at(0)
    frame.FrameContentSequence[0].add(DataElement("DimensionIndexValues", "UL", 3))
    (one,) = enhanced([frame], DimensionIndexSequence=[group(DimensionIndexPointer="StackID")])
    assert dict(one.attributes) == {"StackID": "3"}

"""Several volumes of a series are told apart by what differs, and one is chosen by number, text or part of a list."""

from pathlib import Path

import pytest
from pydicom import Dataset

from medseg.io.dicom_series import Slice
from medseg.io.dicom_volumes import mixed_contrast, select_slices, what_differs


def plane(n: int, frame: int | None = None, **attributes: str) -> Slice:
    return Slice(Path(f"{n}.dcm"), frame, Dataset(), None, None, None, None, None, tuple(attributes.items()))


def echoes(*values: str) -> list[Slice]:
    return [plane(n, EchoTime=value) for n, value in enumerate(values)]


def test_the_attribute_that_differs_is_named_with_an_example_of_its_use() -> None:
    positions = [[plane(2 * n, EchoTime="4.92"), plane(2 * n + 1, EchoTime="7.38")] for n in range(3)]
    found = what_differs(positions, "series 1")
    assert found.code == "several_volumes"
    assert found.sentence == (
        "series 1: 2 volumes at the same positions (6 slices at 3 positions). They differ in EchoTime: 4.92, 7.38. "
        "Choose one, for example --select EchoTime=4.92."
    )


def test_several_that_differ_are_all_named_up_to_three() -> None:
    first = {"EchoTime": "1", "FlipAngle": "5", "ImageType": "A\\B\\M", "StackID": "1"}
    second = {"EchoTime": "2", "FlipAngle": "9", "ImageType": "A\\B\\P", "StackID": "2"}
    found = what_differs([[plane(0, **first), plane(1, **second)]] * 2, "series 1")
    assert "EchoTime: 1, 2; FlipAngle: 5, 9; ImageType: A\\B\\M, A\\B\\P. Choose" in found.sentence


def test_a_value_with_marks_of_the_shell_is_quoted() -> None:
    positions = [[plane(0, ImageType="A\\M"), plane(1, ImageType="A\\P")]]
    assert "--select ImageType='A\\M'." in what_differs(positions, "series 1").sentence


def test_a_value_that_only_some_have_is_told_as_absent_and_not_offered() -> None:
    positions = [[plane(0), plane(1, ContrastBolusAgent="Gd")]]
    assert "ContrastBolusAgent: absent, Gd. Choose one, for example --select ContrastBolusAgent=Gd" in (
        what_differs(positions, "series 1").sentence
    )


def test_many_values_are_counted() -> None:
    positions = [[plane(n, TriggerTime=str(n)) for n in range(9)]]
    assert "TriggerTime: 0, 1, 2, 3, … (9 values)" in what_differs(positions, "series 1").sentence


def test_frames_of_one_file_are_stacks() -> None:
    frames = [plane(0, n, StackID=str(n % 2)) for n in range(4)]
    assert what_differs([frames[:2], frames[2:]], "series 1").code == "several_stacks"


def test_what_differs_at_some_positions_only_tells_no_volumes_apart() -> None:
    positions = [[plane(0, EchoTime="1"), plane(1, EchoTime="2")], [plane(2, EchoTime="1"), plane(3, EchoTime="1")]]
    assert what_differs(positions, "series 1") is None


def test_what_differs_from_slice_to_slice_tells_no_volumes_apart() -> None:
    positions = [[plane(0, AcquisitionTime="1"), plane(1, AcquisitionTime="2")],
                 [plane(2, AcquisitionTime="3"), plane(3, AcquisitionTime="4")]]  # fmt: skip
    assert what_differs(positions, "series 1") is None


@pytest.mark.parametrize(
    ("keyword", "values", "mixed"),
    [
        ("EchoTime", ("10", "80"), True),
        ("EchoTime", ("10", "10.4"), False),
        ("EchoTime", ("10", ""), False),
        ("InversionTime", ("200", "900"), True),
        ("DiffusionBValue", ("0.0", "1000.0"), True),
        ("ConvolutionKernel", ("B30f", "B70f"), True),
        ("ComplexImageComponent", ("MAGNITUDE", "PHASE"), True),
        ("ImageType", ("ORIGINAL\\PRIMARY\\M\\ND", "ORIGINAL\\PRIMARY\\P\\ND"), True),
        ("ImageType", ("ORIGINAL\\PRIMARY\\M\\ND", "ORIGINAL\\PRIMARY\\M\\NORM"), False),
        ("ImageType", ("ORIGINAL\\PRIMARY", "ORIGINAL\\PRIMARY"), False),
        ("AcquisitionTime", ("1", "2"), False),
        ("RepetitionTime", ("500", "510"), False),  # varies where the heart sets the pace
    ],
)
def test_parts_of_several_volumes_are_told_by_their_contrast(keyword: str, values: tuple, mixed: bool) -> None:
    found = mixed_contrast([plane(n, **{keyword: value}) for n, value in enumerate(values * 3)], "series 1")
    assert (found is not None) is mixed
    if found:
        assert found.code == "several_volumes"
        assert keyword in found.sentence


@pytest.mark.parametrize("wanted", ["4.92", "4.920", "0.492e1", "4.9200001"])
def test_a_number_is_chosen_by_its_value(wanted: str) -> None:
    chosen = select_slices(echoes("4.92", "7.38", "4.92"), {"EchoTime": wanted})
    assert [one.path.name for one in chosen] == ["0.dcm", "2.dcm"]


@pytest.mark.parametrize("wanted", ["4.93", "4.9201", "492", "text", ""])
def test_another_number_chooses_nothing(wanted: str) -> None:
    assert select_slices(echoes("4.92", "7.38"), {"EchoTime": wanted}) == []


@pytest.mark.parametrize(
    ("wanted", "names"),
    [("M", ["0.dcm"]), ("ORIGINAL\\PRIMARY\\M", ["0.dcm"]), ("ORIGINAL", ["0.dcm", "1.dcm"]), ("m", [])],
)
def test_one_part_of_a_list_is_enough(wanted: str, names: list[str]) -> None:
    slices = [plane(0, ImageType="ORIGINAL\\PRIMARY\\M"), plane(1, ImageType="ORIGINAL\\PRIMARY\\P")]
    assert [one.path.name for one in select_slices(slices, {"ImageType": wanted})] == names


def test_text_is_chosen_as_it_stands() -> None:
    slices = [plane(0, ConvolutionKernel="B30f"), plane(1, ConvolutionKernel="B70f")]
    assert select_slices(slices, {"ConvolutionKernel": "B70f"}) == slices[1:]


def test_several_attributes_must_all_fit() -> None:
    slices = [plane(n, EchoTime=echo, StackID=stack) for n, (echo, stack) in enumerate(["1a", "1b", "2a", "2b"])]
    assert select_slices(slices, {"EchoTime": "2", "StackID": "a"}) == [slices[2]]


def test_slices_without_the_attribute_are_left_out() -> None:
    slices = [plane(0, EchoTime="1"), plane(1)]
    assert select_slices(slices, {"EchoTime": "1"}) == slices[:1]
    assert select_slices(slices, {"EchoTime": ""}) == slices[1:]


def test_an_attribute_that_does_not_vary_leaves_a_series_as_it_is() -> None:
    """One --select goes for all series of a study; those without several volumes are not meant."""
    slices = echoes("4.92", "4.92")
    assert select_slices(slices, {"EchoTime": "7.38", "StackID": "1"}) == slices


def test_an_echo_time_is_selected_by_the_name_that_single_frame_files_have() -> None:
    slices = [plane(0, EffectiveEchoTime=echo) for echo in ("1.52", "4.9")]
    assert select_slices(slices, {"EchoTime": "4.9"}) == slices[1:]

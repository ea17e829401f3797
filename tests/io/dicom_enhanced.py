"""The good series as enhanced multi-frame objects: one stack, and what must not be taken for one."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

from dicom_good import directions, new_instance
from dicom_headers import Change, Slices
from pydicom import Dataset
from pydicom.uid import EnhancedCTImageStorage, EnhancedMRImageStorage

_IN_FRAMES = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness")
_RESCALE = ("RescaleSlope", "RescaleIntercept", "RescaleType")
Frames = Sequence[Dataset]


def enhanced(
    *, order: Callable[[int], int] = lambda n: n, edit: Callable[[int, Dataset], None] | None = None, repeats: int = 1
) -> Change:
    """All slices as frames of one object.

    Args:
        order: Which slice is frame n.
        edit: Changes the functional groups of frame n.
        repeats: How often the stack comes.
    """

    def change(slices: Slices) -> Slices:
        chosen = [slices[order(n % len(slices))] for n in range(repeats * len(slices))]
        whole = _object(chosen)
        for n, frame in enumerate(whole.PerFrameFunctionalGroupsSequence):
            if edit:
                edit(n, frame)
        return [whole]

    return change


def in_two_files(slices: Slices) -> Slices:
    """A concatenation: the first half of the frames, and the second."""
    half = len(slices) // 2
    return [_object(slices[:half]), _object(slices[half:])]


def two_objects(slices: Slices) -> Slices:
    """The stack twice, each time as an object of its own."""
    first = _object(slices)
    second = new_instance(first, 2)
    second.AcquisitionNumber = 2
    return [first, second]


def at_time(n: int, frame: Dataset) -> None:
    """Twelve frames of the first time point, then twelve of the second."""
    frame.FrameContentSequence[0].TemporalPositionIndex = n // 12 + 1


def in_stack(n: int, frame: Dataset) -> None:
    frame.FrameContentSequence[0].StackID = str(n // 12 + 1)


def in_turned_stack(n: int, frame: Dataset) -> None:
    """The second stack lies across the first."""
    in_stack(n, frame)
    if n >= 12:
        plane = frame.PlaneOrientationSequence[0]
        across = Dataset()
        across.ImageOrientationPatient = plane.ImageOrientationPatient
        _, along_j, normal = directions([across])
        plane.ImageOrientationPatient = [f"{value:.9f}" for value in (*along_j, *normal)]


def in_stack_beside(n: int, frame: Dataset) -> None:
    """The second stack lies 100 mm above the first."""
    in_stack(n, frame)
    if n >= 12:
        plane = frame.PlanePositionSequence[0]
        x, y, z = (float(value) for value in plane.ImagePositionPatient)
        plane.ImagePositionPatient = [x, y, f"{z + 100:.6f}"]


def with_thinner_pixels(n: int, frame: Dataset) -> None:
    if n == 5:
        frame.PixelMeasuresSequence[0].PixelSpacing = [0.5, 0.5]


def without_position(n: int, frame: Dataset) -> None:
    if n == 5:
        del frame.PlanePositionSequence


def without_rescale(n: int, frame: Dataset) -> None:
    del n, frame.PixelValueTransformationSequence


def one_frame_undescribed(slices: Slices) -> Slices:
    """Pixels of twelve frames, functional groups of eleven."""
    (whole,) = enhanced()(slices)
    del whole.PerFrameFunctionalGroupsSequence[-1]
    return [whole]


def without_groups(slices: Slices) -> Slices:
    """Frames whose place nothing says."""
    (whole,) = enhanced()(slices)
    del whole.PerFrameFunctionalGroupsSequence
    return [whole]


def announcing(frames: int) -> Change:
    """NumberOfFrames that nothing supports."""

    def change(slices: Slices) -> Slices:
        (whole,) = enhanced()(slices)
        whole.NumberOfFrames = frames
        return [whole]

    return change


def _object(slices: Frames) -> Dataset:
    whole = new_instance(slices[0])
    uid = EnhancedCTImageStorage if whole.Modality == "CT" else EnhancedMRImageStorage
    whole.SOPClassUID = whole.file_meta.MediaStorageSOPClassUID = uid
    for keyword in (*_IN_FRAMES, *_RESCALE):
        if keyword in whole:
            del whole[keyword]
    whole.NumberOfFrames = len(slices)
    whole.SharedFunctionalGroupsSequence = [Dataset()]
    whole.PerFrameFunctionalGroupsSequence = [_groups(n, one) for n, one in enumerate(slices)]
    whole.PixelData = b"".join(one.PixelData for one in slices)
    return whole


def _groups(n: int, one: Dataset) -> Dataset:
    frame = Dataset()
    frame.PlanePositionSequence = [_part(one, "ImagePositionPatient")]
    frame.PlaneOrientationSequence = [_part(one, "ImageOrientationPatient")]
    frame.PixelMeasuresSequence = [_part(one, "PixelSpacing", "SliceThickness")]
    frame.PixelValueTransformationSequence = [_rescale(one)]
    frame.FrameContentSequence = [Dataset()]
    frame.FrameContentSequence[0].InStackPositionNumber = n % 12 + 1
    return frame


def _rescale(one: Dataset) -> Dataset:
    part = Dataset()
    part.RescaleSlope, part.RescaleIntercept = one.get("RescaleSlope", 1), one.get("RescaleIntercept", 0)
    part.RescaleType = "HU" if one.Modality == "CT" else "US"
    return part


def _part(one: Dataset, *keywords: str) -> Dataset:
    part = Dataset()
    for keyword in keywords:
        part.add(copy.deepcopy(one[keyword]))
    return part

"""What can be wrong or odd in the headers and pixels of a series: each function gives a change of its slices."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from dicom_good import ODD, SPACING_MM, decimals, directions, new_instance, pixels_of, put_pixels
from pydicom import DataElement, Dataset
from pydicom.uid import generate_uid

Slices = list[Dataset]
Change = Callable[[Slices], Slices]


def as_it_is(slices: Slices) -> Slices:
    return slices


def both(*changes: Change) -> Change:
    """One change after the other."""

    def change(slices: Slices) -> Slices:
        for one in changes:
            slices = one(slices)
        return slices

    return change


def on_all(edit: Callable[[Dataset], None]) -> Change:
    def change(slices: Slices) -> Slices:
        for one in slices:
            edit(one)
        return slices

    return change


def on_one(edit: Callable[[Dataset], None], at: int = ODD) -> Change:
    def change(slices: Slices) -> Slices:
        edit(slices[at])
        return slices

    return change


def setting(**values: Any) -> Callable[[Dataset], None]:
    """Set attributes; None removes one."""

    def edit(one: Dataset) -> None:
        for keyword, value in values.items():
            if value is None:
                if keyword in one:
                    del one[keyword]
            else:
                setattr(one, keyword, value)

    return edit


def each(**values: Any) -> Change:
    """Attributes of every slice."""
    return on_all(setting(**values))


def odd(**values: Any) -> Change:
    """Attributes of one slice."""
    return on_one(setting(**values))


def numbered(**values: Callable[[int], Any]) -> Change:
    """Attributes from the number of the slice."""

    def change(slices: Slices) -> Slices:
        for n, one in enumerate(slices):
            setting(**{keyword: value(n) for keyword, value in values.items()})(one)
        return slices

    return change


def kept(*parts: slice) -> Change:
    """Some slices, in the order given."""
    return lambda slices: [one for part in parts for one in slices[part]]


def without(*numbers: int) -> Change:
    return lambda slices: [one for n, one in enumerate(slices) if n not in numbers]


def as_class(uid: str, modality: str | None = None) -> Callable[[Dataset], None]:
    def edit(one: Dataset) -> None:
        one.SOPClassUID = uid
        one.file_meta.MediaStorageSOPClassUID = uid or one.file_meta.MediaStorageSOPClassUID  # may not be empty
        one.Modality = modality or one.Modality

    return edit


def text_in(keyword: str, *text: str) -> Callable[[Dataset], None]:
    """Text where numbers belong, as writers do that mistake the type."""

    def edit(one: Dataset) -> None:
        setting(**{keyword: None})(one)
        one.add(DataElement(keyword, "LO", list(text) if len(text) > 1 else text[0]))

    return edit


# --- places ---


def _move(one: Dataset, by_mm: np.ndarray) -> None:
    one.ImagePositionPatient = decimals(np.array(one.ImagePositionPatient, float) + by_mm)


def at_depths(depth_mm: Callable[[int], float]) -> Change:
    """Slice n along the normal, counted from the first slice."""

    def change(slices: Slices) -> Slices:
        normal = directions(slices)[2]
        for n, one in enumerate(slices):
            _move(one, (depth_mm(n) - SPACING_MM[2] * n) * normal)
        return slices

    return change


def sheared(pixels_i: float, pixels_j: float) -> Change:
    """Every slice moved within its plane, more from slice to slice."""

    def change(slices: Slices) -> Slices:
        along_i, along_j, _ = directions(slices)
        for n, one in enumerate(slices):
            _move(one, n * (pixels_i * SPACING_MM[0] * along_i + pixels_j * SPACING_MM[1] * along_j))
        return slices

    return change


def turned(degrees: float, parts: Sequence[int]) -> Change:
    """Some slices turned about the direction of their rows."""

    def change(slices: Slices) -> Slices:
        along_i, along_j, normal = directions(slices)
        angle = np.radians(degrees)
        cosines = [*along_i, *(np.cos(angle) * along_j + np.sin(angle) * normal)]
        for n in parts:
            slices[n].ImageOrientationPatient = decimals(cosines)
        return slices

    return change


def jittered(size: float) -> Change:
    """Second cosine of the rows a little up and a little down."""

    def change(slices: Slices) -> Slices:
        for n, one in enumerate(slices):
            cosines = np.array(one.ImageOrientationPatient, float)
            cosines[1] += size * (-1) ** n
            one.ImageOrientationPatient = decimals(cosines)
        return slices

    return change


# --- several of something ---


def again(change: Change, part: slice = slice(None)) -> Change:
    """The slices, and more of the same as another volume at the same places."""

    def make(slices: Slices) -> Slices:
        more = [new_instance(one) for one in slices[part]]
        for n, one in enumerate(more):
            one.InstanceNumber = len(slices) + n + 1
        return [*slices, *change(more)]

    return make


def copied(slices: Slices) -> Slices:
    return [*slices, copy.deepcopy(slices[ODD])]


def brighter(one: Dataset) -> None:
    put_pixels(one, pixels_of(one) + pixels_of(one).dtype.type(7))


def other_series(**values: Any) -> Change:
    """Slices of a second series: for ``again``."""

    def change(slices: Slices) -> Slices:
        uid = generate_uid(entropy_srcs=[str(slices[0].SeriesInstanceUID), "other"])
        return each(SeriesInstanceUID=uid, SeriesNumber=8, **values)(slices)

    return change


def result(uid: str, modality: str, *, same_series: bool = False) -> Change:
    """The slices, and one object that was made from them, without pixels."""

    def change(slices: Slices) -> Slices:
        made = new_instance(slices[0], 9)
        as_class(uid, modality)(made)
        for keyword in ("PixelData", "Rows", "Columns", "ImagePositionPatient", "ImageOrientationPatient"):
            del made[keyword]
        return [*slices, made if same_series else other_series()([made])[0]]

    return change

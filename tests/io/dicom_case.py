"""A row of the table of series: how it is made from the good one, and what the gate must say of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import dicom_bytes as b
import dicom_headers as h
import numpy as np
from dicom_good import good_datasets, write_datasets

from medseg.core.volume import Volume


@dataclass(frozen=True)
class Case:
    """One series that a reader may meet.

    Attributes:
        verdict: "accepted" without a word, "warned", or "refused".
        code: Of the refusal or of one warning; several where each is a right answer. Empty where accepted.
        says: Regular expressions that the sentences match, whatever the case of letters.
        change: Of the slices, before they are written.
        damage: Of the files.
        modality: Of the good series it is made from.
        differs: How the right volume follows from the good one.
        select: What is chosen of several volumes.
        resample_tilt: Whether a tilt is to be resampled.
        atol: How far values may lie from the right ones.
        place_mm: How far a corner may lie from its right place.
    """

    verdict: Literal["accepted", "warned", "refused"]
    code: str | tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    change: h.Change = h.as_it_is
    damage: b.Damage = b.as_written
    modality: str = "MR"
    differs: Callable[[Volume], Volume] = lambda volume: volume
    select: Mapping[str, str] = field(default_factory=dict)
    resample_tilt: bool = False
    atol: float = 0.0
    place_mm: float = 1e-5

    @property
    def codes(self) -> tuple[str, ...]:
        return (self.code,) if isinstance(self.code, str) else self.code


def write_case(case: Case, folder: Path) -> None:
    """The files of a case."""
    datasets = case.change(good_datasets(case.modality))
    case.damage(write_datasets(datasets, folder))


def ok(**rest: object) -> Case:
    return Case("accepted", **rest)


def warn(code: str, *says: str, **rest: object) -> Case:
    return Case("warned", code, says, **rest)


def no(code: str | tuple[str, ...], *says: str, **rest: object) -> Case:
    return Case("refused", code, says, **rest)


# --- how a right volume follows from the good one ---


def part(first: int, last: int) -> Callable[[Volume], Volume]:
    def differs(good: Volume) -> Volume:
        affine = good.affine_ras.copy()
        affine[:3, 3] += first * affine[:3, 2]
        return Volume(good.array[..., first:last], affine)

    return differs


def values(edit: Callable[[np.ndarray], np.ndarray]) -> Callable[[Volume], Volume]:
    return lambda good: Volume(edit(good.array.copy()), good.affine_ras)


def corner(value: float) -> Callable[[Volume], Volume]:
    def edit(array: np.ndarray) -> np.ndarray:
        array[:, :4, :4] = value
        return array

    return values(edit)


def thinner(times: float) -> Callable[[Volume], Volume]:
    return lambda good: Volume(good.array, good.affine_ras @ np.diag([1, 1, 1 / times, 1]))


def straightened(good: Volume) -> Volume:
    """Slice k one pixel further down than slice k - 1, so resampling moves whole pixels: no arithmetic to repeat."""
    _, size_i, size_j, count = good.array.shape
    array = np.full((1, size_i, size_j + count - 1, count), good.array.min())
    for k in range(count):
        array[:, :, k : k + size_j, k] = good.array[..., k]
    return Volume(array, good.affine_ras)

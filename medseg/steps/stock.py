"""What lies at a path: every DICOM series and NIfTI file with geometry and verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medseg.core.geometry import spacing_of
from medseg.core.in_words import counted
from medseg.core.types import Shape
from medseg.core.verdict import Finding, Verdict
from medseg.datasets.listing import volumes_below
from medseg.io.dicom import check_series, find_series
from medseg.io.dicom_study import study_key, study_name
from medseg.io.nifti_gate import judge_nifti
from medseg.steps.unread import unread_files

NIFTI = "NIfTI"  # stands where a DICOM series has its modality


@dataclass(frozen=True)
class Item:
    """One series or file.

    Attributes:
        study: StudyInstanceUID; folder of a NIfTI file.
        study_name: How results call the study.
        series: SeriesInstanceUID; name of a NIfTI file.
        number: SeriesNumber; None where there is none.
        description: SeriesDescription.
        modality: For example "MR"; ``NIFTI`` for a file.
        shape: (I, J, K); None where there is no single grid.
        spacing_mm: Along i, j, k; None where there is no single grid.
        verdict: What the gate says, pixels included.
        is_image: False for reports, segmentations and other results.
    """

    study: str
    study_name: str
    series: str
    number: int | None
    description: str
    modality: str
    shape: Shape | None
    spacing_mm: tuple[float, float, float] | None
    verdict: Verdict
    is_image: bool = True

    def as_json(self) -> dict[str, Any]:
        """Plain values under the names of the command's JSON."""
        return {
            "study": self.study,
            "series": self.series,
            "description": self.description,
            "modality": self.modality,
            "shape": None if self.shape is None else list(self.shape),
            "spacing_mm": None if self.spacing_mm is None else [round(float(s), 6) for s in self.spacing_mm],
            "verdict": "accepted" if self.verdict.accepted else "refused",
            "code": self.verdict.code,
            "reason": self.verdict.reason,
            "warnings": [warning.sentence for warning in self.verdict.warnings],
        }


@dataclass(frozen=True)
class Stock:
    """What lies at a path.

    Attributes:
        items: Series, then files.
        notes: One sentence each on what was left out.
        damaged: Files that cannot be read and belong to no series.
    """

    items: tuple[Item, ...]
    notes: tuple[str, ...]
    damaged: tuple[Finding, ...]

    @property
    def sound(self) -> bool:
        """Whether there is an image, and every one is accepted."""
        images = [item for item in self.items if item.is_image]
        return bool(images) and not self.damaged and all(item.verdict.accepted for item in images)


def take_stock(path: Path, *, select: Mapping[str, str] | None = None, resample_tilt: bool = False) -> Stock:
    """Everything at a path, read through.

    Args:
        path: A folder, looked through in any depth, or a file.
        select: See ``find_series``.
        resample_tilt: See ``find_series``.
    """
    files = volumes_below(path)
    found = find_series(path, select=select, resample_tilt=resample_tilt)
    items = [
        Item(
            study=one.study_uid,
            study_name=study_name(study_key(one)),
            series=one.uid,
            number=one.number,
            description=one.description,
            modality=one.modality,
            shape=one.shape,
            spacing_mm=one.spacing_mm,
            verdict=check_series(one),
            is_image=one.is_image,
        )
        for one in found.series
    ]
    damaged, empty = unread_files(found)
    nameless = [one.finding for one in empty if one.path not in files]  # a NIfTI file is told of by its own gate
    others = found.others - sum(file.stat().st_size > 0 for file in files)
    return Stock(
        (*items, *_nifti_items(path, files)), tuple(_notes(others, nameless)), tuple(one.finding for one in damaged)
    )


def table(stock: Stock) -> Iterator[str]:
    """Lines for people: studies, their series, what is wrong with them."""
    for name in dict.fromkeys(item.study_name for item in stock.items):
        items = [item for item in stock.items if item.study_name == name]
        yield f"{name}  {items[0].study}".rstrip()
        yield from _columns([_cells(item) for item in items], [_reasons(item) for item in items])
    for finding in stock.damaged:
        yield f"refused [{finding.code}]  {finding.sentence}"
    yield from (f"note: {note}" for note in stock.notes)


def _nifti_items(path: Path, files: Sequence[Path]) -> Iterator[Item]:
    for file in files:
        judged = judge_nifti(file)
        header = judged.header
        yield Item(
            study=str(file.parent),
            study_name=str(file.parent),
            series=file.name,
            number=None,
            description="",
            modality=NIFTI,
            shape=header.shape if header else None,
            spacing_mm=spacing_of(header.affine_ras) if header else None,
            verdict=judged.verdict,
        )


def _notes(others: int, empty: Sequence[Finding]) -> Iterator[str]:
    yield from (f"left out: {one.sentence}" for one in empty)
    if others > 0:
        yield f"{counted(others, 'file')} left out: neither DICOM nor NIfTI"


def _cells(item: Item) -> tuple[str, ...]:
    return (
        "-" if item.number is None else str(item.number),
        item.modality or "-",
        item.description or (item.series if item.modality == NIFTI else "-"),
        "x".join(str(n) for n in item.shape) if item.shape else "-",
        " x ".join(f"{s:.4g}" for s in item.spacing_mm) + " mm" if item.spacing_mm else "-",
        item.verdict.code if item.verdict.accepted else f"refused [{item.verdict.code}]",
    )


def _reasons(item: Item) -> list[str]:
    refusals = [f"[{one.code}] {one.sentence}" for one in item.verdict.refusals]
    return refusals + [f"warning [{one.code}] {one.sentence}" for one in item.verdict.warnings]


def _columns(rows: Sequence[tuple[str, ...]], reasons: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    for row, told in zip(rows, reasons, strict=True):
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        yield from (f"      {one}" for one in told)

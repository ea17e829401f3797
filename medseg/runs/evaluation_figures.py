"""The charts of an evaluation with their captions, for the page and for slides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from medseg.metrics.evaluation import Evaluation
from medseg.metrics.policy import State
from medseg.runs.evaluation_charts import (
    LIMITS_SD,
    MIN_LIMITS,
    AgainstVolume,
    Agreement,
    against_volume,
    agreement_of,
    parts_of,
    scale_of,
    strip_of,
)
from medseg.runs.evaluation_words import counted, headed
from medseg.runs.page_parts import text
from medseg.runs.pictures_charts import Drawn, image_source, marks_of
from medseg.runs.pictures_strips import draw_strips
from medseg.runs.pictures_volumes import draw_against_volume, draw_agreements

STRIPS = {"dice": "dice", "nsd": "surface-dice", "hd95_mm": "hd95"}  # metric to the name of its figure
AGREEMENT, AGAINST = "volume-agreement", "dice-against-volume"
_Row = TypeVar("_Row", Agreement, AgainstVolume)


@dataclass(frozen=True)
class ChartFigure:
    """One kind of chart.

    Attributes:
        title: Above it, plain words.
        caption: What it shows, HTML.
        pictures: For the page: source and alternative text of each panel.
        pngs: For slides: name of the file to PNG.
    """

    title: str
    caption: str
    pictures: tuple[tuple[str, str], ...]
    pngs: dict[str, bytes]


def draw_figures(evaluation: Evaluation) -> list[ChartFigure]:
    """Box and strip of the scores, agreement of volumes, Dice against volume."""
    return [_strips(evaluation), _agreements(evaluation), _against(evaluation)]


def _strips(evaluation: Evaluation) -> ChartFigure:
    """Every metric of one group of labels beside each other, the next group below."""
    strips = {metric: {name: strip_of(evaluation, name, metric) for name in evaluation.names} for metric in STRIPS}
    scales = {metric: scale_of(list(row.values()), metric) for metric, row in strips.items()}
    pictures, pngs = [], {}
    for number, names in enumerate(parts_of(evaluation.names), start=1):
        for metric, row in strips.items():
            drawn = draw_strips([row[name] for name in names], metric, scales[metric])
            pngs[_file(STRIPS[metric], number)] = drawn.png
            pictures.append((image_source(drawn.svg[0]), f"{headed(metric)} of each study: {', '.join(names)}"))
    apart = any(scale.lane for scale in scales.values())
    signs = _signs(state for row in strips.values() for strip in row.values() for state in strip.states)
    caption = (
        f"Each study is a mark ({signs}); the box holds the middle half of {_n(evaluation)}, its bar "
        "is the median; above it the mean with its 95 % interval. "
    )
    caption += (
        "Beyond the dashed line, not to scale: the score of a failed study or of a label in one mask only, and "
        "a mean that such scores draw beyond the scale."
        if apart
        else ""
    )
    return ChartFigure("Scores of all studies", caption, tuple(pictures), pngs)


def _agreements(evaluation: Evaluation) -> ChartFigure:
    rows = [agreement_of(evaluation, name) for name in evaluation.names]
    caption = (
        "Volume of the prediction less that of the reference, against the mean of both (Bland and Altman), for "
        f"{_n(evaluation)}. The full line is the mean difference, the dashed ones are the limits of agreement: "
        f"{LIMITS_SD} standard deviations around it, from {MIN_LIMITS} studies on."
    )
    caption += _left_out(rows, "have no prediction or the label in neither mask")
    return _by_label("Agreement of volumes", caption, AGREEMENT, rows, draw_agreements)


def _against(evaluation: Evaluation) -> ChartFigure:
    rows = [against_volume(evaluation, name) for name in evaluation.names]
    scale = scale_of([strip_of(evaluation, name, "dice") for name in evaluation.names], "dice")
    caption = f"Dice against the volume in the reference, for {_n(evaluation)}: are small structures worse?"
    if any(row.is_wide for row in rows):
        caption += " Volumes that span more than a decade have a logarithmic axis."
    caption += _left_out(rows, "lack the label in the reference")
    return _by_label("Dice against volume", caption, AGAINST, rows, partial(draw_against_volume, scale=scale))


def _by_label(
    title: str,
    caption: str,
    file: str,
    rows: Sequence[_Row],
    draw: Callable[[Sequence[_Row]], Drawn],
) -> ChartFigure:
    """Panels of all labels, so many to a file."""
    pictures: list[tuple[str, str]] = []
    pngs: dict[str, bytes] = {}
    for number, part in enumerate(parts_of(rows), start=1):
        drawn = draw(part)
        pngs[_file(file, number)] = drawn.png
        alts = [f"{title}: {row.name}" for row in part]
        pictures += [(image_source(svg), alt) for svg, alt in zip(drawn.svg, alts, strict=True)]
    return ChartFigure(title, caption, tuple(pictures), pngs)


def _file(name: str, number: int) -> str:
    return name if number == 1 else f"{name}-{number}"


def _n(evaluation: Evaluation) -> str:
    return counted(len(evaluation.studies), "study", "studies")


def _left_out(rows: Sequence[_Row], why: str) -> str:
    said = [f"{text(row.name)} ({counted(row.left_out, 'study', 'studies')})" for row in rows if row.left_out]
    return f" Left out, since they {why}: {', '.join(said)}." if said else ""


def _signs(states: Iterable[State]) -> str:
    return ", ".join(
        f'<span class=sign style="color:{mark.colour}">{mark.sign}</span> {mark.words}' for mark in marks_of(states)
    )

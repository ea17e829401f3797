"""What the report of an evaluation tells, as plain values; how it looks is for ``evaluation_page``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from medseg.core.types import Affine, FloatArray, LabelArray
from medseg.metrics.evaluation import Evaluation
from medseg.metrics.gates import GateResult
from medseg.metrics.summary import Summary
from medseg.metrics.two_models import Difference

Place = Literal["worst", "median", "best"]


@dataclass(frozen=True)
class StudyMaps:
    """One study of the gallery, as read again to draw it.

    Attributes:
        prediction: Classes (I, J, K), uint8; None where there is no usable prediction.
        reference: On the same grid.
        image: One channel (I, J, K) on the same grid; None where no image was given.
        affine_ras: Of all of them.
        names: Class to name; classes are those of ``prediction`` and ``reference``, from 1.
    """

    prediction: LabelArray | None
    reference: LabelArray
    image: FloatArray | None
    affine_ras: Affine
    names: Mapping[int, str]


@dataclass(frozen=True)
class StudyPicture:
    """The drawn planes of one study.

    Attributes:
        html: A fragment of HTML: three planes, four columns each (image, reference, prediction, difference).
        png: The same as a picture for slides, (rows, columns, 3) uint8.
    """

    html: str
    png: npt.NDArray[np.uint8]


@dataclass(frozen=True)
class GalleryStudy:
    """One study of the gallery.

    Attributes:
        study: Its id.
        place: Why it is shown.
        dice: Mean Dice over the scored labels and regions, by which studies are ranked.
        reason: What is worst about it, one sentence.
        picture: Its planes.
    """

    study: str
    place: Place
    dice: float
    reason: str
    picture: StudyPicture


@dataclass(frozen=True)
class ComparisonFacts:
    """Two models on the same studies.

    Attributes:
        ours: Name of this evaluation.
        theirs: Name of the other.
        differences: This less the other, a row for each label or region and metric.
        sentences: What each row says, in the same order.
        notes: Studies that only one of them has.
    """

    ours: str
    theirs: str
    differences: tuple[Difference, ...]
    sentences: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class StratumTable:
    """One metric of one label or region, group by group.

    Attributes:
        column: What the groups are: "size" or a column of the table that was given.
        name: Label or region.
        metric: Key of ``METRICS``.
        groups: Group to summary, in order.
    """

    column: str
    name: str
    metric: str
    groups: Mapping[str, Summary]


@dataclass(frozen=True)
class EvaluationFacts:
    """Everything on the page.

    Attributes:
        title: What was evaluated, for example "hippocampus_unet3d".
        evaluation: The scores, with their summaries and policy.
        left_out: What could not be paired or scored, one sentence each.
        unscored: How many of these are references that cannot be used.
        gates: Demands, and what became of them.
        comparison: With another evaluation; None where none was asked for.
        strata: Tables by group.
        gallery: Worst first, then median, then best; empty where nothing could be drawn.
        provenance: Name to value: where predictions and references come from, versions, digests, date.
    """

    title: str
    evaluation: Evaluation
    left_out: tuple[str, ...] = ()
    unscored: int = 0
    gates: tuple[GateResult, ...] = ()
    comparison: ComparisonFacts | None = None
    strata: tuple[StratumTable, ...] = ()
    gallery: tuple[GalleryStudy, ...] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)

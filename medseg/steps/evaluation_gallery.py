"""Choose the studies that are shown, and draw them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from medseg.metrics.error_site import error_site
from medseg.metrics.ranking import Ranked
from medseg.runs.evaluation_facts import GalleryStudy, Place, StudyMaps
from medseg.runs.evaluation_pictures import draw_study
from medseg.steps.label_classes import Labels
from medseg.steps.label_pairs import Pair
from medseg.steps.label_reading import LeftOut, read_image, read_pair

WORST = 3


def choose(ranked: Sequence[Ranked]) -> list[tuple[Place, Ranked]]:
    """The worst three, the one in the middle and the best; each study once.

    Args:
        ranked: From worst to best.
    """
    chosen: dict[str, tuple[Place, Ranked]] = {one.study: ("worst", one) for one in ranked[:WORST]}
    rest = ranked[WORST:]
    if rest:
        chosen[rest[-1].study] = ("best", rest[-1])
        middle = ranked[len(ranked) // 2]
        chosen.setdefault(middle.study, ("median", middle))
    order: Sequence[Place] = ("worst", "median", "best")
    return sorted(chosen.values(), key=lambda item: order.index(item[0]))


def draw_gallery(ranked: Sequence[Ranked], pairs: Sequence[Pair], labels: Labels) -> tuple[GalleryStudy, ...]:
    """Draw the chosen studies; one at a time, since each is read again for it.

    Args:
        ranked: From worst to best.
        pairs: Where they are.
        labels: What is drawn.
    """
    by_study = {pair.study: pair for pair in pairs}
    drawn = []
    for place, one in choose(ranked):
        maps = _maps(by_study[one.study], labels)
        if maps is not None:
            prediction = np.zeros_like(maps.reference) if maps.prediction is None else maps.prediction
            picture = draw_study(maps, error_site(prediction, maps.reference), title=one.study)
            drawn.append(GalleryStudy(one.study, place, one.dice, one.reason, picture))
    return tuple(drawn)


def _maps(pair: Pair, labels: Labels) -> StudyMaps | None:
    maps = read_pair(pair, labels)
    if isinstance(maps, LeftOut):
        return None
    return StudyMaps(maps.prediction, maps.reference, read_image(pair, maps), maps.affine_ras, labels.names)

"""The pictures of a model card: the worst studies of an evaluation, drawn anew without a word of whose they are.

An evaluation has such pictures with study ids in their pixels. Ids may lead to patients, and a package leaves the
house.
"""

from __future__ import annotations

import numpy as np

from medseg.core.errors import DatalistError
from medseg.core.labels import LabelSet
from medseg.metrics.error_site import error_site
from medseg.runs.evaluation_facts import StudyMaps
from medseg.runs.evaluation_pictures import draw_study
from medseg.runs.pictures_charts import png_of_pixels
from medseg.steps.label_classes import Labels, labels_of
from medseg.steps.label_maps import find_label_maps
from medseg.steps.label_pairs import Pair, pair
from medseg.steps.label_reading import LeftOut, read_image, read_pair
from medseg.steps.package_scores import Place, Scored
from medseg.steps.reference_digest import reference_digest


def draw_unnamed(scored: Scored, label_set: LabelSet) -> dict[str, bytes]:
    """Draw the studies of an evaluation that a card shows.

    Args:
        scored: The evaluation.
        label_set: What is drawn.

    Returns:
        File in the package to PNG.

    Raises:
        MedsegError: Predictions or references are not there any more, or are not those that were scored.
    """
    predictions, references = find_label_maps(scored.predictions), find_label_maps(scored.references)
    labels = labels_of(predictions, references, label_set)
    pairs = {one.study: one for one in pair(predictions, references).pairs}
    shown = [place for place in scored.places if place.shown.picture]
    missing = [place.study for place in shown if place.study not in pairs]
    if missing:
        raise DatalistError(f"'{scored.references}' has no study '{missing[0]}' any more.")
    digests = scored.digests
    return {place.shown.picture: _drawn(pairs[place.study], labels, place, digests[place.study]) for place in shown}


def _drawn(one: Pair, labels: Labels, place: Place, digest: str) -> bytes:
    maps = read_pair(one, labels)
    if isinstance(maps, LeftOut) or reference_digest(maps.reference, maps.affine_ras) != digest:
        raise DatalistError(f"The reference of study '{one.study}' is not the one that was scored.")
    prediction = np.zeros_like(maps.reference) if maps.prediction is None else maps.prediction
    study = StudyMaps(maps.prediction, maps.reference, read_image(one, maps), maps.affine_ras, labels.names)
    title = f"Study {place.shown.rank}"
    return png_of_pixels(draw_study(study, error_site(prediction, maps.reference), title=title).png)

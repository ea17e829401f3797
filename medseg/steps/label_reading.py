"""Read a prediction and its reference into classes on one grid; what is wrong with either is told, not raised."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from medseg.core.errors import GeometryError, MedsegError
from medseg.core.geometry import grid_difference
from medseg.core.types import Affine, FloatArray, LabelArray
from medseg.io.formats import is_picture, reader_of
from medseg.metrics.scores import image_edges_mm
from medseg.steps.label_classes import Labels
from medseg.steps.label_maps import LabelFile
from medseg.steps.label_opening import OpenMap, common_grid, open_map, read_classes
from medseg.steps.label_pairs import Pair, Pairs
from medseg.steps.label_search import raise_alike

LOG = logging.getLogger("medseg")


@dataclass(frozen=True)
class PairMaps:
    """A study as read.

    Attributes:
        study: Its id.
        prediction: Classes (I, J, K), uint8, 0 for background; None where it cannot be used.
        reference: The same, on the same grid.
        affine_ras: Of both.
        failure: Why there is no prediction, one sentence; empty where there is one.
        image_mm: Edges of the image that the reference was drawn on, for penalties. For a SEG these are of its own
            grid, whatever the prediction's is, so that penalties of two models are equal; None where unknown.
    """

    study: str
    prediction: LabelArray | None
    reference: LabelArray
    affine_ras: Affine
    failure: str = ""
    image_mm: tuple[float, ...] | None = None


@dataclass(frozen=True)
class LeftOut:
    """A study whose reference cannot be used, so that nothing can be said of its prediction.

    Attributes:
        study: Its id.
        sentence: Why.
    """

    study: str
    sentence: str


def look(pairs: Pairs, labels: Labels) -> Pairs:
    """What headers tell before the long work; also the voxels of the first, the middle and the last reference.

    Args:
        pairs: As paired.
        labels: What is scored.

    Returns:
        The pairs without those whose reference cannot be used, and without predictions that cannot; each with why.

    Raises:
        DatalistError: No reference can be used, or none of the three holds a label map: it is the wrong folder.
    """
    seen = [look_at(one, labels) for one in pairs.pairs]
    left = tuple(one for one in seen if isinstance(one, Pair))
    sentences = [one.sentence for one in seen if isinstance(one, LeftOut)]
    if not left:
        raise_alike("No reference can be used", sentences)
    tried = dict.fromkeys((0, len(left) // 2, len(left) - 1))
    faults = [one.sentence for n in tried if isinstance(one := read_pair(_alone(left[n]), labels), LeftOut)]
    if len(faults) == len(tried):
        raise_alike("The references hold no label maps to score", faults)
    return replace(pairs, pairs=left, left_out=(*pairs.left_out, *sentences))


def look_at(pair: Pair, labels: Labels) -> Pair | LeftOut:
    """One pair by its headers: as it is, without a prediction that cannot be used, or left out."""
    try:
        reference = open_map(pair.reference, labels.of_reference(), labels)
        _image_of(reference)
    except Exception as error:
        return _left_out(pair, error)
    if pair.prediction is None:
        return pair
    try:
        common_grid(open_map(pair.prediction, labels.of_prediction(pair.prediction), labels), reference)
    except Exception as error:
        return replace(pair, prediction=None, reason=_failure(error))
    return pair


def read_pair(pair: Pair, labels: Labels) -> PairMaps | LeftOut:
    """Both label maps of a study as classes on one grid.

    The grid is the reference's; that of a NIfTI prediction where the reference is a SEG, which leaves out slices
    without any segment; the smallest that holds both where both are SEG. A SEG without a usable prediction is read on
    its own grid. A SEG that has no such grid cannot be used, whatever the prediction is: nothing tells the penalty.

    Args:
        pair: The study.
        labels: What is scored.

    Returns:
        The maps; without a prediction, and with the reason, where it cannot be used. Where the reference cannot be
        used, why. Only want of memory is raised.
    """
    try:
        reference = open_map(pair.reference, labels.of_reference(), labels)
        image_mm = _image_of(reference)
        both = pair.reason if pair.prediction is None else _read_both(pair.prediction, reference, labels)
        if not isinstance(both, str):
            return PairMaps(pair.study, *both, image_mm=image_mm)
        grid = reference.own_grid
        classes = read_classes(reference, grid, labels)
        return PairMaps(pair.study, None, classes, grid.affine_ras, both, image_mm)
    except Exception as error:
        return _left_out(pair, error)


def read_image(pair: Pair, maps: PairMaps) -> FloatArray | None:
    """The image that a reference was drawn on, (I, J, K) float32; None where there is none on the grid of the maps."""
    image = pair.reference.image
    if image is None:
        return None
    try:
        volume = reader_of(image.path).volume(image.path, image.index)
    except MedsegError:
        LOG.debug("image of study %s", pair.study, exc_info=True)
        return None
    if len(volume.array) != 1 and not is_picture(image.path):
        return None
    apart = grid_difference(volume.shape, volume.affine_ras, maps.reference.shape, maps.affine_ras)
    return None if apart else volume.array.mean(0)  # of an RGB picture its brightness


def _read_both(file: LabelFile, reference: OpenMap, labels: Labels) -> tuple[LabelArray, LabelArray, Affine] | str:
    """Prediction, reference and where they lie, or why the prediction cannot be used; raises over the reference."""
    try:
        opened = open_map(file, labels.of_prediction(file), labels)
        grid = common_grid(opened, reference)
        prediction = read_classes(opened, grid, labels)
    except Exception as error:
        return _failure(error)
    try:
        return prediction, read_classes(reference, grid, labels), grid.affine_ras
    except GeometryError as error:  # only a SEG can reach beyond the grid, which then is that of the prediction
        return f"the prediction does not hold the whole reference: {error}"


def _image_of(reference: OpenMap) -> tuple[float, ...]:
    """Edges in mm of the grid of a reference by itself.

    Raises:
        GeometryError: The frames of a SEG lie on no regular grid.
    """
    return image_edges_mm(reference.own_grid.shape, reference.own_grid.affine_ras)


def _alone(pair: Pair) -> Pair:
    return replace(pair, prediction=None, reason="not asked for")


def _failure(error: Exception) -> str:
    sentence = _sentence(error)
    return (
        f"the prediction {sentence}" if sentence.startswith("is on") else f"the prediction cannot be used: {sentence}"
    )


def _left_out(pair: Pair, error: Exception) -> LeftOut:
    return LeftOut(pair.study, f"study '{pair.study}' is left out, its reference cannot be used: {_sentence(error)}")


def _sentence(error: Exception) -> str:
    """What is wrong with a file, whatever was raised over it; want of memory is not the file's fault.

    Raises:
        MemoryError: As given.
    """
    if isinstance(error, MemoryError):
        raise error
    if isinstance(error, MedsegError):
        return " ".join(str(error).split())
    LOG.debug("label map", exc_info=error)
    return f"{type(error).__name__}: {' '.join(str(error).split())}"

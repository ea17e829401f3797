"""Score the hold-out as a user would see it: through inference, on each study's own grid."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from medseg.core.labels import LabelSet, map_values
from medseg.core.study import Study
from medseg.engine.inference import Predictor
from medseg.engine.scoring import score_study
from medseg.io.study import read_study, read_study_label
from medseg.metrics.summary import Summary, summarise
from medseg.runs.folder import RunFolder
from medseg.runs.pictures import draw_overlay
from medseg.runs.table import format_table, write_csv

MOST_PICTURES = 8  # a picture takes longer than segmenting a small study, and time is that of the training
RULE = "A region absent from both prediction and reference is not scored (-); absent from one of them it scores 0."


@dataclass(frozen=True)
class Holdout:
    """Scores of studies the model never saw.

    Attributes:
        scores: Study id to Dice per scored name; nan where not scored.
        summaries: Scored name to its mean and interval.
    """

    scores: Mapping[str, Mapping[str, float]]
    summaries: Mapping[str, Summary]

    def table(self) -> str:
        """Dice per study and name, and their means with intervals, for a terminal."""
        names = list(self.summaries)
        rows: list[list[object]] = [[study, *(dice[name] for name in names)] for study, dice in self.scores.items()]
        rows.append(["mean", *(self.summaries[name].mean for name in names)])
        lines = [format_table(["Dice on hold-out", *names], rows), RULE]
        return "\n".join(lines + [interval_line(name, summary) for name, summary in self.summaries.items()])

    def record(self) -> dict[str, dict[str, float | int | None]]:
        """Mean, interval and number of studies of each scored name for run.json; None where there is none."""
        return {name: one.record() for name, one in self.summaries.items()}


def interval_line(name: str, summary: Summary) -> str:
    """Mean, interval and number of studies of one name, in words; of patients too where they are fewer."""
    besides = f" of {summary.patients} patients" if summary.patients < summary.n else ""
    besides += f", {summary.not_scored} not scored" if summary.not_scored else ""
    if math.isnan(summary.low):
        return f"{name}: {summary.mean:.3f} (n = {summary.n}{besides}; too few for an interval)"
    return (
        f"{name}: {summary.mean:.3f}, 95 % interval {summary.low:.3f} to {summary.high:.3f} (n = {summary.n}{besides})"
    )


def score_holdout(
    studies: Sequence[Study],
    predictor: Predictor,
    *,
    labels: LabelSet,
    class_of_value: Mapping[int, int],
    run: RunFolder,
    seed: int,
    advance: Callable[[], None],
) -> Holdout:
    """Segment and score studies on their own grids, and draw those that fared worst.

    Args:
        studies: Labelled studies the model was neither trained on nor chosen by.
        predictor: What will be shipped.
        labels: What is scored.
        class_of_value: Label value in the reference files to class index.
        run: Gets holdout.csv and overlays/.
        seed: Of the bootstrap.
        advance: Called after each study.
    """
    scores: dict[str, dict[str, float]] = {}
    lowest: list[_Outcome] = []
    written = labels.class_of_value()
    for study in studies:
        reference = map_values(read_study_label(study)[0], class_of_value)
        prediction = map_values(predictor.predict(read_study(study)), written)
        scores[study.id] = score_study(prediction, reference, labels)
        packed = zlib.compress(prediction.tobytes(), 1)
        lowest = sorted([*lowest, _Outcome(study, scores[study.id], packed)], key=_mean)[:MOST_PICTURES]
        advance()
    patients = [study.patient for study in studies]
    summaries = {
        name: summarise([dice[name] for dice in scores.values()], seed=seed, patients=patients)
        for name in labels.scored
    }
    write_csv(run.holdout, ["study", *labels.scored], [[key, *dice.values()] for key, dice in scores.items()])
    for outcome in lowest:
        _draw(outcome, labels, class_of_value, run)
    return Holdout(scores, summaries)


@dataclass(frozen=True)
class _Outcome:
    """A segmented study with its label map, zlib-compressed: several of a whole CT would take a GiB."""

    study: Study
    dice: Mapping[str, float]
    prediction: bytes


def _mean(outcome: _Outcome) -> float:
    """Of what is scored; a study in which nothing is comes last."""
    scored = [value for value in outcome.dice.values() if not math.isnan(value)]
    return sum(scored) / len(scored) if scored else math.inf


def _draw(outcome: _Outcome, labels: LabelSet, class_of_value: Mapping[int, int], run: RunFolder) -> None:
    study, volume = outcome.study, read_study(outcome.study)
    reference = map_values(read_study_label(study)[0], class_of_value)
    prediction = np.frombuffer(zlib.decompress(outcome.prediction), reference.dtype).reshape(reference.shape)
    shown = ", ".join(
        f"{name} -" if math.isnan(value) else f"{name} {value:.2f}" for name, value in outcome.dice.items()
    )
    names, title = [label.name for label in labels.labels], f"{study.id}   Dice {shown}"
    # The last channel: FLAIR in BraTS, where the whole tumour shows best.
    channel = volume.array[-1].astype("float32")
    picture = run.overlays / f"{study.id}.png"
    draw_overlay(channel, prediction, reference, volume.affine_ras, names, picture, title)

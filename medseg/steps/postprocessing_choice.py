"""Choose the end of a bundle's postprocessing on predictions for studies that the model had not seen.

Candidates are tried one by one on top of what is kept so far; the best one that helps is kept, until none does. To
help, a step must not lower the mean Dice of any label or region, and must raise the mean Dice over labels or lower
their mean HD95 by more than a margin, in an interval over patients that excludes 0: a step that tidies two scans of two
hundred is noise, and stays out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from medseg.bundle.postprocessing import Cleaning, fill_holes, keep_largest, keep_largest_of_all, remove_small_parts
from medseg.bundle.postprocessing_write import edited, write_cleanings
from medseg.bundle.read import Bundle
from medseg.core.files import without_nan
from medseg.core.geometry import voxel_ml
from medseg.runs.table import format_table
from medseg.steps.postprocessing_gain import Trial, judge, means
from medseg.steps.postprocessing_trials import LabelledStudy, try_steps

FEWEST_PATIENTS = 20  # below, an interval over patients says too little to keep anything
_SMALL_SHARES = (0.01, 0.05, 0.2)  # of a small patient's labels together: up to this, a part is tried as an island
_SMALL_PATIENT = 0.05  # quantile over studies that stands for a small patient
_HALF_VOXEL = 0.5  # with voxels of a whole volume, rounding of the spacing must not decide whether a part is smaller


@dataclass(frozen=True)
class PostprocessingChoice:
    """What was tried and what is kept.

    Attributes:
        trials: Every candidate of every round, those that do not help among them.
        patients: Over how many.
        studies: Over how many.
        before: Mean Dice and mean HD95 in mm over labels and studies, as predicted; nan where nothing was tried.
        after: The same with what is kept.
        note: The outcome in a sentence.
    """

    trials: tuple[Trial, ...]
    patients: int
    studies: int
    before: tuple[float, float]
    after: tuple[float, float]
    note: str

    @property
    def kept(self) -> tuple[Trial, ...]:
        """In the order in which the steps work."""
        return tuple(trial for trial in self.trials if trial.kept)

    def table(self) -> str:
        """Every trial for a terminal, then the outcome."""
        headers = ["round", "step", "Dice", "HD95 mm", "better", "worse", "outcome"]
        rows = [
            [one.round, one.step.words, one.dice.words(), one.hd95_mm.words(), one.better, one.worse, one.outcome]
            for one in self.trials
        ]
        return "\n".join([*([format_table(headers, rows)] if rows else []), self.note])

    def record(self) -> dict[str, Any]:
        """As plain values, for run.json."""
        return {
            "note": self.note,
            "patients": self.patients,
            "studies": self.studies,
            "dice": without_nan({"before": self.before[0], "after": self.after[0]}),
            "hd95_mm": without_nan({"before": self.before[1], "after": self.after[1]}),
            "trials": [one.record() for one in self.trials],
        }


def choose_postprocessing(
    studies: Sequence[LabelledStudy],
    bundle: Bundle,
    *,
    seed: int = 0,
    workers: int = 1,
    advance: Callable[[], None] = lambda: None,
) -> PostprocessingChoice:
    """Try what may tidy the label maps of a bundle, and keep what helps.

    The gain is measured on the studies that choose, so it is a little better than it will be on others.

    Args:
        studies: Out-of-fold or validation predictions with references; all that there are.
        bundle: Whose chain made the predictions; names labels and regions.
        seed: Of the bootstrap.
        workers: Processes.
        advance: Called after each study of each round.
    """
    patients = [study.patient for study in studies]
    count = len(set(patients))
    if count < FEWEST_PATIENTS:
        note = f"Nothing is chosen on {count} patients; {FEWEST_PATIENTS} are needed to tell a gain from chance."
        return PostprocessingChoice((), count, len(studies), (math.nan,) * 2, (math.nan,) * 2, note)
    kept: list[Cleaning] = []
    trials: list[Trial] = []
    candidates = candidates_for(studies, bundle)
    scored = bundle.labels.scored
    before: tuple[float, float] | None = None
    while True:
        left = [one for one in candidates if one not in kept]
        found = try_steps(studies, bundle, kept=kept, candidates=left, workers=workers, advance=advance)
        now = [one.now for one in found]
        before = before or means(now, scored)
        compare = partial(judge, now=now, round_number=len(kept) + 1, scored=scored, patients=patients, seed=seed)
        tried = [compare(step, then=[one.then[n] for one in found]) for n, step in enumerate(left)]
        best = max((one for one in tried if one.helps), key=lambda one: one.gain, default=None)
        trials += [replace(one, kept=one is best) for one in tried]
        if best is None:
            note = _note(kept, count)
            return PostprocessingChoice(tuple(trials), count, len(studies), before, means(now, scored), note)
        kept.append(best.step)


def candidates_for(studies: Sequence[LabelledStudy], bundle: Bundle) -> list[Cleaning]:
    """What is tried: largest part and filled holes of each label, largest part and smallest parts of all together."""
    labels = bundle.labels.labels
    steps = [keep_largest(label.name, label.value) for label in labels]
    steps += [fill_holes(label.name, label.value) for label in labels]
    if len(labels) > 1:
        steps.append(keep_largest_of_all([label.value for label in labels]))
    return steps + [remove_small_parts(most_mm3) for most_mm3 in _small_volumes_mm3(studies)]


def check_postprocessing(bundle_folder: Path, choice: PostprocessingChoice) -> None:
    """Raise what ``write_postprocessing`` would raise, and write nothing."""
    edited(bundle_folder, _cleanings(choice))


def write_postprocessing(bundle_folder: Path, choice: PostprocessingChoice) -> None:
    """Write what was kept into a bundle's inference.yaml, each step with its measured gain; nothing kept, no change.

    Raises:
        BundleError: The file cannot be edited; it is as it was.
        OutputError: The file cannot be written.
    """
    write_cleanings(bundle_folder, _cleanings(choice))


def _cleanings(choice: PostprocessingChoice) -> list[tuple[Cleaning, str]]:
    return [(one.step, _comment(one, choice)) for one in choice.kept]


def _small_volumes_mm3(studies: Sequence[LabelledStudy]) -> list[float]:
    """A few volumes up to which a part may be an island; none that is no larger than a voxel."""
    volumes, voxels = [], []
    for study in studies:
        maps = study.read()
        voxels.append(1000.0 * voxel_ml(maps.affine_ras))
        volumes.append(np.count_nonzero(maps.reference) * voxels[-1])
    labelled = [volume for volume in volumes if volume]
    small = float(np.quantile(labelled, _SMALL_PATIENT)) if labelled else 0.0
    rounded = dict.fromkeys(float(f"{share * small:.2g}") for share in _SMALL_SHARES)
    return [volume - _HALF_VOXEL * min(voxels) for volume in rounded if volume > min(voxels)]


def _note(kept: Sequence[Cleaning], patients: int) -> str:
    what = "; ".join(step.words for step in kept) or "nothing: no step is better than chance and its margin"
    return f"Postprocessing kept on {patients} patients: {what}."


def _comment(trial: Trial, choice: PostprocessingChoice) -> str:
    return (
        f"{trial.step.words}: Dice {trial.dice.mean:+.4f}, HD95 {trial.hd95_mm.mean:+.2f} mm, "
        f"mean over labels and the {choice.patients} patients that chose it, unseen by the model"
    )

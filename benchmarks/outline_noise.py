"""How much of what is missing to a Dice of 1 is in the reference outlines: how ragged they are, and what that costs.

Does:  smooths every reference by a majority of 3 x 3 x 3 voxels, label by label; takes the Dice of the reference with
       that (no smooth outline, however well placed, comes much closer) and how many more voxel faces its border has
       (raggedness); sets the scores of an evaluation beside both.
Needs: a folder of MSD Task04 Hippocampus, and the per_study.csv of an evaluation of it, best of a cross-validation.
Makes: a table on the terminal: studies in quarters of raggedness, their Dice with 95 % intervals; rank correlations.
Takes: a few seconds.
Run:   python benchmarks/outline_noise.py DATA EVALUATION/per_study.csv
"""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import nibabel as nib
import numpy as np
import numpy.typing as npt
from scipy.ndimage import median_filter
from scipy.stats import spearmanr

from medseg.metrics.summary import Summary, summarise

LABELS = {"anterior": 1, "posterior": 2}
Mask = npt.NDArray[np.bool_]


class Outline(NamedTuple):
    """A study: what its reference looks like, and how well it was segmented.

    Attributes:
        patient: Whose it is.
        raggedness: Voxel faces on the border of its labels, over those of the smoothed labels.
        smoothed: Mean Dice of its labels with themselves smoothed.
        dice: Mean Dice of the prediction.
    """

    patient: str
    raggedness: float
    smoothed: float
    dice: float


def outline(label_map: Path, patient: str, dice: float) -> Outline:
    """Measure one reference."""
    values = np.asarray(nib.load(label_map).dataobj)  # type: ignore[attr-defined]
    pairs = [(mask, median_filter(mask, size=3)) for mask in (values == value for value in LABELS.values())]
    ragged, smooth = (sum(_faces(pair[side]) for pair in pairs) for side in (0, 1))
    return Outline(patient, ragged / smooth, float(np.mean([_dice(*pair) for pair in pairs])), dice)


def _faces(mask: Mask) -> int:
    return sum(int(np.count_nonzero(np.diff(np.pad(mask, 1), axis=axis))) for axis in range(mask.ndim))


def _dice(a: Mask, b: Mask) -> float:
    return float(2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b)))


def read_scores(path: Path) -> dict[str, tuple[str, float]]:
    """Study to its patient and the mean Dice of its labels."""
    rows: dict[str, list[tuple[str, float]]] = defaultdict(list)
    with path.open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            if row["label"] in LABELS:
                rows[row["study"]].append((row["patient"], float(row["dice"])))
    return {study: (own[0][0], float(np.mean([dice for _, dice in own]))) for study, own in rows.items()}


def _mean(outlines: list[Outline]) -> Summary:
    return summarise([one.dice for one in outlines], seed=0, patients=[one.patient for one in outlines])


def main(data: Path, scores: Path) -> None:
    """Print the table."""
    outlines = [
        outline(data / "labelsTr" / f"{study}.nii.gz", patient, dice)
        for study, (patient, dice) in read_scores(scores).items()
    ]
    outlines.sort(key=lambda one: one.raggedness)
    for quarter in range(4):
        part = outlines[len(outlines) * quarter // 4 : len(outlines) * (quarter + 1) // 4]
        dice, smoothed = _mean(part), np.mean([one.smoothed for one in part])
        print(
            f"raggedness {part[0].raggedness:.2f} to {part[-1].raggedness:.2f}, {dice.n} studies of {dice.patients} "
            f"patients: Dice {dice.mean:.3f} ({dice.low:.3f} to {dice.high:.3f}); "
            f"the reference with itself smoothed {smoothed:.3f}"
        )
    dices = [one.dice for one in outlines]
    for name, values in (
        ("raggedness", [one.raggedness for one in outlines]),
        ("the reference with itself smoothed", [one.smoothed for one in outlines]),
    ):
        print(f"rank correlation of Dice with {name}: {spearmanr(dices, values).statistic:.2f} (n = {len(dices)})")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

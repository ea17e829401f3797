"""How the time of a cross-validation is shared among its folds."""

from __future__ import annotations

from dataclasses import dataclass, field

REPORT_S = 10.0  # tables, page and tracking at the end
SCORING_COST = 1.0  # scoring the label maps of a fold and trying postprocessing on them, against segmenting them
# Within its share a fold segments its hold-out for its own table, then for the label maps of all folds, and leaves as
# much to the scoring of all at the end.
PASSES = 3
# Of an equal share of the whole: what a fold gets where those before it took too long. The whole then ends late, by a
# twentieth for one of five; with nothing left it could never be finished.
LEAST = 0.25


@dataclass
class FoldsTime:
    """The time that is left, and what the work between trainings takes.

    Attributes:
        ends_at_s: When everything should be over, on the scale of time.monotonic.
        whole_s: The whole budget.
        folds: Number of folds in all.
        segmenting_s: What segmenting a hold-out took, for each fold it was done for so far.
    """

    ends_at_s: float
    whole_s: float
    folds: int
    segmenting_s: list[float] = field(default_factory=list)

    def share_s(self, now_s: float, folds_left: int) -> float:
        """Seconds for the next fold, with ``PASSES`` over its hold-out: an equal share of what is left.

        What one fold takes too long, all that come after it make good. Left to the end is what the folds before this
        one kept back for it.

        Args:
            now_s: The time, on the scale of ``ends_at_s``.
            folds_left: Folds that are not trained yet, the next one included; at least one.
        """
        mean_s = sum(self.segmenting_s) / max(1, len(self.segmenting_s))
        end_s = REPORT_S + SCORING_COST * mean_s * (self.folds - folds_left)
        return max((self.ends_at_s - now_s - end_s) / folds_left, LEAST * self.whole_s / self.folds)

"""How the time of a cross-validation is shared among its folds."""

from __future__ import annotations

from dataclasses import dataclass, field

REPORT_S = 10.0  # tables, page and tracking at the end
SCORING_COST = 1.0  # scoring a label map and trying postprocessing on it, against segmenting it
LEAST_S = 1.0  # a fold that gets less is refused by its own training, which says how much is missing


@dataclass
class FoldsTime:
    """The time that is left, and what the work between trainings takes.

    Attributes:
        ends_at_s: When everything should be over, on the scale of time.monotonic.
        folds: Number of folds in all.
        segmenting_s: What segmenting the hold-out of each fold took so far.
    """

    ends_at_s: float
    folds: int
    segmenting_s: list[float] = field(default_factory=list)

    def share_s(self, now_s: float, folds_left: int) -> float:
        """Seconds for the training of the next fold: an equal share of what is left.

        What one fold takes too long, all that come after it make good. Kept back are the segmenting of each hold-out,
        as long as the longest so far, and the evaluation and postprocessing of all at the end.

        Args:
            now_s: The time, on the scale of ``ends_at_s``.
            folds_left: Folds that are not trained yet, the next one included; at least one.
        """
        longest_s = max(self.segmenting_s, default=0.0)
        end_s = REPORT_S + SCORING_COST * longest_s * self.folds
        return max((self.ends_at_s - now_s - end_s) / folds_left - longest_s, LEAST_S)

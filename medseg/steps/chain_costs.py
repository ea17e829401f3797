"""What a bundle's chain costs at the spacings of a cohort: measured before the work, and remembered."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from medseg.core.types import Affine
from medseg.engine.inference import Predictor
from medseg.engine.rehearsal import Costs, rehearse, spacing_key
from medseg.steps.remembered import key_on_this_machine, recall, remember

LOG = logging.getLogger("medseg")
_MOST = 8  # spacings that are measured; each takes a tenth of a second
_GUESS = 32.0  # bytes per voxel and channel; where nothing is resampled shipped chains take 11 to 16


@dataclass
class ChainCosts:
    """Costs by spacing.

    Attributes:
        predictor: Whose chain it is.
        channels: Of a scan.
        chain: What the bundle says of its chain, as a key.
        memory: JSON file of what was measured before.
    """

    predictor: Predictor
    channels: int
    chain: object
    memory: Path
    _known: dict[str, Costs] = field(default_factory=dict)

    def learn(self, places: Iterable[Affine]) -> None:
        """Measure what is not known yet; in the main thread, as what other threads allocate would be counted.

        Args:
            places: Affines of the scans, the largest first; of many spacings only the first are measured.
        """
        for key, place in {self._key(place): place for place in places}.items():
            known = self._recalled(key)
            if known is None and len(self._known) < _MOST:
                known = self._measured(key, place)
            if known is not None:
                self._known[key] = known

    def at(self, place: Affine) -> Costs:
        """Of a scan of this direction and spacing; of one that was not learnt, the most of those that were."""
        known = self._known.get(self._key(place))
        return known or max(self._known.values(), key=lambda costs: costs.prepare, default=self._guess())

    def _guess(self) -> Costs:
        each = (1.0, 0.0)
        return Costs((0, 1, 2), (each, each, each), (_GUESS * self.channels, 0.0), (_GUESS, 0.0))

    def _key(self, place: Affine) -> str:
        return key_on_this_machine(["chain", self.chain, self.channels, list(spacing_key(place))])

    def _recalled(self, key: str) -> Costs | None:
        told = recall(self.memory, key)
        try:
            (a, b, c), (i, j, k) = told["order"], (_line(one) for one in told["sides"])
            return Costs((int(a), int(b), int(c)), (i, j, k), _line(told["prepare"]), _line(told["finish"]))
        except (KeyError, TypeError, ValueError):  # nothing, or what another version wrote
            return None

    def _measured(self, key: str, place: Affine) -> Costs:
        try:
            costs = rehearse(self.predictor, self.channels, place)
        except Exception:  # a chain that fails on a small scan may do well on the study; if not, that says why
            LOG.debug("rehearsal", exc_info=True)
            return self._guess()
        remember(self.memory, key, asdict(costs))
        return costs


def _line(told: Sequence[Any]) -> tuple[float, float]:
    slope, fixed = told
    return float(slope), float(fixed)

"""Where the sums of a study are kept so that it fits into memory, and what it will take, told before the work."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from medseg.core.errors import InferenceError
from medseg.core.in_words import gigabytes, size, times
from medseg.core.machine import free_memory_bytes, process_bytes
from medseg.core.types import Shape
from medseg.engine.footprint import RUNGS, Footprint, footprint, read_bytes
from medseg.engine.inference import Predictor
from medseg.steps.chain_costs import ChainCosts
from medseg.steps.job_grid import Grid
from medseg.transforms.part import Part

SHARE = 0.9  # of what is free, where the user names no limit: other programs want some too
MARGIN = 1.1  # by which a rung has to fit where there is a next one: what was told was up to this much too little
_PROGRAM = 2.5e8  # bytes; Python, torch and MONAI take this much where the system does not say what they do
# Voxels of all channels. Beside a network on two cores, reading and writing of smaller scans is mostly Python, which
# holds the network up: 50 hippocampus crops took 2.5 s so and 2.0 s one by one, 8 heads 11 s and 13 s.
_WORTH = 10**6
_SUMS = {"device": "on the device", "host": "in main memory", "disk": "on the disk"}


@dataclass
class MemoryPlan:
    """Decides study by study.

    Attributes:
        predictor: Segments them.
        costs: Of its chain.
        largest: Grid of the largest study; None where no header says.
        limit_gib: That the user allows, of this process; None for most of what is free.
        keeps_scan: Whether scans are shown in reports.
        say: Shows a line to the user.
        read_ahead: Shape of a scan that the process holds already; None for none.
        beside: Whether three studies are in memory at once; chosen by ``choose_overlap``.
    """

    predictor: Predictor
    costs: ChainCosts
    largest: Grid | None
    limit_gib: float | None
    keeps_scan: bool
    say: Callable[[str], None]
    read_ahead: Shape | None = None
    beside: bool = False
    _told: bool = False

    def __post_init__(self) -> None:
        holds = process_bytes() or 0
        first = 0 if self.read_ahead is None else read_bytes(self.costs.channels, self.read_ahead)
        self._base = max(holds - first, round(_PROGRAM))
        free = free_memory_bytes() + holds
        self.limit = round(self.limit_gib * 2**30) if self.limit_gib is not None else round(SHARE * free)

    def choose_overlap(self) -> None:
        """Three studies at once where that pays, and the largest fits three times, its sums where they are fastest."""
        if self.largest is not None and self._is_worth(self.largest.shape):
            most = self._footprint(self.largest, self.largest.shape)
            self.beside = self._base + most.three_studies(self._rungs(most)[0]) <= self.limit

    def _is_worth(self, shape: Shape) -> bool:
        return self.predictor.device.type != "cpu" or self.costs.channels * math.prod(shape) >= _WORTH

    def check_readable(self, grid: Grid | None) -> None:
        """Refuse a study before it is read.

        Raises:
            InferenceError: The scan alone would not fit.
        """
        if grid is not None:
            self._check(grid.shape, self._base + read_bytes(self.costs.channels, grid.shape, grid.stored))

    def rung(self, part: Part) -> str:
        """Where the sums of a study are kept.

        Args:
            part: The study was read.

        Raises:
            InferenceError: It does not fit, wherever they are.
        """
        if not self._told:
            self._tell(part)
        most = self._footprint(Grid(part.whole, part.affine_ras), part.volume.shape)
        rung = self._chosen(most)
        self._check(part.whole, self._total(most, rung))
        return rung

    def _chosen(self, most: Footprint) -> str:
        rungs = self._rungs(most)
        return next((rung for rung in rungs if MARGIN * self._total(most, rung) <= self.limit), rungs[-1])

    def _rungs(self, most: Footprint) -> tuple[str, ...]:
        """Those this machine has."""
        device = self.predictor.device
        fits = device.type == "cuda" and most.device < SHARE * torch.cuda.mem_get_info(device)[0]
        return RUNGS if fits else RUNGS[1:]

    def _total(self, most: Footprint, rung: str) -> int:
        return self._base + (most.three_studies(rung) if self.beside else most.one_study(rung))

    def _footprint(self, grid: Grid, part: Shape) -> Footprint:
        return footprint(
            grid.shape,
            part,
            self.costs.channels,
            self.predictor.members,
            self.costs.at(grid.affine_ras),
            keeps_scan=self.keeps_scan,
            extras=4 * ("uncertainty" in self.predictor.extras),
        )

    def _check(self, shape: Shape, needed: int) -> None:
        if needed > self.limit:
            raise InferenceError(
                f"a scan of {times(shape)} voxels takes about {size(needed)} of memory, "
                f"{size(self.limit)} are allowed. Give --max-memory more, or take another machine"
            )

    def _tell(self, part: Part) -> None:
        """The estimate for the largest study; of its scan the chain keeps the share that it keeps of the first."""
        self._told = True
        grid = self.largest or Grid(part.whole, part.affine_ras)
        share = (math.prod(part.volume.shape) / math.prod(part.whole)) ** (1 / 3)
        most = self._footprint(grid, _scaled(grid.shape, share))
        rung = self._chosen(most)
        total = self._total(most, rung)
        refused = f"; {gigabytes(self.limit / 2**30)} GiB are allowed" if total > self.limit else ""
        self.say(
            f"memory: about {gigabytes(total / 2**30)} GiB for {times(grid.shape)} voxels, sums {_SUMS[rung]}"
            f"{', three studies at a time' if self.beside else ''}{refused}"
        )


def _scaled(shape: Shape, share: float) -> Shape:
    return shape if share == 1.0 else tuple(max(1, round(side * share)) for side in shape)

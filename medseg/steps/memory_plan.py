"""Where the sums of a study are kept so that it fits into memory, and what it will take, told before the work."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch

from medseg.core.errors import InferenceError
from medseg.core.in_words import gigabytes, times
from medseg.core.machine import free_memory_bytes, process_bytes
from medseg.core.types import Affine, Shape
from medseg.engine.footprint import RUNGS, Footprint, footprint, read_bytes
from medseg.engine.inference import Predictor
from medseg.engine.rehearsal import Costs, rehearse, spacing_key
from medseg.steps.job_grid import Grid
from medseg.steps.remembered import key_on_this_machine, recall, remember
from medseg.transforms.part import Part

SHARE = 0.9  # of what is free, where the user names no limit: other programs want some too
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
        channels: Of a scan.
        chain: What the bundle says of its chain, as a key.
        memory: JSON file of what was measured before.
        largest: Grid of the largest study; None where no header says.
        limit_gib: That the user allows, of this process; None for most of what is free.
        keeps_scan: Whether scans are shown in reports.
        say: Shows a line to the user.
        beside: Whether three studies are in memory at once; chosen by ``choose_overlap``.
    """

    predictor: Predictor
    channels: int
    chain: object
    memory: Path
    largest: Grid | None
    limit_gib: float | None
    keeps_scan: bool
    say: Callable[[str], None]
    beside: bool = False
    _costs: dict[str, Costs] = field(default_factory=dict)
    _told: bool = False

    def __post_init__(self) -> None:
        self._base = process_bytes() or round(_PROGRAM)
        free = free_memory_bytes() + self._base
        self.limit = round(self.limit_gib * 2**30) if self.limit_gib is not None else round(SHARE * free)

    def choose_overlap(self) -> None:
        """Three studies at once where that pays, and the largest fits three times, its sums where they are fastest."""
        if self.largest is not None and self._is_worth(self.largest.shape):
            shape = self.largest.shape
            most = self._footprint(shape, shape, self.largest.affine_ras)
            self.beside = self._base + most.three_studies(self._rungs(most)[0]) <= self.limit

    def _is_worth(self, shape: Shape) -> bool:
        return self.predictor.device.type != "cpu" or self.channels * math.prod(shape) >= _WORTH

    @property
    def may_refuse_unread(self) -> bool:
        """Whether there is a study whose scan alone would not fit, as far as headers tell."""
        return self.largest is not None and self._base + read_bytes(self.channels, self.largest.shape) > self.limit

    def check_readable(self, grid: Grid | None) -> None:
        """Refuse a study before it is read.

        Raises:
            InferenceError: The scan alone would not fit.
        """
        if grid is not None:
            self._check(grid.shape, self._base + read_bytes(self.channels, grid.shape))

    def rung(self, part: Part) -> str:
        """Where the sums of a study are kept.

        Args:
            part: The study was read.

        Raises:
            InferenceError: It does not fit, wherever they are.
        """
        most = self._footprint(part.whole, part.volume.shape, part.affine_ras)
        if not self._told:
            self._base = self._base_now(part)
        rungs = self._rungs(most)
        chosen = next((rung for rung in rungs if self._total(most, rung) <= self.limit), rungs[-1])
        self._check(part.whole, self._total(most, chosen))
        if not self._told:
            self._tell(part, chosen)
        return chosen

    def _rungs(self, most: Footprint) -> tuple[str, ...]:
        """Those this machine has."""
        device = self.predictor.device
        fits = device.type == "cuda" and most.device < SHARE * torch.cuda.mem_get_info(device)[0]
        return RUNGS if fits else RUNGS[1:]

    def _total(self, most: Footprint, rung: str) -> int:
        return self._base + (most.three_studies(rung) if self.beside else most.one_study(rung))

    def _footprint(self, scan: Shape, part: Shape, affine: Affine) -> Footprint:
        return footprint(
            scan,
            part,
            self.channels,
            self.predictor.members,
            self._costs_at(affine),
            keeps_scan=self.keeps_scan,
            extras=4 * ("uncertainty" in self.predictor.extras),
        )

    def _costs_at(self, affine: Affine) -> Costs:
        key = key_on_this_machine(["chain", self.chain, self.channels, list(spacing_key(affine))])
        if key not in self._costs:
            known = recall(self.memory, key)
            self._costs[key] = Costs(**known) if known else rehearse(self.predictor, self.channels, affine)
            if not known:
                remember(self.memory, key, asdict(self._costs[key]))
        return self._costs[key]

    def _base_now(self, part: Part) -> int:
        """What the process holds beside the first study, which was read."""
        held = process_bytes()
        if held is None:
            return self._base
        cut = part.volume.array.nbytes if part.volume.shape != part.whole else 0
        return max(held - read_bytes(self.channels, part.whole) - cut, round(_PROGRAM))

    def _check(self, shape: Shape, needed: int) -> None:
        if needed > self.limit:
            raise InferenceError(
                f"a scan of {times(shape)} voxels takes {gigabytes(needed / 2**30)} GiB of memory, "
                f"{gigabytes(self.limit / 2**30)} GiB are allowed. Give --max-memory more, or take another machine"
            )

    def _tell(self, part: Part, rung: str) -> None:
        """The estimate for the largest study; of its scan the chain keeps the share that it keeps of the first."""
        self._told = True
        shape, affine = self.largest or Grid(part.whole, part.affine_ras)
        share = (math.prod(part.volume.shape) / math.prod(part.whole)) ** (1 / 3)
        kept = tuple(max(1, round(side * share)) for side in shape) if part.volume.shape != part.whole else shape
        most = self._footprint(shape, kept, affine)
        rung = next((one for one in RUNGS[RUNGS.index(rung) :] if self._total(most, one) <= self.limit), "disk")
        self.say(
            f"memory: {gigabytes(self._total(most, rung) / 2**30)} GiB at most, for {times(shape)} voxels, sums "
            f"{_SUMS[rung]}{', three studies at a time' if self.beside else ''}"
        )

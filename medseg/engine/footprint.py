"""How much main memory a study takes from its reading to its label map, known before it is taken."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from medseg.core.types import Shape
from medseg.engine.averaging import Member
from medseg.engine.native import AT_ONCE
from medseg.engine.rehearsal import Costs
from medseg.engine.sliding import PLANES

RUNGS = ("device", "host", "disk")  # where the sums of windows are kept, the fastest first
_FLOAT = 4  # bytes
# Measured (Linux, glibc 2.36, four networks): blocks of a network that come and go do not fit into each other's holes;
# the first window brings kernels, compiled for this machine, and threads, more of them in fp32 and the plain layout;
# and weights are put into another order on their way.
_BROKEN_UP = 1.5
_KERNELS = {"fp32": 120_000_000}  # bytes, by precision
_KERNELS_ELSE = 45_000_000
_WEIGHTS = 2
_SLAB_COPIES = 3  # of a slab: the quotient, its copy without nan, and what is made of it


@dataclass(frozen=True)
class Footprint:
    """Bytes in main memory beside the program and its networks, step by step.

    Attributes:
        read: While the scan is read.
        prepare: While it is preprocessed.
        look: While networks see it, for each rung of ``RUNGS``.
        finish: While its results are made and written.
        device: On the networks' device, where image and sums are there.
    """

    read: int
    prepare: int
    look: Mapping[str, int]
    finish: int
    device: int

    def one_study(self, rung: str) -> int:
        """At most, where one study is done after the other."""
        return max(self.read, self.prepare, self.look[rung], self.finish)

    def three_studies(self, rung: str) -> int:
        """At most, where the next is read and the one before written while one is seen."""
        return max(self.read, self.prepare) + self.look[rung] + self.finish


def read_bytes(channels: int, scan: Shape, stored: int = 2) -> int:
    """While channels are read one by one: all in fp32; of the one at hand what is unpacked, a copy, and it in fp64.

    Args:
        channels: Of the scan.
        scan: Its shape.
        stored: Bytes of a voxel in its file. Whole numbers may be scaled on reading, which nibabel does in fp64.
    """
    one = 2 * stored + (8 if stored < _FLOAT else 0) + (_FLOAT if channels > 1 else 0)
    return (_FLOAT * channels + one) * math.prod(scan)


def footprint(
    scan: Shape,
    part: Shape,
    channels: int,
    members: Sequence[Member],
    costs: Costs,
    *,
    keeps_scan: bool,
    extras: int = 0,
) -> Footprint:
    """Bytes that a study takes.

    Args:
        scan: Shape of the scan.
        part: Shape of what its chain keeps of it.
        channels: Of both.
        members: The networks that see it.
        costs: Of its chain.
        keeps_scan: Whether the scan is shown in a report.
        extras: Bytes per voxel of the scan that are told beside the label map.
    """
    whole, kept = math.prod(scan), math.prod(part)
    cut = _FLOAT * channels * kept if kept < whole else 0
    scan_bytes = _FLOAT * channels * whole
    image = costs.image(part)
    is_resampled = sorted(image) != sorted(part)
    back = 4 * _FLOAT * min(AT_ONCE, members[0].classes * max(kept, math.prod(image))) if is_resampled else 0
    at_end = (scan_bytes if keeps_scan else 0) + _FLOAT * channels * math.prod(image) + (1 + extras) * whole
    sums = sum(_sums(one, image) for one in members)
    counts = sum(_counts(one, image) for one in members)
    passing = back + sum(_slabs(one, image) for one in members)
    through = sum(_through(one, image) for one in members)
    on_cpu = members[0].forward.device.type == "cpu"
    look = at_end + passing + (through if on_cpu else 0)
    return Footprint(
        max(read_bytes(channels, scan), scan_bytes + cut + whole),
        (scan_bytes if keeps_scan or not cut else 0) + cut + costs.prepare_bytes(kept),
        {"device": at_end, "host": look + counts + sums, "disk": look + counts},
        at_end + costs.finish_bytes(whole) + 2 * whole,
        _FLOAT * channels * math.prod(image) + passing + counts + sums + through,
    )


def _sides(member: Member, image: Sequence[int]) -> list[int]:
    """Of a window; of the image where MONAI runs the inferer, which keeps all that the network says."""
    sizes = member.window.size if member.window else (None, None, None)
    return [own or side for own, side in zip(sizes, image, strict=True)]


def _plane(member: Member, image: Sequence[int]) -> int:
    _, j, k = (max(pair) for pair in zip(image, _sides(member, image), strict=True))
    return j * k


def _counts(member: Member, image: Sequence[int]) -> int:
    return _FLOAT * _plane(member, image) * _sides(member, image)[0]


def _sums(member: Member, image: Sequence[int]) -> int:
    return member.classes * _counts(member, image)


def _slabs(member: Member, image: Sequence[int]) -> int:
    planes = PLANES if member.window else image[0]
    return _SLAB_COPIES * _FLOAT * member.classes * _plane(member, image) * min(planes, image[0])


def _through(member: Member, image: Sequence[int]) -> int:
    """Windows on their way through a network, its kernels, and its weights in another order."""
    windows = member.window.batch if member.window else 1
    kernels = _KERNELS.get(member.forward.mode.precision.name, _KERNELS_ELSE)
    weights = _WEIGHTS * sum(one.nbytes for one in member.forward.network.parameters())
    return kernels + weights + round(_BROKEN_UP * member.voxel_bytes * math.prod(_sides(member, image)) * windows)

"""From what networks say of a preprocessed image to the grid of its volume, slab by slab."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch

from medseg.core.types import LabelArray
from medseg.engine.sliding import Slab
from medseg.transforms.way_back import WayBack

AT_ONCE = 2**23  # values on their way through interpolation, 32 MiB of them


class Planes(NamedTuple):
    """What is said of some planes of a volume whose axes run as those of the image.

    Attributes:
        place: Where, along the three axes, as numpy takes it.
        values: (classes, n, J, K), zeros where nothing is said.
    """

    place: tuple[npt.NDArray[np.int64] | slice, slice, slice]
    values: torch.Tensor


class Taker(Protocol):
    """Makes something of planes as they come."""

    def take(self, planes: Planes) -> None:
        """Take some; each plane comes once, those of which nothing is said not at all."""


class Labels:
    """The class with the highest value in each voxel; where nothing is said it is 0.

    So it is in a bundle's own chain, whose ``Invertd`` puts zeros there: the first of classes that are all alike wins.

    Args:
        back: Where the image lies in the volume.
    """

    def __init__(self, back: WayBack) -> None:
        self.array: LabelArray = np.zeros(back.native, np.uint8)
        self._turned = back.turned(self.array)

    def take(self, planes: Planes) -> None:
        """Take some planes."""
        self._turned[planes.place] = highest(planes.values).cpu().numpy()


def highest(values: torch.Tensor) -> torch.Tensor:
    """Index in uint8 of the highest value along the first axis, the first of those that are alike; no nan among them.

    Class by class: argmax steps from class to class in memory, and takes ten times as long on a CPU.
    """
    best, index = values[0], torch.zeros(values.shape[1:], dtype=torch.uint8, device=values.device)
    for n in range(1, len(values)):
        index.masked_fill_(values[n] > best, n)
        best = torch.maximum(best, values[n])
    return index


def to_native(parts: Iterator[Slab], back: WayBack, *takers: Taker) -> None:
    """Hand on what is said of an image, interpolated linearly to the voxels of its volume.

    Args:
        parts: Slabs of the image, first to last; nan where nothing is said.
        back: Where the image lies in the volume.
        takers: Get every plane of which something is said.
    """
    for planes in _kept(parts, back) if back.keeps_voxels else _interpolated(parts, back):
        for taker in takers:
            taker.take(planes)


def _kept(parts: Iterator[Slab], back: WayBack) -> Iterator[Planes]:
    i, j, k = back.corner
    for first, values in parts:
        n, rows, columns = values.shape[1:]
        place = (slice(i + first, i + first + n), slice(j, j + rows), slice(k, k + columns))
        yield Planes(place, values.nan_to_num_(nan=0.0))


class _Ends(NamedTuple):
    """Linear interpolation along an axis: voxels ``low`` and ``low + 1`` of the image, the second by ``share``."""

    low: torch.Tensor
    share: torch.Tensor


def _interpolated(parts: Iterator[Slab], back: WayBack) -> Iterator[Planes]:
    ends = [_ends(back, axis) for axis in range(3)]
    done, last, before = 0, 0, None
    for first, said in parts:
        values = said.nan_to_num(nan=0.0)
        # One plane of the slab before, and nothing before the first: what is cropped off counts as zeros.
        joined = torch.cat([torch.zeros_like(values[:, :1]) if before is None else before, values], dim=1)
        last = first + values.shape[1]
        reach = int(torch.searchsorted(ends[0].low, last - 1))
        yield from _between_planes(joined, first - 1, range(done, reach), ends)
        done, before = reach, values[:, -1:].clone()
    if before is not None:
        joined = torch.cat([before, torch.zeros_like(before)], dim=1)
        yield from _between_planes(joined, last - 1, range(done, len(ends[0].low)), ends)


def _between_planes(planes: torch.Tensor, first: int, wanted: range, ends: list[_Ends]) -> Iterator[Planes]:
    """The volume's planes of ``wanted`` that lie between the image's, which are ``planes`` from its ``first`` on."""
    low, share = (one[wanted.start : wanted.stop] for one in ends[0])
    inside = torch.nonzero((low >= first) & (low + 1 < first + planes.shape[1]))[:, 0]
    plane = max(planes[0, 0].numel(), len(ends[1].low) * len(ends[2].low))  # before and behind
    at_once = max(1, AT_ONCE // (len(planes) * plane))
    for some in inside.split(at_once):
        values = _between(planes, 1, _Ends(low[some] - first, share[some]))
        for axis in (1, 2):
            values = _between(_framed(values, axis + 1), axis + 1, _Ends(ends[axis].low + 1, ends[axis].share))
        yield Planes(((wanted.start + some).numpy(), slice(None), slice(None)), values)


def _ends(back: WayBack, axis: int) -> _Ends:
    places = torch.from_numpy(back.places(axis))
    low = places.floor().clamp_(max=back.size[axis] - 1)
    return _Ends(low.long(), (places - low).float())


def _framed(values: torch.Tensor, dim: int) -> torch.Tensor:
    """With a plane of zeros before and behind."""
    zeros = torch.zeros_like(values.narrow(dim, 0, 1))
    return torch.cat([zeros, values, zeros], dim=dim)


def _between(values: torch.Tensor, dim: int, ends: _Ends) -> torch.Tensor:
    low, share = ends.low.to(values.device), ends.share.to(values.device)
    share = share.view([-1 if n == dim else 1 for n in range(values.ndim)])
    return torch.lerp(values.index_select(dim, low), values.index_select(dim, low + 1), share)

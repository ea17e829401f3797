"""What one network says of an image, or several on average, each of its mirror images too, slab by slab."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations

import torch
from monai.inferers import Inferer

from medseg.core.window import Window
from medseg.engine.forward import Forward
from medseg.engine.sliding import PLANES, Network, Slab, slabs
from medseg.engine.sums import InMemory, MakeSums
from medseg.engine.windows import Plan


@dataclass(frozen=True)
class Member:
    """One of the networks that are averaged.

    Attributes:
        forward: The network, as it is run.
        inferer: Its own window; members may differ in it.
        window: The same for the loop of medseg; None where MONAI has to run the inferer.
        classes: It tells apart, background among them.
        voxel_bytes: Memory that a voxel of a window takes on its way through the network.
    """

    forward: Forward
    inferer: Inferer
    window: Window | None
    classes: int = 0
    voxel_bytes: float = 0.0


Plans = Callable[[Window], Plan]


def logit_slabs(image: torch.Tensor, member: Member, plan: Plans, *, make_sums: MakeSums = InMemory) -> Iterator[Slab]:
    """What one network says, blended over its windows.

    Args:
        image: Preprocessed (C, I, J, K), on the network's device.
        member: The network.
        plan: Lays windows over the image.
        make_sums: Makes the array of the sums.
    """
    if member.window is None:
        yield Slab(0, _by_monai(image, member))
        return
    yield from slabs(image, member.forward, plan(member.window), member.window, make_sums=make_sums)


def mean_slabs(
    image: torch.Tensor,
    members: Sequence[Member],
    flip_axes: Sequence[int],
    plan: Plans,
    *,
    make_sums: MakeSums = InMemory,
) -> Iterator[Slab]:
    """Mean probabilities of several networks, and of mirror images.

    Without mirror images the windows of each network are blended as those of one alone, and the probabilities of what
    comes out are averaged. With them, probabilities of mirror images are averaged window by window, then windows are
    blended, then networks averaged; each step keeps what adds up to 1. All networks stay in memory, and the sums of
    each.

    Args:
        image: Preprocessed (C, I, J, K), on the networks' device.
        members: One or more.
        flip_axes: Axes of the volume (0 for I) along which it may be mirrored; every combination of them is averaged,
            2**k for k axes. None for the image alone. An axis one voxel long is left out: there is nothing to mirror.
        plan: Lays windows over the image.
        make_sums: Makes the arrays of the sums.

    Raises:
        ValueError: There is no member.
    """
    if not members:
        raise ValueError("an average needs at least one network")
    flips = mirrorings(image.shape[1:], flip_axes)
    streams = [
        _Stream(_probability_slabs(image, member, flips, plan, make_sums), image.shape[1:]) for member in members
    ]
    for first in range(0, image.shape[1], PLANES):
        last = min(first + PLANES, image.shape[1])
        total = streams[0].planes(first, last)
        for stream in streams[1:]:
            total += stream.planes(first, last)
        yield Slab(first, total.div_(len(streams)))


def mirrorings(shape: Sequence[int], flip_axes: Sequence[int]) -> list[tuple[int, ...]]:
    """Every combination of the axes that are longer than one voxel, the one without any first."""
    axes = sorted({axis for axis in flip_axes if shape[axis] > 1})
    return list(chain.from_iterable(combinations(axes, count) for count in range(len(axes) + 1)))


def _probability_slabs(
    image: torch.Tensor, member: Member, flips: Sequence[tuple[int, ...]], plan: Plans, make_sums: MakeSums
) -> Iterator[Slab]:
    if member.window is None:
        whole = _averaged(lambda one: _by_monai(one[0], member)[None], flips)
        yield Slab(0, whole(image[None])[0])
        return
    if len(flips) == 1:  # as the network alone, so that a network beside its twin says what it says alone
        for first, logits in slabs(image, member.forward, plan(member.window), member.window, make_sums=make_sums):
            yield Slab(first, torch.softmax(logits.cpu(), 0))  # there wherever sums are: the last bits are the same
        return
    mean = _averaged(member.forward, flips)
    yield from slabs(image, mean, plan(member.window), member.window, make_sums=make_sums)


def _averaged(forward: Network, flips: Sequence[tuple[int, ...]]) -> Network:
    """Mean probabilities of mirror images of windows (B, C, I, J, K)."""

    def mean(windows: torch.Tensor) -> torch.Tensor:
        total: torch.Tensor | None = None
        for axes in flips:
            dims = [axis + 2 for axis in axes]  # behind the batch and the channels, or the classes
            said = forward(windows.flip(dims)).flip(dims) if dims else forward(windows)
            probabilities = torch.softmax(said, dim=1)
            total = probabilities if total is None else total.add_(probabilities)
        assert total is not None  # the image itself is always among them
        return total.div_(len(flips))

    return mean


def _by_monai(image: torch.Tensor, member: Member) -> torch.Tensor:
    """Logits (classes, I, J, K) in fp32."""
    with torch.inference_mode(), member.forward.mode.precision.autocast():
        logits = member.inferer(image[None].to(member.forward.device), member.forward.network)
    return member.forward.checked(torch.as_tensor(logits)[0].float())


class _Stream:
    """Slabs as they come, handed out in the planes that are asked for, first to last."""

    def __init__(self, parts: Iterator[Slab], shape: Sequence[int]) -> None:
        self.parts, self.shape = parts, tuple(shape)
        self.held: list[Slab] = []
        self.classes = 0
        self.device = torch.device("cpu")

    def planes(self, first: int, last: int) -> torch.Tensor:
        """(classes, last - first, J, K), nan where nothing is said."""
        while not self.held or self.held[-1].first + self.held[-1].values.shape[1] < last:
            one = next(self.parts, None)
            if one is None:
                break
            self.held.append(one)
            self.classes, self.device = one.values.shape[0], one.values.device
        return self._joined(first, last)

    def _joined(self, first: int, last: int) -> torch.Tensor:
        result = torch.full((self.classes, last - first, *self.shape[1:]), torch.nan, device=self.device)
        for begin, values in self.held:
            low, high = max(begin, first), min(begin + values.shape[1], last)
            if low < high:
                result[:, low - first : high - first] = values[:, low - begin : high - begin]
        self.held = [one for one in self.held if one.first + one.values.shape[1] > last]
        return result

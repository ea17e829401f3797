"""From a volume as read to a label map on the same grid, through a bundle's own chain."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Compose

from medseg.core.errors import GeometryError, InferenceError
from medseg.core.types import Affine, FloatArray, LabelArray, Shape
from medseg.core.volume import Volume
from medseg.core.window import Window
from medseg.engine.averaging import Member, logit_slabs, mean_slabs, mirrorings
from medseg.engine.content import content_box
from medseg.engine.native import Labels, to_native
from medseg.engine.probabilities import Probabilities
from medseg.engine.sliding import Slab
from medseg.engine.sums import InMemory, MakeSums, OnDisk, Sums
from medseg.engine.uncertainty import Entropy
from medseg.engine.windows import Plan, Span, shifted_plan, stock_plan
from medseg.transforms.part import Part, above_zero, all_of
from medseg.transforms.prepared import preprocess
from medseg.transforms.way_back import WayBack, way_back


@dataclass(frozen=True)
class Finishing:
    """What a chain does to the label map that its softmax, Invertd and argmax leave.

    Attributes:
        chain: The transforms behind them.
        has_channel: Whether argmax leaves a channel of one, (1, I, J, K).
    """

    chain: Compose
    has_channel: bool


@dataclass(frozen=True)
class Ready:
    """A study that a network can look at.

    Attributes:
        image: Preprocessed, (C, I, J, K), with its trace.
        shape: Of the volume it was made from.
        affine_ras: Of that volume.
        back: Where the image lies in the volume; None where only the bundle's own chain knows.
    """

    image: MetaTensor
    shape: Shape
    affine_ras: Affine
    back: WayBack | None


@dataclass(frozen=True)
class Seen:
    """A study that the networks have looked at.

    Attributes:
        ready: What they looked at.
        said: Classes (I, J, K), uint8, on the grid of the volume; or where there is no way back, logits on the image's.
        entropy: How unsure they are, (I, J, K) on the grid of the volume, see ``Entropy``; None if not asked for.
        probabilities: Of the classes, (classes, I, J, K) on the grid of the volume; None if not asked for.
    """

    ready: Ready
    said: torch.Tensor
    entropy: FloatArray | None = None
    probabilities: FloatArray | None = None


@dataclass(frozen=True)
class Predictor:
    """Networks with the chain they share, ready to segment.

    Attributes:
        members: One network, or several whose probabilities are averaged, each with its window; on ``device``.
        preprocessing: The bundle's chain behind its LoadImaged.
        postprocessing: The bundle's chain before its SaveImaged; ends on the native grid.
        finishing: The rest of it, where it begins with softmax, Invertd and argmax; None where it begins otherwise, and
            all of it has to run.
        device: Where the networks run.
        flip_axes: Axes of the preprocessed volume along which mirror images are averaged too; none for no average.
        exact: Whether windows lie where MONAI lays them. Else they are spread evenly over what is not empty.
        extras: Of "uncertainty" and "probabilities", what to tell beside the label map.
        crops_at_mm: Spacing at which cropping to voxels above 0 first leaves the image as it is; see ``above_zero``.
            None where it never does.
        scratch: Folder for sums on the disk; None for the system's.
    """

    members: tuple[Member, ...]
    preprocessing: Compose
    postprocessing: Compose
    finishing: Finishing | None
    device: torch.device
    flip_axes: tuple[int, ...] = ()
    exact: bool = False
    extras: frozenset[str] = frozenset()
    crops_at_mm: float | None = None
    scratch: Path | None = None
    _chain: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def predict(self, volume: Volume) -> LabelArray:
        """Written label values (I, J, K) on the grid of ``volume``: all three steps.

        Args:
            volume: Float32 (C, I, J, K), channels in the bundle's order.

        Raises:
            GeometryError: The bundle's postprocessing does not come back to the input's grid.
            InferenceError: A network says nan.
        """
        return self.finish(self.look(self.prepare(self.part_of(volume))))

    def part_of(self, volume: Volume) -> Part:
        """What the chain will keep of a volume, as far as that can be told before it runs."""
        if self.finishing is None or self.crops_at_mm is None:
            return all_of(volume)
        return above_zero(volume, self.crops_at_mm)

    def prepare(self, part: Part, *, keep: bool = False) -> Ready:
        """Preprocess a volume, or what there is of it to look at.

        Args:
            part: Of the volume.
            keep: Whether its voxels are needed as they are: chains may write into what they get.

        Raises:
            InferenceError: A channel has one value in every voxel, or the chain leaves nothing.
        """
        _check_there_is_something(part.volume)
        volume = replace(part.volume, array=part.volume.array.copy()) if keep else part.volume
        with self._chain:
            image = preprocess(volume, self.preprocessing)
        if not image.numel():
            raise InferenceError("the scan has nothing to look at: no voxel is above 0")
        back = None if self.finishing is None else way_back(image, volume.affine_ras, volume.shape)
        if volume.shape != part.whole:
            if back is None:
                raise GeometryError("the chain changed the grid of a scan that was cropped before it; report this")
            back = back.within(part.whole, part.corner)
        return Ready(image, part.whole, part.affine_ras, back)

    @torch.inference_mode()
    def look(self, ready: Ready, rung: str = "host") -> Seen:
        """Let the networks see it, window by window.

        Args:
            ready: The study.
            rung: Of ``RUNGS``, where image and sums are kept; the label map is the same.

        Raises:
            InferenceError: A network says nan, or extras are asked for and the chain does not allow them.
        """
        given = ready.image.as_tensor()
        given = given.to(self.device) if rung == "device" else given.cpu()
        keep = {"device": self._on_device, "host": InMemory, "disk": self._on_disk}[rung]
        if ready.back is None and self.extras:
            raise InferenceError(
                f"{' and '.join(sorted(self.extras))} cannot be told: the bundle's preprocessing changes the grid in a "
                "way that only its own chain can undo"
            )
        if ready.back is None:
            parts = self._parts(given, None, keep, as_probabilities=False)
            return Seen(ready, torch.cat([part.values.cpu() for part in parts], dim=1))
        box = None if self.exact else content_box(given)
        labels = Labels(ready.back)
        entropy = Entropy(ready.back) if "uncertainty" in self.extras else None
        probabilities = Probabilities(ready.back, self.scratch) if "probabilities" in self.extras else None
        parts = self._parts(given, box, keep, as_probabilities=self._are_wanted(ready.back))
        to_native(parts, ready.back, *(taker for taker in (labels, entropy, probabilities) if taker is not None))
        return Seen(
            ready,
            torch.from_numpy(labels.array),
            None if entropy is None else entropy.array,
            None if probabilities is None else probabilities.array,
        )

    @torch.inference_mode()
    def finish(self, seen: Seen) -> LabelArray:
        """Written label values on the grid of the volume.

        Raises:
            GeometryError: As ``predict``.
        """
        image, finishing = seen.ready.image, self.finishing
        if finishing is None or seen.ready.back is None:
            with self._chain:  # Invertd changes the transforms of the preprocessing while it undoes them
                done = self.postprocessing({"image": image, "pred": MetaTensor(seen.said, meta=image.meta)})
        else:
            pred = MetaTensor(seen.said, affine=seen.ready.affine_ras)
            done = finishing.chain({"image": image, "pred": pred[None] if finishing.has_channel else pred})
        array: LabelArray = torch.as_tensor(done["pred"]).cpu().numpy()[0]
        if array.shape != seen.ready.shape:
            raise GeometryError(
                f"the bundle's postprocessing gives a map of shape {array.shape}, the input has {seen.ready.shape}; "
                "its Invertd must undo every step of preprocessing"
            )
        return array.astype(np.uint8, copy=False)

    def _are_wanted(self, back: WayBack) -> bool:
        """Whether probabilities are, and not only which is the highest.

        Stock MONAI takes the highest probability: of logits that differ in the last bits it may be another.
        """
        return self.exact or bool(self.extras) or not back.keeps_voxels

    def _on_device(self, shape: Sequence[int]) -> Sums:
        return InMemory(shape, self.device)

    def _on_disk(self, shape: Sequence[int]) -> Sums:
        return OnDisk(shape, self.scratch)

    def _parts(
        self, image: torch.Tensor, box: Sequence[Span] | None, keep: MakeSums, *, as_probabilities: bool
    ) -> Iterator[Slab]:
        """Probabilities, or what gives them through softmax; nan where no window lies."""

        def plan(window: Window) -> Plan:
            return stock_plan(image.shape[1:], window) if self.exact else shifted_plan(image.shape[1:], window, box)

        if len(self.members) == 1 and len(mirrorings(image.shape[1:], self.flip_axes)) == 1:
            parts = logit_slabs(image, self.members[0], plan, make_sums=keep)
            # On the CPU wherever sums are, so that label maps do not depend on it.
            yield from (Slab(at, torch.softmax(said.cpu(), 0)) for at, said in parts) if as_probabilities else parts
            return
        # The logarithm of probabilities that add up to 1 gives them back through softmax; of 0 it would be endless.
        for at, mean in mean_slabs(image, self.members, self.flip_axes, plan, make_sums=keep):
            yield Slab(at, mean if as_probabilities else mean.cpu().clamp_min_(torch.finfo(mean.dtype).tiny).log_())


def _check_there_is_something(volume: Volume) -> None:
    """A network finds its organ in an empty scan too."""
    for n, channel in enumerate(volume.array):
        lowest = float(np.min(channel))
        if lowest == float(np.max(channel)):
            raise InferenceError(
                f"the scan has nothing to look at: channel {n + 1} is {lowest:g} in every voxel. Export it again"
            )

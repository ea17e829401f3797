"""Serve batches of patches in an order fixed by the seed, from worker processes or this one."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from medseg.core.random import generator_for
from medseg.core.recipe import Augmentation, Sampling
from medseg.engine.distributed import World
from medseg.transforms import augment
from medseg.transforms.patch import draw_centre
from medseg.transforms.prepared import Prepared

Ticket = tuple[int, int, int]  # epoch, index of the study, number of the patch within the epoch
PREFETCH = 4  # batches each worker prepares ahead; more only costs memory
# Workers hand batches over through shared memory; some containers have only 64 MiB of it.
MIN_SHARED_BYTES = 512 * 2**20


@dataclass(frozen=True)
class Batch:
    """Patches of one step.

    Attributes:
        image: (B, C, *patch) float32.
        label: (B, 1, *patch) class indices, uint8.
        studies: Study id of each.
    """

    image: torch.Tensor
    label: torch.Tensor
    studies: tuple[str, ...]


class Patches(Dataset[tuple[torch.Tensor, torch.Tensor, str]]):
    """Augmented patches of prepared studies, each named by a ticket.

    A ticket (epoch, study, number) always gives the same patch. ``thin_axis`` is the axis a 2D
    network does not see; it is dropped from what is served.
    """

    def __init__(
        self, studies: Sequence[Prepared], sampling: Sampling, augmentation: Augmentation, *, seed: int
    ) -> None:
        self.studies, self.sampling, self.augmentation, self.seed = studies, sampling, augmentation, seed
        self.thin_axis = sampling.patch.index(1) if 1 in sampling.patch else None

    def __len__(self) -> int:
        return len(self.studies) * self.sampling.patches_per_study

    def __getitem__(self, ticket: Ticket) -> tuple[torch.Tensor, torch.Tensor, str]:
        """Patch of a ticket: image (C, *patch), label (1, *patch), study id."""
        epoch, index, number = ticket
        study, sampling = self.studies[index], self.sampling
        generator = generator_for(self.seed, epoch, study.id, number)
        centre = draw_centre(
            study.image.shape[1:],
            sampling.patch,
            study.positions,
            foreground=sampling.foreground,
            generator=generator,
        )
        change = augment.draw(
            self.augmentation, channels=len(study.image), thin_axis=self.thin_axis, generator=generator
        )
        image, label = augment.apply(
            study.image,
            study.label,
            centre=centre,
            patch=sampling.patch,
            spacing_mm=study.spacing_mm,
            change=change,
        )
        if self.thin_axis is not None:
            image, label = image.squeeze(self.thin_axis + 1), label.squeeze(self.thin_axis + 1)
        return image, label, study.id

    def plan(self, epoch: int, world: World) -> list[list[list[Ticket]]]:
        """Tickets of an epoch: for each step, for each rank."""
        return epoch_plan(len(self.studies), self.sampling, seed=self.seed, epoch=epoch, ranks=world.size)


def epoch_plan(studies: int, sampling: Sampling, *, seed: int, epoch: int, ranks: int) -> list[list[list[Ticket]]]:
    """Tickets of an epoch: for each step, for each rank.

    Every study is seen ``patches_per_study`` times over all ranks together, none twice in place of
    another. The last step may be smaller; where it has fewer patches than there are ranks it is
    joined to the step before, since a rank without a patch would leave the others waiting.

    Args:
        studies: Number of training studies.
        sampling: Batch size per rank and patches per study.
        seed: Of the run.
        epoch: Counted from 0.
        ranks: Number of processes.
    """
    tickets = [(epoch, index, number) for number in range(sampling.patches_per_study) for index in range(studies)]
    order = generator_for(seed, "order", epoch).permutation(len(tickets))
    shuffled = [tickets[n] for n in order]
    size = sampling.batch * ranks
    steps = [shuffled[first : first + size] for first in range(0, len(shuffled), size)]
    if len(steps) > 1 and len(steps[-1]) < ranks:
        steps[-2:] = [steps[-2] + steps[-1]]
    return [[step[rank::ranks] for rank in range(ranks)] for step in steps]


class _Order(Sampler[list[Ticket]]):
    """This rank's tickets from a given epoch and step on, without end."""

    def __init__(self, patches: Patches, world: World, epoch: int, step: int) -> None:
        self.patches, self.world, self.epoch, self.step = patches, world, epoch, step

    def __iter__(self) -> Iterator[list[Ticket]]:
        epoch, first = self.epoch, self.step
        while True:
            for step in self.patches.plan(epoch, self.world)[first:]:
                yield step[self.world.rank]
            epoch, first = epoch + 1, 0


def serve(patches: Patches, *, world: World, epoch: int, step: int, workers: int, pin: bool) -> Iterator[Batch]:
    """Batches of this rank from a point of the run on, without end.

    Args:
        patches: Where batches come from.
        world: The processes of the training.
        epoch: First epoch, counted from 0.
        step: First step of that epoch; the steps before it were done before a resume.
        workers: Processes that prepare batches; 0 prepares them in this one.
        pin: Whether to place batches in page-locked memory, from which a GPU copies faster.
    """
    order = _Order(patches, world, epoch, step)
    loader = DataLoader(
        patches,
        batch_sampler=order,
        num_workers=workers,
        prefetch_factor=PREFETCH if workers else None,
        worker_init_fn=_settle if workers else None,
        collate_fn=_collate,
        pin_memory=pin,
        # Its own, unused: from torch's global one a loader draws a number at its start, so a resumed run, which
        # starts one more, would draw other dropout masks than a run that was never stopped.
        generator=torch.Generator().manual_seed(0),
    )
    for image, label, studies in loader:
        yield Batch(image, label, studies)


def choose_workers(asked: int | None, cores: int) -> int:
    """Worker processes: what was asked for, or one fewer than the cores, four at most.

    None are started where shared memory is too small to hand batches over.
    """
    if asked is not None:
        return asked
    shared = Path("/dev/shm")
    if shared.is_dir() and shutil.disk_usage(shared).free < MIN_SHARED_BYTES:
        return 0
    return max(0, min(cores - 1, 4))


def _collate(items: list[tuple[torch.Tensor, torch.Tensor, str]]) -> tuple[torch.Tensor, torch.Tensor, tuple[str, ...]]:
    images, labels, studies = zip(*items, strict=True)
    return torch.stack(images), torch.stack(labels), studies


def _settle(_: int) -> None:
    # Workers that each start a thread per core fight with the training step for the same cores.
    torch.set_num_threads(1)
    # Ctrl-C and a scheduler's SIGTERM reach every process of a group; the main one decides when to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)

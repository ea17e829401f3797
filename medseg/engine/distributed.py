"""One training over several processes, as torchrun starts them; a single process needs nothing of it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NoReturn

import torch
import torch.distributed as dist

# The leader reads and prepares a cohort alone while the others wait; torch's default of minutes is too short for it.
PATIENCE = timedelta(hours=12)


@dataclass(frozen=True)
class World:
    """The processes of a training.

    Attributes:
        rank: Number of this process; 0 alone writes.
        size: How many there are.
        local_rank: Number of this process on its machine.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @property
    def leads(self) -> bool:
        """Whether this process writes files, lines and metrics."""
        return self.rank == 0


def world_of_environment() -> World:
    """What torchrun says of this process; a world of one where it says nothing."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return World()
    return World(int(os.environ["RANK"]), size, int(os.environ.get("LOCAL_RANK", "0")))


def join(world: World, device: torch.device) -> None:
    """Meet the other processes: NCCL between GPUs, gloo otherwise."""
    if world.size > 1 and not dist.is_initialized():
        if device.type == "cuda":
            torch.cuda.set_device(device)
        backend = "nccl" if device.type == "cuda" else "gloo"
        dist.init_process_group(backend, rank=world.rank, world_size=world.size, timeout=PATIENCE)


def leave(world: World) -> None:
    """Part from the other processes."""
    if world.size > 1 and dist.is_initialized():
        dist.destroy_process_group()


def depart() -> NoReturn:
    """End a process of several that has nothing left to do.

    It ends at once, because torch 2.13 can hang when it frees a gloo group: the destructor holds Python's lock while it
    waits for gloo's thread, and that thread wants Python's lock to free the tensors of the last message (seen in one
    training of 8 over two processes, as long as the interpreter took everything apart).
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def gather(value: Any, world: World) -> list[Any]:
    """The value of every process, in the order of ranks. Values must be picklable."""
    if world.size == 1:
        return [value]
    values: list[Any] = [None] * world.size
    dist.all_gather_object(values, value)
    return values


def leader_says(value: Any, world: World) -> Any:
    """The leader's value, in every process."""
    return gather(value, world)[0]


def largest(values: list[float], world: World, device: torch.device) -> list[float]:
    """Element-wise maximum over the processes; cheap enough for every step."""
    if world.size == 1:
        return values
    # fp32 where there is nothing else: it would turn a progress of 912 / 3612 into a little less than that.
    dtype = torch.float32 if device.type == "mps" else torch.float64
    tensor = torch.tensor(values, dtype=dtype, device=device)
    dist.all_reduce(tensor, op=dist.ReduceOp.MAX)
    return [float(value) for value in tensor.tolist()]

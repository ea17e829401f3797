"""How long a training step takes in each memory layout, side by side.

Does:  times forward and backward passes of a bundle's network on one patch, plain and channels-last in turn.
Needs: nothing but medseg.
Makes: a table on the terminal: median seconds a step, and their ratio.
Takes: under a minute for a hippocampus bundle on 2 cores.
Run:   python benchmarks/training_step.py hippocampus_unet3d [ROUNDS]
"""

from __future__ import annotations

import statistics
import sys
import time

from medseg.engine.allocator import keep_freed_memory

KEPT = keep_freed_memory()  # before torch allocates anything

import torch  # noqa: E402
from torch import nn  # noqa: E402

from medseg.bundle.build import build_network  # noqa: E402
from medseg.bundle.find import find_bundle  # noqa: E402
from medseg.bundle.read import read_bundle  # noqa: E402
from medseg.recipe.layers import Layer, resolve  # noqa: E402


def step_s(network: nn.Module, image: torch.Tensor) -> float:
    """Seconds of one forward and backward pass."""
    began_s = time.perf_counter()
    network(image).float().square().mean().backward()
    return time.perf_counter() - began_s


def main(name: str, rounds: int) -> None:
    """Print the table for one bundle."""
    bundle = read_bundle(find_bundle(name))
    recipe = resolve([Layer("bundle", bundle.train_values or {})], name).recipe
    sides = [n for n in recipe.sampling.patch if n > 1]
    layout = torch.channels_last_3d if len(sides) == 3 else torch.channels_last
    image = torch.randn(recipe.sampling.batch, len(bundle.channels), *sides)
    plain, last = build_network(bundle), build_network(bundle).to(memory_format=layout)
    pairs = [(step_s(plain, image), step_s(last, image.contiguous(memory_format=layout))) for _ in range(rounds + 1)]
    a, b = (statistics.median(times) for times in zip(*pairs[1:], strict=True))  # the first round warms up
    print(
        f"{name}: batch {recipe.sampling.batch} of {sides}, fp32, {torch.get_num_threads()} threads, kept memory {KEPT}"
    )
    print(f"plain {a:.3f} s, channels-last {b:.3f} s, ratio {a / b:.2f} (median of {rounds} interleaved rounds)")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5)

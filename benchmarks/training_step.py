"""How long a training step takes by precision, memory layout and allocator, side by side.

Does:  takes whole training steps (forward, loss, backward, optimiser, averaged weights) of a bundle's recipe on noise,
       in fp32 and bf16, plain and channels-last, in turn; in one process that keeps freed memory, in one that does not.
Needs: nothing but medseg.
Makes: a table on the terminal: median seconds a step, and how many times faster than fp32, plain, stock allocator.
Takes: about two minutes for a hippocampus bundle on 2 cores; longer where bf16 is emulated.
Run:   python benchmarks/training_step.py hippocampus_unet3d [ROUNDS]
"""

from __future__ import annotations

import itertools
import json
import statistics
import subprocess
import sys
import time

ALLOCATORS = ("stock", "keep")
PRECISIONS = ("fp32", "bf16")
LAYOUTS = ("plain", "channels-last")


def time_steps(name: str, rounds: int, allocator: str) -> dict[str, list[float]]:
    """Seconds of each round's step by "precision layout", in this process."""
    from medseg.engine.allocator import keep_freed_memory

    if allocator == "keep" and not keep_freed_memory():  # before torch allocates anything
        return {}
    import torch

    from medseg.bundle.build import build_network
    from medseg.bundle.find import find_bundle
    from medseg.bundle.read import read_bundle
    from medseg.engine.batches import Batch
    from medseg.engine.device import Precision
    from medseg.engine.distributed import World
    from medseg.engine.learner import Learner
    from medseg.recipe.layers import Layer, resolve

    bundle, cpu = read_bundle(find_bundle(name)), torch.device("cpu")
    recipe = resolve([Layer("bundle", bundle.train_values or {})], name).recipe
    image = torch.randn(recipe.sampling.batch, len(bundle.channels), *(n for n in recipe.sampling.patch if n > 1))
    batch = Batch(image, (image[:, :1] > 0).to(torch.uint8), ("noise",))
    learners = {
        f"{precision} {layout}": Learner(
            build_network(bundle),
            recipe,
            device=cpu,
            precision=Precision(precision, "cpu"),
            channels_last=layout == "channels-last",
            world=World(),
        )
        for precision, layout in itertools.product(PRECISIONS, LAYOUTS)
    }
    times: dict[str, list[float]] = {variant: [] for variant in learners}
    for _ in range(rounds + 1):
        for variant, learner in learners.items():
            began_s = time.perf_counter()
            learner.train_on(batch, lr=1e-3, weight=1.0, last=True)
            times[variant].append(time.perf_counter() - began_s)
    return {variant: own[1:] for variant, own in times.items()}  # the first round warms up


def main(name: str, rounds: int) -> None:
    """Print the table for one bundle; the two processes take turns, so that other work meets both."""
    times: dict[tuple[str, str], list[float]] = {}
    for allocator in ALLOCATORS * 2:
        command = [sys.executable, __file__, name, str(rounds), allocator]
        for variant, own in json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout).items():
            times.setdefault((allocator, variant), []).extend(own)
    base_s = statistics.median(times["stock", "fp32 plain"])
    print(f"{name}: {2 * rounds} steps of each")
    for (allocator, variant), own in sorted(times.items(), key=lambda item: -statistics.median(item[1])):
        step_s = statistics.median(own)
        print(f"{allocator:6} {variant:20} {step_s:.3f} s  {base_s / step_s:.2f} times")


if __name__ == "__main__":
    given_rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    if len(sys.argv) > 3:
        print(json.dumps(time_steps(sys.argv[1], given_rounds, sys.argv[3])))
    else:
        main(sys.argv[1], given_rounds)

"""What a network's convolutions take alone, one window and two threads; a part of `benchmarks/inference.py`.

Does:  runs a network on one window as `medseg infer` runs it, then each of its convolutions on what it got there.
Needs: no other work on the machine.
Makes: a table on the terminal: GFLOP/s of the network, of its convolutions alone, of a matrix product.
Takes: a minute.
Run:   python benchmarks/inference.py floor BUNDLE . [ROUNDS]
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import torch

from medseg.bundle.read import read_bundle
from medseg.steps.computing import Computing
from medseg.steps.predictors import predictor_of


def floor(root: Path, rounds: int) -> None:
    """One window of a bundle's network, against its convolutions alone and the machine's matrix rate."""
    bundle = read_bundle(root)
    with tempfile.TemporaryDirectory() as work:
        (member,) = predictor_of([bundle], Computing(), memory=Path(work) / "measured.json").members
    forward, window = member.forward, member.window
    assert window is not None
    image = torch.randn(1, len(bundle.channels), *(side or 1 for side in window.size))
    calls: list[Call] = []
    hooks = [
        layer.register_forward_hook(lambda layer, given, said: calls.append(Call(layer, given[0], said)))
        for layer in forward.network.modules()
        if isinstance(layer, torch.nn.Conv3d | torch.nn.ConvTranspose3d)
    ]
    forward(image)
    for hook in hooks:
        hook.remove()
    flops = sum(call.flops for call in calls)
    with torch.inference_mode(), forward.mode.precision.autocast():
        alone = sum(best(lambda call=call: call.layer(call.given), rounds) for call in calls)
    whole = best(lambda: forward(image), rounds)
    kind = torch.bfloat16 if forward.mode.precision.name == "bf16" else torch.float32
    rate = matrix_rate(kind, rounds)
    print(f"{bundle.name}, a window of {window.size}, {forward.mode.name}")
    print(f"{flops / 1e9:.1f} GFLOP in {len(calls)} convolutions; matrix product, {kind}: {rate / 1e9:.0f} GFLOP/s")
    for what, seconds in (("its convolutions alone", alone), ("the network", whole)):
        reached = flops / seconds
        print(
            f"{what:24} {1000 * seconds:7.1f} ms  {reached / 1e9:6.0f} GFLOP/s, {reached / rate:.0%} of the matrix rate"
        )
    print(f"the network reaches {alone / whole:.0%} of what its convolutions reach alone")


class Call(NamedTuple):
    """A convolution as a network called it."""

    layer: Any
    given: torch.Tensor
    said: torch.Tensor

    @property
    def flops(self) -> float:
        """Multiplications and additions; a transposed convolution multiplies each voxel of its input."""
        voxels = (self.given if self.layer.transposed else self.said)[0, 0].numel() * len(self.given)
        return 2.0 * voxels * self.layer.weight.numel() / self.layer.groups


def best(action: Any, rounds: int) -> float:
    """Least seconds, behind a first run that picks kernels."""
    action()
    seconds = []
    for _ in range(max(rounds, 3)):
        began_s = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - began_s)
    return min(seconds)


def matrix_rate(kind: torch.dtype, rounds: int) -> float:
    """FLOP per second of a product of two square matrices."""
    side = 2048
    one, other = torch.randn(side, side).to(kind), torch.randn(side, side).to(kind)
    return 2.0 * side**3 / best(lambda: one @ other, rounds)

"""A network as inference runs it: its arithmetic, its memory layout, the axis it does not see, what it may not say."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from medseg.core.errors import InferenceError
from medseg.engine.device import Precision
from medseg.engine.exported import Run
from medseg.engine.quick_norms import use_quick_norms
from medseg.engine.runtimes import run_with

AGREEMENT = 0.999  # of the labels of another engine with those of torch in fp32
INT8_AGREEMENT = 0.995  # 8-bit numbers change up to 0.0005 of them; instructions that overflow change far more


@dataclass(frozen=True)
class Mode:
    """How a network computes.

    Attributes:
        precision: fp32, bf16 or fp16, as autocast gives it.
        channels_last: Memory layout of weights and activations.
        short_weights: Whether the weights are kept in the short precision too; what autocast keeps in fp32, norms and
            softmax, is then computed from short numbers.
        quick_norms: See ``use_quick_norms``.
        engine: What runs it, one of ``ENGINES``; another than torch keeps its own layout and norms.
    """

    precision: Precision
    channels_last: bool = False
    short_weights: bool = False
    quick_norms: bool = False
    engine: str = "torch"

    @property
    def name(self) -> str:
        """Such as "bf16, channels last"."""
        told = {
            "channels last": self.channels_last,
            "short weights": self.short_weights,
            "quick norms": self.quick_norms,
        }
        engine = [] if self.engine == "torch" else [self.engine]
        return ", ".join([self.precision.name, *engine, *(name for name, is_so in told.items() if is_so)])


class Forward:
    """Windows (B, C, I, J, K) to what the network says of them, (B, classes, I, J, K) in fp32.

    Args:
        network: With trained weights, on the device; left as it is.
        mode: How it computes.
        unseen_axis: Axis of the volume, one voxel wide in each window, that a 2D network does not see; None in 3D.
        exported: File that the engine of the mode runs instead of making its own of the network.
    """

    def __init__(
        self, network: nn.Module, mode: Mode, *, unseen_axis: int | None = None, exported: Path | None = None
    ) -> None:
        self.mode, self.unseen_axis, self.exported = mode, unseen_axis, exported
        self.network = _in_mode(network, mode).eval()
        parameter = next(self.network.parameters(), None)
        self.device = torch.device("cpu") if parameter is None else parameter.device
        self._run: Run | None = None

    @torch.inference_mode()
    def __call__(self, windows: torch.Tensor) -> torch.Tensor:
        """What the network says.

        Raises:
            InferenceError: It says nan or infinity: a label map of that would show background where nothing is known.
                Or the engine cannot run the network, or says something else than torch of the first windows.
        """
        given = windows.to(self.device)
        if self.unseen_axis is not None:
            given = given.squeeze(self.unseen_axis + 2)
        if self.mode.channels_last:
            given = given.contiguous(memory_format=_LAYOUTS[given.ndim])
        if self.mode.engine != "torch":
            logits = self._engine(given)(given)
        elif self.mode.short_weights:
            logits = self.network(given.to(torch.bfloat16))
        else:
            with self.mode.precision.autocast():
                logits = self.network(given)
        logits = self.checked(torch.as_tensor(logits).float())
        return logits if self.unseen_axis is None else logits.unsqueeze(self.unseen_axis + 2)

    def checked(self, logits: torch.Tensor) -> torch.Tensor:
        """What the network says, if all of it is finite.

        Raises:
            InferenceError: As when it is called.
        """
        if not math.isfinite(float(logits.sum())):  # one pass; a sum has what any of its parts has
            raise InferenceError(
                f"the network says nan or infinity, in {self.mode.name}; its weights or this image are damaged, or it "
                "needs --precision fp32"
            )
        return logits

    def _engine(self, given: torch.Tensor) -> Run:
        """The engine, started and checked on the first windows it sees."""
        if self._run is None:
            engine, least = self.mode.engine, agreement_of(self.mode.engine)
            run = run_with(engine, self.network, given.shape, self.mode.precision.name, exported=self.exported)
            expected, found = (said.argmax(1) for said in (self.network(given), run(given)))
            equal = float((expected == found).float().mean())
            if equal < least:
                raise InferenceError(
                    f"--engine {engine} labels {100 * equal:.2f} % of the voxels of the first windows as "
                    f"torch does in fp32; {100 * least} % are wanted. Take --engine torch"
                )
            self._run = run
        return self._run


def agreement_of(engine: str) -> float:
    """Share of the voxels of the first windows that an engine has to label as torch does in fp32."""
    return INT8_AGREEMENT if engine == "int8" else AGREEMENT


_LAYOUTS = {4: torch.channels_last, 5: torch.channels_last_3d}


def _in_mode(network: nn.Module, mode: Mode) -> nn.Module:
    if not (mode.channels_last or mode.short_weights or mode.quick_norms):
        return network
    own = copy.deepcopy(network)
    if mode.quick_norms:
        use_quick_norms(own)
    if mode.short_weights:
        own = own.to(torch.bfloat16)
    if mode.channels_last:
        for parameter in own.parameters():
            if parameter.ndim in _LAYOUTS:
                parameter.data = parameter.data.contiguous(memory_format=_LAYOUTS[parameter.ndim])
    return own

"""Muon: momentum whose matrices are made orthogonal before each step, so that no direction of a weight lags behind.

Jordan et al. 2024 (https://kellerjordan.github.io/posts/muon), for convolutions with a row per first index; step size
after Liu et al. 2025 (arXiv:2502.16982), so that learning rate and weight decay of AdamW carry over. torch has a Muon
of its own, for matrices alone and in bfloat16, which most CPUs only emulate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, cast

import torch
from torch import nn

# A matrix with fewer rows or columns has few directions to balance: the first and last convolutions of narrow networks,
# norms and biases learn by AdamW, which is what the authors do with inputs, outputs and vectors.
FEWEST = 16
ITERATIONS = 5
QUINTIC = (3.4445, -4.7750, 2.0315)  # Jordan et al. 2024: takes singular values of 0.01 to 1 to between 0.7 and 1.2
RMS = 0.2  # Liu et al. 2025: root mean square of AdamW's usual step, which this one is given
BETAS, EPSILON = (0.9, 0.999), 1e-8  # of AdamW, its own defaults


class Muon(torch.optim.Optimizer):
    """Muon for weights with enough rows and columns, AdamW for all others.

    Args:
        parameters: Weights of the network.
        lr: Learning rate of both.
        momentum: Share of the running mean of gradients that is kept per step; Nesterov's form.
        weight_decay: Decoupled, as AdamW's.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float, *, momentum: float, weight_decay: float) -> None:
        every = list(parameters)
        groups = [
            {"params": [one for one in every if is_matrix(one)], "orthogonal": True},
            {"params": [one for one in every if not is_matrix(one)], "orthogonal": False},
        ]
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__([group for group in groups if group["params"]], defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]  # torch overloads it
        """Take a step along the gradients that are there; a closure computes them first, and its loss is given back."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    weight.mul_(1.0 - group["lr"] * group["weight_decay"])
                    (_muon_step if group["orthogonal"] else _adam_step)(weight, self.state[weight], group)
        return loss


def is_matrix(weight: torch.Tensor) -> bool:
    """Whether a weight has enough rows (first index) and columns (all others) to be made orthogonal."""
    return weight.ndim > 1 and min(weight.shape[0], weight[0].numel()) >= FEWEST


def orthogonal(matrix: torch.Tensor) -> torch.Tensor:
    """The matrix with its singular values brought near 1, by five steps of a quintic Newton-Schulz iteration.

    A step X <- (a + b S + c S^2) X with S = X X^T multiplies by a polynomial of S, and S of the next step is one too:
    all steps are done on S, whose side is the shorter one, and X is multiplied once. 128 x 3456 take 5 ms on two cores,
    in place of 23. It needs products in full fp32: errors of S grow from step to step.

    Args:
        matrix: (rows, columns), of any scale; zeros give zeros.
    """
    a, b, c = QUINTIC
    is_tall = matrix.shape[0] > matrix.shape[1]
    x: torch.Tensor = matrix.T if is_tall else matrix
    x = x / (torch.linalg.matrix_norm(x) + 1e-7)
    one = torch.eye(len(x), device=x.device, dtype=x.dtype)
    square, product = x @ x.T, one
    for _ in range(ITERATIONS):
        step = a * one + b * square + c * square @ square
        square, product = step @ square @ step, step @ product
    x = product @ x
    return x.T if is_tall else x


def _muon_step(weight: torch.Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
    gradient = cast(torch.Tensor, weight.grad)
    if not state:
        state["mean"] = torch.zeros_like(weight)
    state["mean"].lerp_(gradient, 1.0 - group["momentum"])
    ahead = gradient.lerp(state["mean"], group["momentum"])
    # A gradient in channels-last order must be laid out by channel, so that each column is one input and place.
    step = orthogonal(ahead.contiguous().flatten(1))
    weight.add_(step.reshape(weight.shape), alpha=-group["lr"] * RMS * math.sqrt(max(step.shape)))


def _adam_step(weight: torch.Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
    gradient = cast(torch.Tensor, weight.grad)
    if not state:
        state.update(step=0, mean=torch.zeros_like(weight), square=torch.zeros_like(weight))
    state["step"] += 1
    state["mean"].lerp_(gradient, 1.0 - BETAS[0])
    state["square"].lerp_(gradient * gradient, 1.0 - BETAS[1])
    mean = state["mean"] / (1.0 - BETAS[0] ** state["step"])
    square = state["square"] / (1.0 - BETAS[1] ** state["step"])
    weight.addcdiv_(mean, square.sqrt() + EPSILON, value=-group["lr"])

"""What a training leaves, to compare two of them."""

from typing import Any

import torch

from medseg.engine.training import Training


def equal(one: Any, other: Any) -> bool:
    """Whether two states hold the same values, tensors to the last bit."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(equal(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other)


def learned(training: Training) -> dict[str, Any]:
    """What a run leaves, but for the seconds it took."""
    state = training.state()
    state["counters"] = {key: n for key, n in state["counters"].items() if not key.endswith("_s")}
    return state

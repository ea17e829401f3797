"""Where a postprocessing turns what the network says into a label map, and what it does to the map behind that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medseg.bundle.contract import middle_transforms
from medseg.bundle.read import Bundle

# Each step as medseg understands it; "to_tensor" changes nothing about a tensor.
_STEPS: tuple[tuple[str, dict[str, Any], set[str]], ...] = (
    ("Activationsd", {"keys": ["pred"], "softmax": True}, set()),
    (
        "Invertd",
        {"keys": ["pred"], "transform": "@preprocessing", "orig_keys": ["image"], "nearest_interp": False},
        {"to_tensor"},
    ),
    ("AsDiscreted", {"keys": ["pred"], "argmax": True}, {"keepdim"}),
)


def finishing_steps(bundle: Bundle) -> tuple[list[Mapping[str, Any]], bool] | None:
    """The transforms behind softmax, Invertd and argmax, and whether argmax leaves a channel of one.

    Args:
        bundle: Any that was read.

    Returns:
        None where the postprocessing begins otherwise.
    """
    steps = middle_transforms(bundle.inference["postprocessing"])
    if len(steps) < len(_STEPS) or not all(_is(step, *known) for step, known in zip(steps, _STEPS, strict=False)):
        return None
    return steps[len(_STEPS) :], bool(steps[len(_STEPS) - 1].get("keepdim", True))


def _is(step: Mapping[str, Any], name: str, wanted: Mapping[str, Any], any_value: set[str]) -> bool:
    said = {key: _listed(key, value) for key, value in step.items() if key not in any_value | {"_target_"}}
    return str(step["_target_"]) == f"monai.transforms.{name}" and said == wanted


def _listed(key: str, value: Any) -> Any:
    return [value] if key in ("keys", "orig_keys") and isinstance(value, str) else value

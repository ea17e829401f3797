"""What a bundle's four parts may say: plain values and a short list of classes, never code.

MONAI calls whatever ``_target_`` names and evaluates every ``$`` text. medseg builds four parts of inference.yaml
alone, and only from classes that compute: nothing that runs code it is handed, reads or writes files, or downloads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from medseg.recipe.yaml_file import NUMBER_AS_TEXT

PARTS = ("network_def", "preprocessing", "inferer", "postprocessing")

# One class, directly in one of these modules: a longer path could reach `monai.transforms.io.array.os.system`.
_TRANSFORMS = r"(monai\.transforms|medseg\.transforms\.[a-z]\w*)\.[A-Z]\w*"
_ALLOWED = {
    "network_def": r"(monai\.networks\.(nets|blocks)|torch\.nn|medseg\.networks\.[a-z]\w*)\.[A-Z]\w*",
    "preprocessing": _TRANSFORMS,
    "inferer": r"monai\.inferers\.(SimpleInferer|SliceInferer|SlidingWindowInferer(Adapt)?)",
    "postprocessing": _TRANSFORMS,
}
_WHERE = {
    "network_def": "classes of monai.networks.nets, monai.networks.blocks, torch.nn and medseg.networks",
    "preprocessing": "classes of monai.transforms and medseg.transforms",
    "inferer": "SimpleInferer, SliceInferer, SlidingWindowInferer and SlidingWindowInfererAdapt of monai.inferers",
    "postprocessing": "classes of monai.transforms and medseg.transforms",
}
_DENIED = {
    r"Lambda\w*|RandLambda\w*|Hyena\w*": "runs code it is given",
    r"(Rand)?(TorchVision|TorchIO|CuCIM)\w*": "looks up functions by name",
    r"Rand[A-Z]\w*|\w*Rand[A-Z]\w*|CutMix\w*|MixUp\w*": "is random; two inferences of one study would differ",
    r"(Load|Save|WriteFile)\w*": "reads or writes files; LoadImaged stands first in preprocessing, SaveImaged last in "
    "postprocessing, and nothing like them elsewhere",
    # The first has two names; those from the third on download unless they are told not to.
    r"(?i:TransChex|CellSamWrapper)|EfficientNet\w*|MILModel|ResNet(Features|Encoder)|(MC)?FCN": "downloads weights",
    r"SimulateDelay\w*": "waits as long as it is told to",
}
DOWNLOADS = {"pretrained", "pretrained_url", "download"}
_SYSTEM = re.compile(r"__\w+__|\b(eval|exec|compile|popen|system|subprocess|socket|urllib|requests|ctypes)\b")
_CODE_SIGNS = {"$": "runs code", "%": "copies from other files", "#": "becomes '::' in MONAI"}


def safety_faults(inference: Mapping[str, Any]) -> list[str]:
    """What keeps medseg from building the four parts of an inference.yaml.

    Args:
        inference: Parsed inference.yaml; only the four parts and what they refer to are looked at.

    Returns:
        One sentence per fault, each opening with the key's path; empty if the parts are safe to build.
    """
    never_built = _reader_and_writer(inference)
    return [
        f"{'.'.join(path)}: {fault}"
        for part in PARTS
        for path, value in _walk(inference.get(part), (part,))
        if path not in never_built
        for fault in _faults(path[-1], part, value, inference)
    ]


def stock_line_faults(inference: Mapping[str, Any]) -> list[str]:
    """Expressions for `monai.bundle run` that no model needs; medseg evaluates none of them, MONAI would.

    A list of words can be got around, so this finds clumsy malice alone: `medseg inspect` shows every expression.
    """
    return [
        f"{'.'.join(path)}: '{value:.80}' reaches for the system; medseg does not run it, MONAI would. Take it out"
        for path, value in _walk(inference, ())
        if isinstance(value, str) and value.startswith("$") and _SYSTEM.search(value)
    ]


def target_fault(target: Any, part: str) -> str | None:
    """Why ``part`` may not build the class ``target`` names; None if it may."""
    if not isinstance(target, str) or not re.fullmatch(_ALLOWED[part], target):
        return f"'{target}' may not be built here; allowed are {_WHERE[part]}, by full path"
    name = target.rsplit(".", 1)[-1]
    reason = next((reason for pattern, reason in _DENIED.items() if re.fullmatch(pattern, name)), None)
    return f"{name} is not allowed: it {reason}" if reason else None


def _reader_and_writer(inference: Mapping[str, Any]) -> set[tuple[str, ...]]:
    """Paths of the first LoadImaged and the last SaveImaged, which medseg leaves out when it builds."""
    paths: set[tuple[str, ...]] = set()
    for part, position, target in (
        ("preprocessing", 0, "monai.transforms.LoadImaged"),
        ("postprocessing", -1, "monai.transforms.SaveImaged"),
    ):
        config = inference.get(part)
        items = config.get("transforms") if isinstance(config, Mapping) else None
        item = items[position] if isinstance(items, list) and items else None
        if isinstance(items, list) and isinstance(item, Mapping) and item.get("_target_") == target:
            paths.add((part, "transforms", str(position % len(items)), "_target_"))
    return paths


def _walk(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, value
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _walk(item, (*path, str(key)))
    elif isinstance(value, list):
        for n, item in enumerate(value):
            yield from _walk(item, (*path, str(n)))


def _faults(key: str, part: str, value: Any, inference: Mapping[str, Any]) -> list[str]:
    if key == "_target_":
        fault = target_fault(value, part)
        return [fault] if fault else []
    if key.startswith("_") and key != "_desc_":
        return [f"'{key}' is not read by medseg; only _target_ and _desc_ are"]
    if key in DOWNLOADS and value:
        return ["weights come from models/model.pt, never from the network; take this key out"]
    return _text_faults(value, part, inference) if isinstance(value, str) and key != "_desc_" else []


def _text_faults(text: str, part: str, inference: Mapping[str, Any]) -> list[str]:
    if text.startswith("@"):
        return _reference_faults(text[1:], part, inference)
    if "@" in text:
        return [f"'{text}': '@' may only stand first, before the name of an id"]
    if NUMBER_AS_TEXT.fullmatch(text):
        return [f"'{text}' is text to YAML; write a dot and a signed exponent, as in 1.0e-3"]
    return [f"'{text}': '{sign}' {reason}; write a plain value" for sign, reason in _CODE_SIGNS.items() if sign in text]


def _reference_faults(name: str, part: str, inference: Mapping[str, Any]) -> list[str]:
    if name == "preprocessing":
        return [] if part == "postprocessing" else ["'@preprocessing' may be used in postprocessing alone"]
    if name not in inference:
        return [f"'@{name}' refers to nothing in this file"]
    if not all(_is_plain(value) for _, value in _walk(inference[name], (name,))):
        return [f"'@{name}' refers to something that is not a plain value"]
    return []


def _is_plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return not any(str(key).startswith("_") for key in value)
    return not (isinstance(value, str) and any(sign in value for sign in "$%#@"))

"""Expressions and classes in a bundle's configuration that would run something, were they evaluated or built."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tiny
from hostile_kit import Hostile, Kit, resealed


def config(change: Callable[[dict[str, Any], Kit], None], file: str = "inference.yaml") -> Callable[[Kit], Path]:
    """A configuration that was changed."""

    def make(kit: Kit) -> Path:
        bundle = kit.copy()
        tiny.edit_yaml(bundle / "configs" / file, lambda values: change(values, kit))
        return resealed(bundle)

    return make


def target(name: Any, part: str = "network_def", **arguments: Any) -> Callable[[Kit], Path]:
    """A part that builds something else, with arguments; "COMMAND" becomes the one that writes the canary."""

    def change(values: dict[str, Any], kit: Kit) -> None:
        given = {key: kit.command if one == "COMMAND" else one for key, one in arguments.items()}
        step = {"_target_": name, **given}
        if part in ("network_def", "inferer"):
            values[part] = step
        else:
            values[part]["transforms"].insert(1, step)

    return config(change)


def expression_in(*path: str | int) -> Callable[[Kit], Path]:
    """An expression in place of a value."""

    def change(values: dict[str, Any], kit: Kit) -> None:
        at: Any = values
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = kit.expression

    return config(change)


def _behind_a_reference(values: dict[str, Any], kit: Kit) -> None:
    values["n"] = kit.expression
    values["network_def"]["in_channels"] = "@n"


def _in_a_key(values: dict[str, Any], kit: Kit) -> None:
    values["network_def"]["norm_name"] = ["instance", {kit.expression: True}]


def _deep_in_arguments(values: dict[str, Any], kit: Kit) -> None:
    values["network_def"]["norm_name"] = ["instance", {"affine": [[{"deep": kit.expression}]]}]


def _mode(mode: str) -> Callable[[dict[str, Any], Kit], None]:
    return lambda values, _: values["inferer"].update(_mode_=mode)


def _twin(kit: Kit) -> Path:
    bundle = kit.copy()
    (bundle / "configs" / "inference.json").write_text(json.dumps({"network_def": {"_target_": "os.system"}}))
    return resealed(bundle)


_EXPRESSIONS = [
    Hostile(
        "an expression in the network", expression_in("network_def", "spatial_dims"), ("network_def.spatial_dims",)
    ),
    Hostile(
        "an expression in the preprocessing",
        expression_in("preprocessing", "transforms", 1, "axcodes"),
        ("preprocessing.transforms.1.axcodes",),
    ),
    Hostile("an expression in the inferer", expression_in("inferer", "overlap"), ("inferer.overlap",)),
    Hostile(
        "an expression in the postprocessing",
        expression_in("postprocessing", "transforms", 0, "keys"),
        ("postprocessing.transforms.0.keys",),
    ),
    Hostile("an expression behind a reference", config(_behind_a_reference), ("'@n' refers to something",)),
    Hostile("an expression deep in arguments", config(_deep_in_arguments), ("norm_name.1.affine.0.0.deep",)),
    Hostile("an expression as a key", config(_in_a_key), ("network_def",), by=("infer",)),
    Hostile(
        "a reference to what is evaluated",
        config(lambda values, _: values["network_def"].update(in_channels="@device")),
        ("'@device' refers to something that is not a plain value",),
    ),
    Hostile(
        "a copy of another file",
        config(lambda values, _: values["network_def"].update(in_channels="%/etc/passwd.yaml::root")),
        ("'%' copies from other files",),
    ),
    Hostile(
        "an expression that wipes its refusal out",
        config(lambda values, kit: values["inferer"].update(overlap=f"{kit.expression}\x1b[2K\rmedseg: fine")),
        ("inferer.overlap", "\\x1b[2K\\rmedseg: fine"),
    ),
    Hostile("debug mode", config(_mode("debug")), ("inferer._mode_",)),
    Hostile("callable mode", config(_mode("callable")), ("inferer._mode_",)),
    Hostile("an inference.json that says something else", _twin, ("configs/inference.json", "network_def")),
]
_TARGETS = [
    Hostile(f"{name} as the network", target(name, **arguments), (f"'{name}' may not be built",))
    for name, arguments in (
        ("os.system", {"command": "COMMAND"}),
        ("subprocess.run", {"args": "COMMAND", "shell": True}),
        ("builtins.eval", {"source": "COMMAND"}),
        ("builtins.exec", {"source": "COMMAND"}),
        ("monai.bundle.scripts.run", {"config_file": "COMMAND"}),
        ("monai.utils.optional_import", {"module": "os"}),
        ("torch.hub.load", {"repo_or_dir": "COMMAND", "model": "x"}),
        ("torch.load", {"f": "models/model.pt", "weights_only": False}),
        ("torch.nn.modules.module.warnings.sys.modules", {}),
    )
] + [
    Hostile(
        "os reached through a module of MONAI",
        target("monai.transforms.io.array.os.system", "preprocessing", command="COMMAND"),
        ("'monai.transforms.io.array.os.system' may not be built",),
    ),
    Hostile(
        "a transform that runs a text",
        target("monai.transforms.Lambdad", "preprocessing", keys=["image"], func="COMMAND"),
        ("Lambdad is not allowed: it runs code",),
    ),
    Hostile("a number as a class", target(7), ("network_def._target_: '7'",)),
    Hostile("a list as a class", target(["os.system"]), ("network_def._target_",)),
    Hostile("keys and values as a class", target({"_target_": "os.system"}), ("network_def._target_",)),
    Hostile(
        "a network that downloads its weights unasked",
        target("monai.networks.nets.EfficientNetBN", model_name="efficientnet-b0", spatial_dims=3),
        ("downloads weights",),
    ),
    Hostile(
        "a network that downloads, under its other name",
        target("monai.networks.nets.Transchex", in_channels=1, img_size=[8, 8, 8], num_classes=2),
        ("downloads weights",),
    ),
    Hostile(
        "a step that sleeps for years",
        target("monai.transforms.SimulateDelayd", "preprocessing", keys=["image"], delay_time=1e9),
        ("SimulateDelayd is not allowed",),
    ),
]
ROWS = [*_EXPRESSIONS, *_TARGETS]

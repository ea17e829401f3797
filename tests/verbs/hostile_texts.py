"""YAML and JSON that harm whoever reads them, before anything of them is built."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hostile_kit import Hostile, Kit, resealed


def text(file: str, content: Callable[[str, Kit], str]) -> Callable[[Kit], Path]:
    """A file whose text was changed, in a way that YAML's and JSON's writers do not know."""

    def make(kit: Kit) -> Path:
        bundle = kit.copy()
        path = bundle / file
        old = path.read_text(encoding="utf-8") if path.is_file() else ""
        path.write_text(content(old, kit), encoding="utf-8")
        return resealed(bundle)

    return make


def _bomb(levels: int) -> str:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines)


def _merges(levels: int) -> str:
    lines = ["m0: &m0 {x: 1}"]
    lines += [f"m{n}: &m{n} {{<<: [{', '.join([f'*m{n - 1}'] * 9)}]}}" for n in range(1, levels)]
    return "\n".join(lines)


def _bomb_in_network(old: str, _: Kit) -> str:
    return f"{_bomb(12)}\n{old}".replace("norm_name:", "more: *a11\n  norm_name:", 1)


def _deep(brackets: int) -> str:
    return "[" * brackets + "]" * brackets


ROWS = [
    Hostile(
        "a Python object in YAML",
        text(
            "configs/inference.yaml", lambda old, kit: f"{old}\nx: !!python/object/apply:os.system ['{kit.command}']\n"
        ),
        ("inference.yaml", "python/object/apply:os.system"),
    ),
    Hostile(
        "a Python object in the training's YAML",
        text("configs/train.yaml", lambda old, kit: f"{old}\nx: !!python/object/apply:os.system ['{kit.command}']\n"),
        ("train.yaml", "python/object/apply:os.system"),
    ),
    Hostile(
        "an alias bomb",
        text("configs/inference.yaml", _bomb_in_network),
        ("inference.yaml: ", "one holds itself or repeats"),
    ),
    Hostile(
        "an alias bomb in the scoring",
        text("configs/evaluate.yaml", lambda old, _: f"{_bomb(12)}\n{old}"),
        ("evaluate.yaml: ", "one holds itself or repeats"),
    ),
    Hostile(
        "a bomb of merged keys",
        text("configs/train.yaml", lambda old, _: f"{_merges(9)}\n{old}"),
        ("train.yaml: ", "one holds itself or repeats"),
    ),
    Hostile(
        "a configuration of three megabytes",
        text("configs/train.yaml", lambda old, _: f"{old}\n# {'x' * 3 * 2**20}"),
        ("train.yaml' has more than 2 MiB",),
    ),
    Hostile(
        "a value that holds itself",
        text("configs/inference.yaml", lambda old, _: old.replace("network_def:", "network_def: &a\n  self: *a", 1)),
        ("holds itself",),
    ),
    Hostile(
        "YAML that is nested without end",
        text("configs/inference.yaml", lambda old, _: f"{old}\nx: {_deep(20_000)}\n"),
        ("inference.yaml",),
    ),
    Hostile(
        "JSON that is nested without end",
        text("configs/metadata.json", lambda old, _: f'{{"x": {_deep(100_000)}, {old[1:]}'),
        ("metadata.json",),
    ),
    Hostile(
        "a number of a hundred thousand digits",
        text("configs/metadata.json", lambda old, _: f'{{"x": {"9" * 100_000}, {old[1:]}'),
        ("metadata.json", "digits"),
    ),
    Hostile(
        "NaN for the number of channels",
        text("configs/metadata.json", lambda old, _: old.replace('"num_channels": 1', '"num_channels": NaN', 1)),
        ("metadata.json", "NaN"),
    ),
    Hostile(
        "a key twice, of which each reader takes another",
        text("configs/metadata.json", lambda old, _: f'{{"version": "0", {old[1:]}'),
        ("metadata.json", "'version' is given twice"),
    ),
    Hostile(
        "a name that moves the cursor",
        text("configs/metadata.json", lambda old, _: old.replace('"hippocampus_unet3d"', '"\\u001b[2Khidden"', 1)),
        (),
        by=(),
    ),
]

"""A foreign bundle that its user trusts: what it will evaluate is told, then evaluated, then checked."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medseg.bundle.foreign import evaluations, hidden_faults
from medseg.bundle.foreign_faults import SAVE, channel_first_steps, foreign_faults, is_plain_label_map
from medseg.bundle.foreign_names import foreign_names
from medseg.bundle.safety import PARTS
from medseg.core.errors import BundleError, raise_faults
from medseg.core.lean_import import import_monai_lean
from medseg.core.printable import printable

LOG = logging.getLogger("medseg")
_ONE_LABEL = "medseg.transforms.one_label.OneLabeld"
_WEIGHTS = ("models", "model.pt")
_TORCHSCRIPT = Path("models") / "model.ts"


@dataclass(frozen=True)
class ForeignModel:
    """What a foreign bundle says, once it is evaluated.

    Attributes:
        metadata: With a version, whether it had one or not.
        inference: The four parts, as a bundle of medseg has them.
        located: Class or function of every name in them.
        channels: Names of the input channels.
        classes: Names of the output classes, background first.
    """

    metadata: Mapping[str, Any]
    inference: Mapping[str, Any]
    located: Mapping[str, Callable[..., Any]]
    channels: list[str]
    classes: list[str]


def evaluated_model(
    title: str, root: Path, file: str, metadata: Mapping[str, Any], inference: Mapping[str, Any]
) -> ForeignModel:
    """Evaluate a bundle that is trusted; a warning for every expression comes first.

    Args:
        title: Name and place of the bundle.
        root: Its folder.
        file: Name of its inference config.
        metadata: Parsed metadata.json.
        inference: Parsed inference config.

    Raises:
        BundleError: It cannot be evaluated, or does what medseg cannot do as MONAI would.
    """
    config = {**inference, "_meta_": metadata}
    try:
        raise_faults(title, [*_absent(root, inference), *_named(file, hidden_faults(config))], BundleError)
        told = evaluations(config)
    except RecursionError:  # a YAML anchor may hold itself
        raise BundleError(f"{title}: configs/{file}: a value holds itself; write it out") from None
    for line in [f"{title}: --trust lets it evaluate:", *(f"  configs/{file}: {one.line}" for one in told)]:
        LOG.warning("%s", line)
    import_monai_lean()
    from medseg.bundle.evaluated import evaluate

    try:
        found = evaluate(config, root)
    except BundleError as error:
        raise BundleError(f"{title}: configs/{file}: {error}") from error
    network = found.parts["network_def"]
    channels, classes, faults = foreign_names(metadata, network if isinstance(network, Mapping) else {})
    faults += _named(file, [*_weights_faults(found.weights), *foreign_faults(found.parts)])
    raise_faults(f"{title}, trusted, still cannot be used", faults, BundleError)
    parts = _as_medseg_has_them(found.parts, len(classes))
    return ForeignModel({"version": "unknown", **metadata}, parts, found.located, channels, classes)


def _absent(root: Path, inference: Mapping[str, Any]) -> list[str]:
    faults = [f"{part}: missing" for part in PARTS if part not in inference]
    if not root.joinpath(*_WEIGHTS).is_file():
        program = f"; {_TORCHSCRIPT.as_posix()} is a program, which medseg does not run"
        beside = program if (root / _TORCHSCRIPT).is_file() else ""
        faults.append(
            f"{'/'.join(_WEIGHTS)}: missing{beside}. Large files are fetched with: "
            "python -m monai.bundle download_large_files --bundle_path FOLDER"
        )
    return faults


def _weights_faults(path: str | None) -> list[str]:
    if path is None or Path(path).parts[-2:] == _WEIGHTS:
        return []
    wanted = "/".join(_WEIGHTS)
    return [f"CheckpointLoader.load_path: {printable(path)}; medseg takes {wanted} alone: call it so, here too"]


def _named(file: str, faults: list[str]) -> list[str]:
    return [f"configs/{file}: {fault}" for fault in faults]


def _as_medseg_has_them(parts: Mapping[str, Any], classes: int) -> dict[str, Any]:
    """Parts whose reader stands first and whose writer last, and which end in a label map for certain."""
    before, after = (parts[part]["transforms"] for part in ("preprocessing", "postprocessing"))
    steps = [step for step in after if step["_target_"] != SAVE]
    if not is_plain_label_map(steps):
        steps.append({"_target_": _ONE_LABEL, "keys": ["pred"], "classes": classes})
    steps.append({"_target_": SAVE, "keys": ["pred"]})
    return {
        **parts,
        "preprocessing": {**parts["preprocessing"], "transforms": channel_first_steps(before)},
        "postprocessing": {**parts["postprocessing"], "transforms": steps},
    }

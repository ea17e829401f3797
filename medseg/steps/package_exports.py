"""Put a bundle's network into a package for programs that do not build it, and tell how well each form agrees."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from medseg.bundle.metadata import example_shapes
from medseg.bundle.read import Bundle
from medseg.core.errors import BundleError
from medseg.core.exports import EXPORT_FILES, Export
from medseg.core.extras import require
from medseg.core.types import LabelArray
from medseg.core.volume import Volume
from medseg.engine.device import Precision
from medseg.engine.export import BATCH, ToExport, noise, write_export
from medseg.engine.exported import exported_network
from medseg.engine.inference import Predictor
from medseg.steps.label_dice import dice_of_labels
from medseg.steps.predictors import build_predictor, plain, trained_network

CPU = torch.device("cpu")
_ATTACHED = ("metadata.json", "inference.json")  # what a TorchScript archive holds of configs/, as MONAI's ckpt_export


@dataclass(frozen=True)
class ExportReport:
    """A network in one of its forms, read back and compared with the one it was made of, in fp32 on the CPU.

    Attributes:
        file: Its name in the bundle.
        how: What made it, for example "torch.jit.trace".
        bytes: Of the file.
        shapes: Of the inputs that were tried, (B, C, …).
        largest_difference: Of any logit, over all of them.
        largest_logit: Of the network itself, in size: what the difference is to be held against.
        seconds: That writing, reading and comparing took.
    """

    file: str
    how: str
    bytes: int
    shapes: tuple[tuple[int, ...], ...]
    largest_difference: float
    largest_logit: float
    seconds: float


def export_network(
    bundle: Bundle, exports: Sequence[Export], folder: Path, *, say: Callable[[str], None] = lambda _: None
) -> dict[str, ExportReport]:
    """Write a trained network in other forms, each read back and compared with it on two shapes.

    Args:
        bundle: With weights.
        exports: In which forms; none writes nothing.
        folder: Of the package; gets models/model.ts, .onnx, .pt2. A TorchScript archive takes along its
            configs/metadata.json and inference.json, or where it has none what the bundle says.
        say: Shows a line to the user.

    Returns:
        What became of each form.

    Raises:
        BundleError: The bundle has no weights, or a form does not say what the network says.
        OutputError: The network cannot be written in a form, or the disk does not take it.
        UsageError: A form needs a package that is not installed.
    """
    if "onnx" in exports:
        require("--export onnx", "onnx")
    if not exports:
        return {}
    image = bundle.metadata["network_data_format"]["inputs"]["image"]
    shapes = example_shapes(image["spatial_shape"])
    network = trained_network(bundle, CPU)
    one = ToExport(network, len(bundle.channels), shapes, _attached(bundle, folder))
    return {export: _exported(export, one, folder, say) for export in dict.fromkeys(exports)}


def label_agreement(bundle: Bundle, files: Mapping[str, Path], volume: Volume) -> dict[str, dict[str, float]]:
    """How the label maps of exported networks agree with that of the network itself.

    All go through medseg's own windows and the bundle's own chain, in fp32 on the CPU, as with ``--engine onnx``.

    Args:
        bundle: With weights.
        files: Form ("torchscript", "onnx", "pt2", "int8") to file.
        volume: A study, channels in the bundle's order.

    Returns:
        Form to label to Dice; 1 where neither map has the label.

    Raises:
        InferenceError: A file cannot be read or says nan, or the study has nothing to look at.
    """
    expected = _predicted(bundle, trained_network(bundle, CPU), volume)
    return {
        form: dice_of_labels(_predicted(bundle, exported_network(form, path), volume), expected, bundle.labels)
        for form, path in files.items()
    }


def _predicted(bundle: Bundle, network: nn.Module, volume: Volume) -> LabelArray:
    return predictor_with(bundle, network).predict(volume)


def predictor_with(bundle: Bundle, network: nn.Module) -> Predictor:
    """What segments with any network in place of the bundle's, on the CPU in fp32."""
    return build_predictor([bundle], [network], device=CPU, mode=plain(Precision("fp32", "cpu")), exact=False)


def _exported(export: Export, one: ToExport, folder: Path, say: Callable[[str], None]) -> ExportReport:
    began_s, name = time.monotonic(), EXPORT_FILES[export]
    how = write_export(export, one, folder / name)
    inputs = [noise((batch, one.channels, *shape)) for batch, shape in zip((1, BATCH), one.shapes, strict=True)]
    difference, logit = _compared(one.network, exported_network(export, folder / name), inputs, name)
    seconds = time.monotonic() - began_s
    say(f"{name.as_posix()}: {how}, largest difference {difference:.1e} of logits up to {logit:.1f}, {seconds:.0f} s")
    given = tuple(tuple(image.shape) for image in inputs)
    return ExportReport(name.as_posix(), how, (folder / name).stat().st_size, given, difference, logit, seconds)


def _compared(network: nn.Module, other: nn.Module, inputs: Sequence[torch.Tensor], name: Path) -> tuple[float, float]:
    """Largest difference of a logit, and the largest logit."""
    differences, logits = [], []
    for image in inputs:
        with torch.no_grad():
            expected = network(image)
            try:
                found = other(image)
            except Exception as error:  # of any runtime: what was followed for one shape knows no other
                reason = " ".join(str(error).split())[:200]
                raise BundleError(
                    f"{name.as_posix()} does not run on an image of shape {tuple(image.shape)}, which the network "
                    f"takes: {reason}. Leave this form out"
                ) from error
        differences.append(_largest(found - expected) if found.shape == expected.shape else math.nan)
        logits.append(_largest(expected))
    if not all(map(math.isfinite, differences)):
        raise BundleError(f"{name.as_posix()} says something else than the network it was made of. Leave this form out")
    return max(differences), max(logits)


def _largest(values: torch.Tensor) -> float:
    return float(values.abs().max())


def _attached(bundle: Bundle, folder: Path) -> dict[str, str]:
    said = {"metadata.json": bundle.metadata, "inference.json": bundle.inference}
    files = {name: folder / "configs" / name for name in _ATTACHED}
    return {
        name: path.read_text(encoding="utf-8") if path.is_file() else json.dumps(said[name])
        for name, path in files.items()
    }

"""Put a bundle's network in 8-bit numbers into a package, and tell what that saves and what it changes."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from medseg.bundle.metadata import example_shapes
from medseg.bundle.read import Bundle
from medseg.bundle.window import window_of
from medseg.core.errors import BundleError, DatalistError
from medseg.core.exports import EXPORT_FILES
from medseg.core.extras import require
from medseg.core.random import generator_for
from medseg.core.types import FloatArray
from medseg.core.volume import Volume
from medseg.core.window import Window
from medseg.engine.content import content_box
from medseg.engine.device import Precision, choose_precision
from medseg.engine.export import ToExport, write_export
from medseg.engine.exported import exported_network
from medseg.engine.fastest import fastest_mode, modes
from medseg.engine.forward import Forward, Mode, agreement_of
from medseg.engine.inference import Predictor
from medseg.engine.quantize import quantize
from medseg.engine.sliding import slabs
from medseg.engine.windows import shifted_plan
from medseg.steps.collect import collect
from medseg.steps.dicom_options import DicomOptions
from medseg.steps.jobs import Job
from medseg.steps.label_dice import dice_of_labels
from medseg.steps.package_exports import CPU, predictor_with
from medseg.steps.predictors import trained_network

WINDOWS = 48  # that ranges are read from, of as many studies where there are so many; all are in memory at once
COMPARED = 16  # other studies whose labels are compared; each goes through the network in fp32 too
ROUNDS = 7  # of timing, in turn; the median counts
Say = Callable[[str], None]


@dataclass(frozen=True)
class DiceAgainstFloat:
    """How the label maps of a network in 8-bit numbers agree with those in fp32.

    Attributes:
        studies: How many were segmented with both.
        mean: Label to mean Dice over them; a label that neither map of a study has counts 1.
        least: Label to the lowest.
    """

    studies: int
    mean: Mapping[str, float]
    least: Mapping[str, float]


@dataclass(frozen=True)
class Int8Report:
    """What a package says of its network in 8-bit numbers.

    Attributes:
        file: Its name in the bundle.
        bytes: Of the file.
        float_bytes: Of the same network in ONNX, in fp32.
        windows: Ranges were read from so many.
        studies: They are of so many studies.
        least_agreement: Share of the voxels of a window that it labels as the network in fp32 does, the lowest.
        window: Shape of the input that was timed, (1, C, …).
        window_s: Median seconds of that: "fp32" and "bf16" by torch, the latter only where this machine computes in it
            natively, "int8" by OpenVINO.
        agreement: Of label maps with those in fp32, on studies that gave no ranges, where there are such.
        agreement_on: "other studies" or "the same studies".
    """

    file: str
    bytes: int
    float_bytes: int
    windows: int
    studies: int
    least_agreement: float
    window: tuple[int, ...]
    window_s: Mapping[str, float]
    agreement: DiceAgainstFloat
    agreement_on: str

    @property
    def size_ratio(self) -> float:
        """Bytes of the file, as a share of those in fp32."""
        return self.bytes / self.float_bytes


def quantize_network(bundle: Bundle, calibrate: Path, folder: Path, *, seed: int = 0, say: Say = print) -> Int8Report:
    """Write a trained network in 8-bit numbers, and compare it with the one in fp32.

    Studies are drawn from those of ``calibrate`` that the bundle does not hold out: what a model is judged by must
    not shape it.

    Args:
        bundle: With weights, run by windows.
        calibrate: Studies of its kind, with or without labels.
        folder: Of the package; gets models/model_int8.onnx.
        seed: Of the choice of studies and windows.
        say: Shows a line to the user.

    Raises:
        BundleError: The bundle has no weights, MONAI alone runs its inferer, or 8-bit numbers change its labels by
            more than inference accepts; nothing is left in the package then.
        DatalistError: There is no study that can be read and is not held out.
        OutputError: The network cannot be quantized, or the disk does not take it.
        UsageError: A package is not installed.
    """
    require("--quantize int8", "onnx", "openvino")
    window = _window(bundle)
    given, others = drawn_jobs(bundle, calibrate, seed=seed, say=say)
    network = trained_network(bundle, CPU)
    predictor = predictor_with(bundle, network)
    seen = _windows_of(predictor, window, given, seed)
    say(f"Quantizing: ranges from {len(seen)} windows of {len(given)} studies")
    path = folder / EXPORT_FILES["int8"]
    float_bytes = _quantized(bundle, network, seen, path)
    least = _least_agreement(network, exported_network("int8", path), seen)
    if least < agreement_of("int8"):
        path.unlink()
        raise BundleError(
            f"In 8-bit numbers bundle '{bundle.name}' labels {100 * least:.2f} % of the voxels of a window as in fp32; "
            f"{100 * agreement_of('int8')} % are wanted. Leave --quantize out"
        )
    return Int8Report(
        file=EXPORT_FILES["int8"].as_posix(),
        bytes=path.stat().st_size,
        float_bytes=float_bytes,
        windows=len(seen),
        studies=len(given),
        least_agreement=least,
        window=seen[0].shape,
        window_s=window_seconds(network, path, seen[0]),
        agreement=dice_against_float(bundle, path, (job.read().volume for job in others or given)),
        agreement_on="other studies" if others else "the same studies",
    )


def drawn_jobs(bundle: Bundle, data: Path, *, seed: int, say: Say = print) -> tuple[tuple[Job, ...], tuple[Job, ...]]:
    """Studies to read ranges from, and others to compare labels on; neither is held out.

    Args:
        bundle: Names channels, and the studies that it holds out where it knows them.
        data: In any layout, with or without labels.
        seed: Of the choice.
        say: Shows a line to the user.

    Returns:
        At most ``WINDOWS`` of the first, ``COMPARED`` of the others; none of these where there are too few.

    Raises:
        DatalistError: There is no study.
    """
    held_out = set((bundle.split or {}).get("holdout", ()))
    found = sorted(collect(bundle, (data,), DicomOptions(), say, option="--calibrate").jobs, key=lambda job: job.id)
    jobs = [job for job in found if job.id not in held_out]
    if not jobs:
        reason = f"all {len(found)} studies are of the hold-out" if found else "there is no study"
        raise DatalistError(f"--calibrate '{data}': {reason}; give studies that the model may see")
    order = [jobs[n] for n in generator_for(seed, "calibrate").permutation(len(jobs))]
    return tuple(order[:WINDOWS]), tuple(order[WINDOWS : WINDOWS + COMPARED])


def dice_against_float(bundle: Bundle, file: Path, volumes: Iterable[Volume]) -> DiceAgainstFloat:
    """Dice of the label maps of a network in 8-bit numbers with those of the same network in fp32.

    Args:
        bundle: With weights.
        file: Its network in 8-bit numbers.
        volumes: Studies, channels in the bundle's order; at least one.
    """
    eight = predictor_with(bundle, exported_network("int8", file))
    full = predictor_with(bundle, trained_network(bundle, CPU))
    rows = [dice_of_labels(eight.predict(volume), full.predict(volume), bundle.labels) for volume in volumes]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    mean = {name: statistics.fmean(column) for name, column in columns.items()}
    return DiceAgainstFloat(len(rows), mean, {name: min(column) for name, column in columns.items()})


def window_seconds(network: nn.Module, file: Path, window: FloatArray) -> dict[str, float]:
    """Median seconds of one window, of each way in turn, behind a first one that starts them.

    Args:
        network: In fp32, on the CPU.
        file: The same in 8-bit numbers.
        window: (1, C, …).
    """
    given = torch.from_numpy(window)
    ways: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {"fp32": Forward(network, Mode(Precision("fp32", "cpu")))}
    if (precision := choose_precision("auto", CPU)).name == "bf16":
        ways["bf16"] = Forward(network, fastest_mode(network, window.shape, modes(precision)))
    ways["int8"] = Forward(exported_network("int8", file), Mode(Precision("fp32", "cpu")))
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS + 1):
        for name, way in ways.items():
            began_s = time.perf_counter()
            way(given)
            spent[name].append(time.perf_counter() - began_s)
    return {name: statistics.median(own[1:]) for name, own in spent.items()}


def _window(bundle: Bundle) -> Window:
    window = window_of(bundle)
    if window is None:
        raise BundleError(f"--quantize int8: the inferer of bundle '{bundle.name}' is run by MONAI, with torch alone")
    return window


def _windows_of(predictor: Predictor, window: Window, jobs: Sequence[Job], seed: int) -> list[FloatArray]:
    """Of each study as many, as inference would show them to the network."""
    each, seen = -(-WINDOWS // len(jobs)), []
    for job in jobs:
        image = predictor.prepare(predictor.part_of(job.read().volume)).image.as_tensor()
        seen += _shown(image, window, each, generator_for(seed, "windows", job.id))
    return seen


def _shown(image: torch.Tensor, window: Window, count: int, random: np.random.Generator) -> list[FloatArray]:
    plan = shifted_plan(image.shape[1:], window, content_box(image))
    chosen = set(random.permutation(len(plan))[:count].tolist())
    kept: list[FloatArray] = []
    passed = 0

    def watch(windows: torch.Tensor) -> torch.Tensor:
        nonlocal passed
        for one in windows:
            if passed in chosen:
                seen = one if window.unseen_axis is None else one.squeeze(window.unseen_axis + 1)
                kept.append(seen[None].contiguous().numpy())
            passed += 1
        return windows[:, :1]

    for _ in slabs(image, watch, plan, window):
        pass
    return kept


def _quantized(bundle: Bundle, network: nn.Module, windows: Sequence[FloatArray], path: Path) -> int:
    """Write it; gives the bytes of the same network in fp32."""
    shapes = example_shapes(bundle.metadata["network_data_format"]["inputs"]["image"]["spatial_shape"])
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "model.onnx"
        write_export("onnx", ToExport(network, len(bundle.channels), shapes), source)
        quantize(source, windows, path)
        return source.stat().st_size


@torch.inference_mode()
def _least_agreement(network: nn.Module, other: nn.Module, windows: Sequence[FloatArray]) -> float:
    pairs = ((network(given).argmax(1), other(given).argmax(1)) for given in map(torch.from_numpy, windows))
    return min(float((expected == found).float().mean()) for expected, found in pairs)

"""What a network in 8-bit numbers saves and what it changes, on studies that no training has seen.

Does:  quantizes a bundle's network with windows of its training studies, then segments its hold-out with torch in fp32
       and in bf16, with ONNX Runtime and OpenVINO in fp32, and in 8-bit numbers, study by study in turn.
Needs: a bundle with weights and configs/split.json; the labelled dataset it was trained on; the extras onnx and
       openvino; no other work on the machine.
Makes: tables on the terminal: bytes, seconds of a study in the network and in all, ratios, Dice against fp32, and Dice
       against the reference with the mean difference to fp32 and its interval.
Takes: two minutes for 43 studies of the hippocampus; ROUNDS times what is timed.
Run:   python benchmarks/quantized.py BUNDLE DATA [ROUNDS]
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from inference import timed

from medseg.core.lean_import import import_monai_lean
from medseg.engine.allocator import keep_freed_memory

if TYPE_CHECKING:
    from medseg.bundle.read import Bundle
    from medseg.core.study import Study
    from medseg.core.types import LabelArray
    from medseg.engine.inference import Predictor
    from medseg.steps.jobs import Job

FP32, BF16 = "torch, fp32", "torch, bf16"
# Options of `medseg infer` that a row stands for, and the file that is then read.
CONTENDERS: dict[str, tuple[dict[str, str], str]] = {
    FP32: ({"precision": "fp32"}, "model.pt"),
    BF16: ({"precision": "bf16"}, "model.pt"),
    "ONNX Runtime, fp32": ({"engine": "onnx"}, "model.onnx"),
    "OpenVINO, fp32": ({"engine": "openvino", "precision": "fp32"}, "model.pt"),
    "OpenVINO, int8": ({"engine": "int8"}, "model_int8.onnx"),
}
Maps = list["LabelArray"]


def packaged(name: str, data: Path, folder: Path) -> Bundle:
    """A copy of a bundle with its network in ONNX and in 8-bit numbers; tells how that went."""
    from medseg.bundle.find import find_bundle
    from medseg.bundle.pack import seal_bundle
    from medseg.bundle.read import read_bundle
    from medseg.steps.package_exports import export_network
    from medseg.steps.package_int8 import quantize_network

    root = Path(shutil.copytree(find_bundle(name), folder / "bundle"))
    bundle = read_bundle(root)
    export_network(bundle, ["onnx"], root)
    made = quantize_network(bundle, data, root, say=lambda _: None)
    seal_bundle(root, {"name": bundle.name, "version": bundle.version}, None)  # engines run files of packages alone
    times = ", ".join(f"{way} {1000 * seconds:.1f} ms" for way, seconds in made.window_s.items())
    print(f"Ranges from {made.windows} windows of {made.studies} studies that are not held out")
    print(f"One window {made.window}: {times}")
    print(f"Of each window at least {100 * made.least_agreement:.3f} % of the voxels are labelled as in fp32")
    return bundle


def held_out(bundle: Bundle, data: Path) -> tuple[list[Job], list[Study]]:
    """The studies that the bundle holds out, to be segmented, and with their labels."""
    from medseg.datasets.detect import read_dataset
    from medseg.steps.collect import collect
    from medseg.steps.dicom_options import DicomOptions

    ids = set((bundle.split or {}).get("holdout", ()))
    jobs = {job.id: job for job in collect(bundle, (data,), DicomOptions(), lambda _: None).jobs}
    studies = [study for study in read_dataset(data).studies if study.id in ids]
    if not studies:
        raise SystemExit(f"{data} has none of the studies that {bundle.name} holds out")
    return [jobs[study.id] for study in studies], studies


def segmented(
    ways: Mapping[str, Predictor], jobs: Sequence[Job]
) -> tuple[dict[str, Maps], dict[str, list[float]], dict[str, list[float]]]:
    """Label maps, seconds in the network and seconds in all of each study, each way in turn."""
    spent: dict[str, float] = {}
    maps: dict[str, Maps] = {name: [] for name in ways}
    inside: dict[str, list[float]] = {name: [] for name in ways}
    whole: dict[str, list[float]] = {name: [] for name in ways}
    from medseg.engine.forward import Forward

    timed(Forward, "__call__", spent)
    for way in ways.values():  # starts its engine, and compares it with torch
        way.predict(jobs[0].read().volume)
    for job in jobs:
        for name, way in ways.items():
            spent.clear()
            began_s = time.perf_counter()
            maps[name].append(way.predict(job.read().volume))
            whole[name].append(time.perf_counter() - began_s)
            inside[name].append(spent["__call__"])
    return maps, inside, whole


def tell_time(bundle: Bundle, inside: Mapping[str, Sequence[float]], whole: Mapping[str, Sequence[float]]) -> None:
    """Bytes, median milliseconds of a study, and how many times faster than torch."""
    print(f"{'':20} {'bytes':>10} {'network ms':>10} {'all ms':>8}   network faster than {FP32}, {BF16}; all so")
    for name, (_, file) in CONTENDERS.items():
        own, all_of_it = statistics.median(inside[name]), statistics.median(whole[name])
        network = [statistics.median(inside[base]) / own for base in (FP32, BF16)]
        both = [statistics.median(whole[base]) / all_of_it for base in (FP32, BF16)]
        size = (bundle.root / "models" / file).stat().st_size
        ratios = f"{network[0]:6.2f} {network[1]:6.2f}; {both[0]:6.2f} {both[1]:6.2f}"
        print(f"{name:20} {size:10d} {1000 * own:10.1f} {1000 * all_of_it:8.1f}   {ratios}")


def tell_dice(bundle: Bundle, maps: Mapping[str, Maps], jobs: Sequence[Job], studies: Sequence[Study]) -> None:
    """Of each label against fp32 and against the reference, and what the latter differs from that of fp32."""
    from medseg.core.labels import map_values
    from medseg.io.study import read_study_label
    from medseg.metrics.bootstrap import mean_interval
    from medseg.steps.label_dice import dice_of_labels

    references = [
        map_values(read_study_label(study)[0], {theirs: ours for ours, theirs in job.value_of.items()})
        for study, job in zip(studies, jobs, strict=True)
    ]
    patients = [study.patient for study in studies]

    def scores(found: Maps, expected: Maps, label: str) -> Any:
        pairs = zip(found, expected, strict=True)
        return np.array([dice_of_labels(*pair, bundle.labels)[label] for pair in pairs])

    for label in [one.name for one in bundle.labels.labels]:
        print(f"\n{label}, n {len(studies)}: Dice with fp32 (least), with the reference, less that of fp32 [95 %]")
        of_float = scores(maps[FP32], references, label)
        for name, found in maps.items():
            same, own = scores(found, maps[FP32], label), scores(found, references, label)
            between = mean_interval(own - of_float, seed=0, patients=patients) if name != FP32 else None
            interval = (
                "" if between is None else f" {np.mean(own - of_float):+.5f} [{between.low:+.5f}, {between.high:+.5f}]"
            )
            print(f"{name:20} {same.mean():.4f} ({same.min():.4f})  {own.mean():.4f} {interval}")


def main(name: str, data: Path, rounds: int) -> None:
    """Make the package, segment, tell."""
    from medseg.steps.computing import Computing
    from medseg.steps.predictors import predictor_of

    with tempfile.TemporaryDirectory() as work:
        bundle = packaged(name, data, Path(work))
        memory = Path(work) / "measured.json"
        jobs, studies = held_out(bundle, data)
        ways = {one: predictor_of([bundle], Computing(**how), memory=memory) for one, (how, _) in CONTENDERS.items()}
        print(f"{name}, {len(jobs)} studies of its hold-out, {rounds} rounds")
        maps, inside, whole = segmented(ways, list(jobs) * rounds)
        tell_time(bundle, inside, whole)
        tell_dice(bundle, {one: found[: len(jobs)] for one, found in maps.items()}, jobs, studies)


if __name__ == "__main__":
    keep_freed_memory()
    import_monai_lean()
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 1)

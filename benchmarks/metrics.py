"""How long all metrics of a study take, against MONAI and DeepMind's surface-distance, and how much memory.

Does    a  three nested tumour regions of 240 x 240 x 155: overlap, volumes, HD, HD95, ASSD and surface Dice in one
           call, in turns with MONAI's five calls for Dice, HD, HD95, ASSD and surface Dice
        b  twenty organs of 512 x 512 x 300: the same, in turns with MONAI's HD95 alone, organ by organ; and once more
           in a process of its own to see the peak memory
        c  the regions of a by area alone, in turns with the surface-distance package
        In a and b the tolerance is told beforehand, as by a policy; --any-tolerance leaves it open.
        Says first whether the numbers are equal. Masks are smooth blobs with islands; --data takes real ones
Needs   the surface-distance package for c; 160 MB of disk in the temporary folder for b
Makes   nothing that stays
Takes   five minutes, most of them for MONAI in b
Run     python benchmarks/metrics.py
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.metrics import (
    compute_average_surface_distance,
    compute_dice,
    compute_hausdorff_distance,
    compute_surface_dice,
)
from scipy import ndimage

from medseg.io.nifti import read_label
from medseg.metrics.mask_pair import MaskPair, compare_labels

REGIONS = {"WT": (1, 2, 4), "TC": (1, 4), "ET": (4,)}
ORGANS = {str(value): (value,) for value in range(1, 21)}
ONE_MM = (1.0, 1.0, 1.0)
CT_MM = (0.75, 0.75, 1.5)
TOLERANCE_MM = 1.0
# Peak of the whole process less what it held before, in bytes; in a process of its own, for a peak never falls.
PEAK = """
import sys
import numpy as np
from medseg.metrics.mask_pair import compare_labels
def peak():
    line = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024
maps = [np.load(path) for path in sys.argv[1:3]]
compare_labels(*(m[:8, :8, :8] for m in maps), (0.75, 0.75, 1.5), {"warm": (1,)})
before = peak()
compare_labels(*maps, (0.75, 0.75, 1.5), {str(value): (value,) for value in range(1, 21)})
print(peak() - before)
"""

Maps = tuple[np.ndarray, np.ndarray]
Scores = list[tuple[float, ...]]
Step = Callable[[], Scores]
Way = Callable[[], Iterable[Step]]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--turns", type=int, default=7, help="of a and c")
    options.add_argument("--ct-turns", type=int, default=2, help="of b; 0 leaves it out")
    options.add_argument("--any-tolerance", action="store_true", help="measure all distances by area in a and b too")
    options.add_argument("--data", type=Path, help="a BraTS study folder: its *_seg.nii.gz for a and c")
    given = options.parse_args()
    warnings.simplefilter("ignore")
    limits_mm = {} if given.any_tolerance else {"area": TOLERANCE_MM}
    tumour = real_tumour(given.data) if given.data else tumour_maps()
    regions_against_monai(tumour, given.turns, limits_mm)
    regions_against_deepmind(tumour, given.turns)
    if given.ct_turns:
        organs_against_monai(organ_maps(), given.ct_turns, limits_mm)


def regions_against_monai(maps: Maps, turns: int, limits_mm: dict[str, float]) -> None:
    """Part a: both are given what they take: medseg label maps, MONAI one boolean tensor with a channel per region."""
    p, r = (torch.from_numpy(np.stack([np.isin(m, v) for v in REGIONS.values()]))[None] for m in maps)
    given: dict[str, Any] = {"include_background": True, "spacing": ONE_MM}

    def monai() -> Scores:
        columns = [
            compute_dice(p, r, include_background=True),
            compute_hausdorff_distance(p, r, **given),
            compute_hausdorff_distance(p, r, percentile=95, **given),
            compute_average_surface_distance(p, r, symmetric=True, **given),
            compute_surface_dice(p, r, [TOLERANCE_MM] * len(REGIONS), use_subvoxels=True, **given),
        ]
        return [tuple(row) for row in torch.cat(columns).T.tolist()]

    def medseg() -> Scores:
        return _all_scores(compare_labels(*maps, ONE_MM, REGIONS, limits_mm=limits_mm))

    in_turns(
        "a  three regions, all metrics",
        {"medseg": lambda: [medseg], "MONAI, five calls": lambda: [monai]},
        turns,
        bar=100,
    )


def regions_against_deepmind(maps: Maps, turns: int) -> None:
    """Part c: distances by area alone, and Dice; masks are made beforehand for the package only."""
    import surface_distance as peer

    masks = [tuple(np.isin(m, values) for m in maps) for values in REGIONS.values()]

    def deepmind() -> Scores:
        return [_deepmind(peer, *pair) for pair in masks]

    def medseg() -> Scores:
        return [_by_area(found) for found in compare_labels(*maps, ONE_MM, REGIONS, elements=("area",)).values()]

    in_turns(
        "c  three regions, by area", {"medseg": lambda: [medseg], "surface-distance": lambda: [deepmind]}, turns, bar=7
    )


def _all_scores(found: dict[str, MaskPair]) -> Scores:
    return [
        (f.overlap.dice, f.hausdorff_mm(), f.hausdorff_mm(95.0), f.assd_mm(), f.nsd(TOLERANCE_MM))
        for f in found.values()
    ]


def _deepmind(peer: Any, prediction: np.ndarray, reference: np.ndarray) -> tuple[float, ...]:
    found = peer.compute_surface_distances(reference, prediction, ONE_MM)
    return (
        peer.compute_dice_coefficient(reference, prediction),
        *(peer.compute_robust_hausdorff(found, percent) for percent in (100.0, 95.0)),
        *peer.compute_average_surface_distance(found),
        peer.compute_surface_dice_at_tolerance(found, TOLERANCE_MM),
    )


def _by_area(found: MaskPair) -> tuple[float, ...]:
    area = found.surfaces["area"]
    return (
        found.overlap.dice,
        *(area.hausdorff_mm(percent) for percent in (100.0, 95.0)),
        *(side.moment / side.total for side in (area.of_reference, area.of_prediction)),
        area.nsd(TOLERANCE_MM),
    )


def organs_against_monai(maps: Maps, turns: int, limits_mm: dict[str, float]) -> None:
    """Part b: MONAI gets each mask ready-made, so that a one-hot of 20 organs need not fit into memory."""

    def medseg() -> Scores:
        return [(row[2],) for row in _all_scores(compare_labels(*maps, CT_MM, ORGANS, limits_mm=limits_mm))]

    def hd95(p: torch.Tensor, r: torch.Tensor) -> Scores:
        return compute_hausdorff_distance(p, r, include_background=True, percentile=95, spacing=CT_MM).tolist()

    def monai() -> Iterator[Step]:
        for value in range(1, 21):
            p, r = (torch.from_numpy(m == value)[None, None] for m in maps)
            yield partial(hd95, p, r)

    in_turns("b  twenty organs", {"medseg, all metrics": lambda: [medseg], "MONAI, HD95 alone": monai}, turns, bar=25)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("prediction.npy", "reference.npy")]
        for path, labels in zip(paths, maps, strict=True):
            np.save(path, labels)
        words = [sys.executable, "-c", PEAK, *map(str, paths)]
        peak = int(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    print(f"   memory: peak {peak / 2**20:.0f} MiB beyond the maps, {peak / maps[0].size:.2f} times one mask (bar 6)\n")


def in_turns(title: str, ways: dict[str, Way], turns: int, *, bar: float) -> None:
    """Print ratios of wall and CPU seconds, taken in turns so that other work on the machine meets both."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    scores: dict[str, Scores] = {}
    for _ in range(turns + 1):  # the first turn warms up
        for name, way in ways.items():
            time.sleep(0.5)  # threads that still spin from the turn before would take a core
            scores[name], seconds = timed(way)
            taken[name].append(seconds)
    ours, theirs = (np.array(scores[name]) for name in ways)
    apart = float(np.abs(ours - theirs).max())
    equal = "equal" if apart < 1e-4 else "DIFFER"
    print(f"{title}: {ours.size} numbers compared, largest difference {apart:.1e} ({equal})")
    for name, rounds in taken.items():
        wall, cpu = (statistics.median(column) for column in zip(*rounds[1:], strict=True))
        print(f"   {name:<22} median {wall:.4f} s, CPU {cpu:.4f} s")
    first, second = (np.array(rounds[1:]) for rounds in taken.values())
    wall, cpu = np.median(second / first, axis=0)
    load = os.getloadavg()[0]
    print(f"   ratio {wall:.0f} (CPU {cpu:.0f}, bar {bar:g}), {turns} turns, load average {load:.1f}\n")


def timed(way: Way) -> tuple[Scores, tuple[float, float]]:
    """Scores, wall and CPU seconds of the steps; what makes a step ready is not counted."""
    rows: Scores = []
    wall = cpu = 0.0
    for step in way():
        wall -= time.perf_counter()
        cpu -= time.process_time()
        rows += step()
        wall += time.perf_counter()
        cpu += time.process_time()
    return rows, (wall, cpu)


def tumour_maps(seed: int = 0) -> Maps:
    """A tumour of nested shells in a BraTS grid, and a prediction with wavier edges and islands."""
    rng = np.random.default_rng(seed)
    shape = (90, 90, 80)
    radius = np.sqrt(sum(np.square(axis) for axis in np.ix_(*(np.linspace(-1, 1, n) for n in shape))))
    rough = radius + 0.12 * waves(shape, 12, rng)
    wavier = rough + 0.04 * waves(shape, 6, rng)
    islands = (waves(shape, 4, rng) > 2.8) & (radius < 0.9)
    maps = []
    for depth, extra in ((wavier, islands), (rough, np.zeros(shape, bool))):
        labels = np.zeros((240, 240, 155), np.uint8)
        inner = labels[70:160, 80:170, 40:120]
        inner[(depth < 0.62) | extra] = 2
        inner[depth < 0.48] = 4
        inner[depth < 0.30] = 1
        maps.append(labels)
    return maps[0], maps[1]


def organ_maps(seed: int = 0) -> Maps:
    """Twenty wavy ellipsoids from 190 to 28 voxels across in a CT grid, and a prediction with wavier edges."""
    rng = np.random.default_rng(seed)
    prediction, reference = (np.zeros((512, 512, 300), np.uint8) for _ in range(2))
    for value, size in enumerate(np.linspace(95.0, 14.0, 20), start=1):
        radii = np.minimum(size * rng.uniform(0.7, 1.3, 3) * (1.0, 1.0, 0.6), (120.0, 120.0, 80.0))
        middle = [
            rng.integers(int(1.4 * r) + 2, n - int(1.4 * r) - 2) for r, n in zip(radii, reference.shape, strict=True)
        ]
        box = tuple(slice(int(m - 1.4 * r), int(m + 1.4 * r) + 1) for m, r in zip(middle, radii, strict=True))
        axes = [(np.arange(s.start, s.stop) - m) / r for s, m, r in zip(box, middle, radii, strict=True)]
        depth = np.sqrt(sum(np.square(axis) for axis in np.ix_(*axes)))
        depth += 0.12 * waves(depth.shape, max(depth.shape) / 8, rng)
        reference[box][depth < 1.0] = value
        prediction[box][depth + 0.05 * waves(depth.shape, max(depth.shape) / 16, rng) < 1.0] = value
    return prediction, reference


def real_tumour(folder: Path) -> Maps:
    """The labels of a study, and the same bent by smooth waves with islands added."""
    reference, _ = read_label(next(folder.glob("*_seg.nii.gz")))
    rng = np.random.default_rng(0)
    bend = [np.arange(n).reshape([-1 if a == b else 1 for b in range(3)]) for a, n in enumerate(reference.shape)]
    index = [np.rint(axis + 1.5 * waves(reference.shape, 12, rng)).astype(int) for axis in bend]
    prediction = reference[tuple(i.clip(0, n - 1) for i, n in zip(index, reference.shape, strict=True))]
    near = ndimage.binary_dilation(reference > 0, iterations=12)
    prediction[near & (prediction == 0) & (waves(reference.shape, 4, rng) > 3.5)] = 2
    return np.ascontiguousarray(prediction), np.ascontiguousarray(reference)


def waves(shape: tuple[int, ...], length: float, rng: np.random.Generator) -> np.ndarray:
    """Smooth noise with a standard deviation of 1."""
    coarse = rng.standard_normal([max(4, int(1.5 * n / length)) for n in shape])
    fine = ndimage.zoom(
        ndimage.gaussian_filter(coarse, 1.0), [n / c for n, c in zip(shape, coarse.shape, strict=True)], order=1
    )
    return np.asarray(fine / fine.std())


if __name__ == "__main__":
    main()

"""How long a 300-slice CT takes to read with all checks, against SimpleITK, and how much memory.

Does    writes a CT of 300 slices of 512 x 512 (or takes --input), reads it in turns with medseg and with SimpleITK's
        ImageSeriesReader, and once more alone to see its peak memory
Needs   300 MB of disk in the temporary folder
Makes   nothing that stays
Takes   half a minute
Run     python benchmarks/dicom_read.py
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK

from medseg.core.volume import Volume
from medseg.io.dicom import find_series, read_series
from medseg.io.dicom_write import write_series

SHAPE = (512, 512, 300)
SPACING_MM = (0.7, 0.7, 1.0)
# Peak of the whole process less what it held before, in bytes; in a process of its own, for a peak never falls.
PEAK = """
import sys
from pathlib import Path
from medseg.io.dicom import find_series, read_series
def peak():
    # VmHWM and not getrusage, whose peak takes in the process this one was forked from.
    line = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024
before = peak()
volume, _ = read_series(find_series(Path(sys.argv[1])).series[0])
print(peak() - before, volume.array.nbytes)
"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--input", type=Path, help="folder of one uncompressed series; default: a written one")
    options.add_argument("--turns", type=int, default=7)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        series = given.input or write_ct(Path(folder) / "ct")
        compare(series, given.turns)
        show_memory(series)


def write_ct(folder: Path) -> Path:
    """A noisy CT: real scans compress badly too."""
    values = np.random.default_rng(0).normal(0.0, 200.0, (1, *SHAPE)).round().clip(-1000, 3000)
    affine = np.diag([-SPACING_MM[0], -SPACING_MM[1], SPACING_MM[2], 1.0])
    write_series(Volume(values.astype(np.float32), affine), folder, modality="CT")
    return folder


def compare(folder: Path, turns: int) -> None:
    """Times in turns, so that other work on the machine meets both."""
    names = SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder))
    readers: dict[str, Callable[[], np.ndarray]] = {
        "medseg": lambda: np.asarray(read_series(find_series(folder).series[0])[0].array[0]),
        "SimpleITK": lambda: _simpleitk(SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder))),
        "SimpleITK, files known": lambda: _simpleitk(names),
    }
    seconds: dict[str, list[float]] = {name: [] for name in readers}
    volumes: dict[str, np.ndarray] = {}
    for _ in range(turns):
        for name, read in readers.items():
            began = time.perf_counter()
            volumes[name] = read()
            seconds[name].append(time.perf_counter() - began)
    same = np.array_equal(volumes["medseg"], volumes["SimpleITK"])
    print(f"compared   {len(names)} files of {folder.name}, {turns} turns, values {'equal' if same else 'DIFFER'}")
    for name, taken in seconds.items():
        print(f"{name:<24} median {statistics.median(taken):.2f} s, fastest {min(taken):.2f} s")
    for name in list(readers)[1:]:
        ratios = [mine / theirs for mine, theirs in zip(seconds["medseg"], seconds[name], strict=True)]
        print(f"medseg / {name:<24} median ratio {statistics.median(ratios):.2f}")


def show_memory(folder: Path) -> None:
    """Peak memory beyond the start, against the size of the float32 volume."""
    words = [sys.executable, "-c", PEAK, str(folder)]
    peak, volume = map(int, subprocess.run(words, capture_output=True, text=True, check=True).stdout.split())
    print(f"memory     peak {peak / 2**20:.0f} MiB for a volume of {volume / 2**20:.0f} MiB: {peak / volume:.2f} times")


def _simpleitk(names: tuple[str, ...]) -> np.ndarray:
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(names)
    return SimpleITK.GetArrayFromImage(reader.Execute()).T


if __name__ == "__main__":
    main()

"""Wall time and peak memory of commands, for the benchmarks beside this file; runs nothing by itself.

Does:  starts a command from a small process and reads what it took.
Needs: Linux or macOS.
Makes: seconds and GiB for the benchmark that imports it.
Takes: as long as the command.
Run:   imported by `benchmarks/inference.py`
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

# A small process that starts a command: the peak of a child begins with what its parent holds.
LAUNCHER = """
import resource, subprocess, sys, time
began_s = time.perf_counter()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(time.perf_counter() - began_s, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""


class Run(NamedTuple):
    """A command that was measured."""

    seconds: float
    gib: float


def measured(command: Sequence[str | os.PathLike[str]], cwd: Path) -> Run:
    """Wall time and peak memory of a process and what it starts."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", LAUNCHER, *map(str, command)], cwd=cwd, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{command[:4]} failed: {done.stderr[-2000:]}")
    seconds, kib = done.stdout.split()[-2:]
    return Run(float(seconds), int(kib) / 2**20)

"""What this machine lets a process use."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

_MOST_AT_ONCE = 8  # each holds one study; a large CT in float32 takes 1 GB, and the disk is busy


def cores() -> int:
    """Cores this process may use, which in a container are fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def studies_at_once() -> int:
    """How many studies are read or prepared at a time: more threads would cost memory and bring nothing."""
    return min(cores(), _MOST_AT_ONCE)


def default_folder() -> Path:
    """Where what is remembered between runs lies unless told otherwise: the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or (Path.home() / ".cache")
    return Path(base) / "medseg"


def free_memory_bytes() -> int:
    """Main memory that is free, container limits included; 4 GiB where the system does not say."""
    free = 4 * 2**30
    try:
        lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        free = int(lines["MemAvailable"].split()[0]) * 1024
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
        used = int(Path("/sys/fs/cgroup/memory.current").read_text()) - _file_cache()
        return free if limit == "max" else max(min(free, int(limit) - used), 0)
    except (OSError, ValueError, KeyError):
        return free


def _file_cache() -> int:
    """What a container holds of files it has read, and gives back when memory is asked for."""
    lines = Path("/sys/fs/cgroup/memory.stat").read_text().splitlines()
    told = dict(line.split(" ", 1) for line in lines)
    return int(told.get("inactive_file", 0)) + int(told.get("active_file", 0))


def process_bytes() -> int | None:
    """Main memory this process holds now; None where the system does not say."""
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8", errors="replace")
        return int(re.findall(r"^VmRSS:\s*(\d+) kB$", status, re.MULTILINE)[0]) * 1024
    except (OSError, IndexError):
        return None


def peak_of_process_gib() -> float:
    """Most main memory this process held so far; nan where the system does not say (Windows)."""
    try:  # Linux, whose getrusage takes in the peak of the process that this one was started from
        status = Path("/proc/self/status").read_text(encoding="utf-8", errors="replace")
        return int(re.findall(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE)[0]) / 2**20
    except (OSError, IndexError):
        pass
    try:
        import resource
    except ImportError:
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**30 if sys.platform == "darwin" else 2**20)  # bytes on macOS, KiB elsewhere

"""run.json: what was run, with what, on what kind of machine, and how it ended."""

from __future__ import annotations

import contextlib
import datetime
import importlib.metadata
import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import medseg
from medseg.core.errors import FileError
from medseg.core.files import write_json
from medseg.runs.tracking_uri import without_credentials

Outcome = Literal["finished", "failed", "interrupted", "stopped"]

PACKAGES = ("torch", "monai", "numpy", "scipy", "nibabel", "SimpleITK", "mlflow")
GIT_PATIENCE_S = 5.0  # a checkout on a sleeping network drive must not hold up a training
_KEPT_OF_EARLIER = ("started", "argv", "versions", "commit", "outcome", "reason", "seconds")


def start_record(
    path: Path,
    *,
    argv: Sequence[str],
    bundle: str,
    bundle_digest: str,
    data_digest: str,
    seed: int,
    device: str,
    precision: str,
    split: Mapping[str, Any],
    **more: Any,
) -> dict[str, Any]:
    """Write what is known when a run starts; its outcome is "running" until ``finish_record``.

    Where the file exists (a resumed run), what it said moves into the list "earlier".

    Args:
        path: Where; ``RunFolder.record``.
        argv: The command line, program first.
        bundle: Name of the bundle.
        bundle_digest: Digest of its files.
        data_digest: Digest of the files trained on.
        seed: The run's seed.
        device: For example "cpu" or "cuda:0".
        precision: For example "bf16".
        split: Study ids of each part.
        **more: Anything else that is plain JSON.

    Returns:
        What was written.

    Raises:
        OutputError: The file cannot be written.
    """
    record = {
        "outcome": "running",
        "reason": None,
        "started": _now(),
        "seconds": None,
        "argv": [without_credentials(word) for word in argv],
        "bundle": {"name": bundle, "digest": bundle_digest},
        "data_digest": data_digest,
        "seed": seed,
        "device": device,
        "precision": precision,
        **more,
        "versions": versions(),
        "commit": git_commit(),
        "host": host(),
        "split": dict(split),
        "earlier": _earlier(path),
    }
    write_json(path, record)
    return record


def finish_record(path: Path, *, outcome: Outcome, seconds: float, reason: str | None = None, **more: Any) -> None:
    """Add how the run ended.

    Args:
        path: The record that ``start_record`` wrote.
        outcome: "finished"; "stopped" before its end for a good reason, such as patience;
            "interrupted" by a signal; "failed".
        seconds: How long it ran.
        reason: One sentence, where it did not simply finish.
        **more: Anything else that is plain JSON.

    Raises:
        FileError: There is no record, or it is damaged.
        OutputError: The file cannot be written.
    """
    record = read_record(path)
    write_json(path, record | {"outcome": outcome, "reason": reason, "seconds": round(seconds, 1), **more})


def read_record(path: Path) -> dict[str, Any]:
    """What a run.json says.

    Raises:
        FileError: It is absent, unreadable or no JSON object.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not JSON"
        raise FileError(f"Cannot read '{path}': {reason}. Give the folder of a run that medseg made.") from None
    if not isinstance(record, dict):
        raise FileError(f"'{path}' holds {type(record).__name__}, not a record. Give the folder of a run.")
    return record


def inference_records(folder: Path) -> list[Path]:
    """Records of inferences into a folder, the last one written last: over all studies, or of a part of them."""
    found = [*folder.glob("run.json"), *folder.glob("run-*-of-*.json")]
    return sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name))


def read_inference(folder: Path) -> dict[str, Any]:
    """What the record of a folder says; of the parts of an inference what they say together.

    Of a study that stands in several the last one counts. Parts are finished when each of them is there and finished,
    and have the digest of a bundle that all of them name.

    Raises:
        FileError: As ``read_record``.
    """
    paths = inference_records(folder)
    if len(paths) < 2:
        return read_record(paths[0] if paths else folder / "run.json")
    records = [read_record(path) for path in paths]
    studies = [one for record in records for one in record.get("studies") or () if isinstance(one, dict)]
    bundles = [record.get("bundle") or {} for record in records]
    agreed = bundles[-1] if len({one.get("digest") for one in bundles}) == 1 else {**bundles[-1], "digest": None}
    whole = all(record.get("outcome") == "finished" for record in records) and _are_all(paths)
    return {
        **records[-1],
        "studies": list({one.get("study"): one for one in studies}.values()),
        "bundle": agreed,
        "outcome": "finished" if whole else "interrupted",
    }


def _are_all(paths: Sequence[Path]) -> bool:
    """Whether the last record is of all studies, or every part beside its own is there."""
    if paths[-1].name == "run.json":
        return True
    parts = paths[-1].stem.rpartition("-")[2]
    return {path.name for path in paths} >= {f"run-{n}-of-{parts}.json" for n in range(1, int(parts) + 1)}


def spent_s(record: Mapping[str, Any]) -> float:
    """Seconds that a run took so far, in all its sittings; one that was killed or is under way counts nothing."""
    return sum(float(one.get("seconds") or 0.0) for one in (record, *record.get("earlier", ())))


def versions() -> dict[str, str]:
    """Versions of Python, medseg and what it stands on, as far as installed; imports none of them."""
    found = {"python": platform.python_version(), "medseg": medseg.__version__}
    for package in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found


def git_commit() -> str | None:
    """Commit of the checkout medseg runs from, with "+changes" where files differ; None outside one."""
    package = Path(medseg.__file__).resolve().parent
    top = _git(package, "rev-parse", "--show-toplevel")
    # Installed into an environment inside someone else's checkout, their commit says nothing about us.
    if top is None or Path(top).resolve() / "medseg" != package:
        return None
    commit = _git(package, "rev-parse", "HEAD")
    changed = _git(package, "status", "--porcelain", "--untracked-files=no")
    return f"{commit}+changes" if commit and changed else commit


def host() -> dict[str, str | int | float | None]:
    """Kind of machine: system, processor, cores, memory. No name and no address."""
    return {
        "os": f"{platform.system()} {platform.release()}",
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": _memory_gib(),
    }


def _earlier(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    try:
        former = read_record(path)
    except FileError:  # damaged by hand; a training should not fail for its history
        return []
    return [*former.get("earlier", []), {key: former.get(key) for key in _KEPT_OF_EARLIER}]


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _git(folder: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=GIT_PATIENCE_S, check=True
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return done.stdout.strip() or None


def _cpu_model() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, ValueError, OSError):
        return None

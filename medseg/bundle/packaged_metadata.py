"""The metadata.json of a package: its version and what changed, what it was validated with, and how good it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from medseg.bundle.metadata import metadata_faults
from medseg.bundle.results import KEY as RESULTS
from medseg.core.errors import BundleError, UsageError, raise_faults
from medseg.core.printable import printable

RESEARCH_ONLY = "For research only. It is no medical device; a qualified reader checks every result."
# Keys of MONAI's specification, and the packages whose versions they are.
_VERSIONS = {"monai_version": "monai", "pytorch_version": "torch", "numpy_version": "numpy"}
_VERSION = re.compile(r"\d+(\.\d+)*([.+-]?[A-Za-z]\w*([.+-]\w+)*)?")  # "1.2.0", "1.2.0-rc1", "1.2.0+site"
_LONGEST = 40  # characters; a version is part of file names, and of a DICOM attribute of 64


def version_of_package(*, given: str | None, output: str, bundle_name: str, own: str) -> str:
    """The version of a package: as given, else as its output is called, else the bundle's own.

    Args:
        given: ``--version``; None where it is not given.
        output: Last part of ``--output``: "brats_unet3d-1.2.0.zip" and "brats_unet3d_v1.2.0" say 1.2.0.
        bundle_name: What stands before the version in it.
        own: Version of the bundle that is packaged.

    Raises:
        UsageError: What is given is no version, or the output is called by another one.
    """
    named = _version_in(output, bundle_name)
    if given is None:
        return named or own
    if not _is_version(given):
        raise UsageError(f"--version '{given}' is no version; give numbers with dots between them, such as 1.2.0")
    if named not in (None, given):
        raise UsageError(f"--version {given}, but --output is called '{output}', which says {named}; give one of them.")
    return given


def packaged_metadata(
    metadata: Mapping[str, Any],
    *,
    version: str,
    change: str,
    versions: Mapping[str, str],
    results: Mapping[str, Any] | None = None,
    intended_use: str | None = None,
) -> dict[str, Any]:
    """The metadata.json of a package.

    Args:
        metadata: Parsed metadata.json of the bundle.
        version: Of the package.
        change: What is new in it, one line; stands before what the changelog has for this version already.
        versions: Package to version, of the environment that it was validated in: "torch" to "2.13.0+cpu".
        results: Becomes eval_metrics; None keeps what the bundle says, which holds for its own weights.
        intended_use: As whoever packages it answers for; None keeps the bundle's, or says that it is for research.

    Returns:
        All other keys as they were, in their order.

    Raises:
        BundleError: The result is not as MONAI's specification asks; all faults at once.
    """
    now = {key: _public(versions[package]) for key, package in _VERSIONS.items() if package in versions}
    said = (intended_use or "").strip() or metadata.get("intended_use") or RESEARCH_ONLY
    packaged = {
        **metadata,
        "version": version,
        "changelog": _changelog(metadata.get("changelog"), version, change),
        **now,
        "intended_use": said,
        RESULTS: dict(results) if results is not None else metadata.get(RESULTS, {}),
    }
    raise_faults("configs/metadata.json of the package", metadata_faults(packaged), BundleError)
    return packaged


def results_of_holdout(holdout: Mapping[str, Any]) -> dict[str, Any]:
    """The eval_metrics of a training that scored its hold-out, as its run.json tells it: Dice alone.

    Args:
        holdout: Label or region to "mean", "low", "high" and "n"; numbers that do not exist are None.

    Returns:
        Of the shape of ``eval_metrics_of``, and where it was measured; empty where nothing was.
    """
    rows = {name: _dice(row) for name, row in holdout.items() if isinstance(row, Mapping) and row.get("n")}
    return {**rows, "measured_on": "the hold-out of the training"} if rows else {}


def _dice(row: Mapping[str, Any]) -> dict[str, Any]:
    interval = [row.get("low"), row.get("high")]
    return {"dice": {"mean": row.get("mean"), "ci95": interval, "n": row["n"], "failed": 0}}


def _changelog(before: Any, version: str, change: str) -> dict[str, str]:
    """Newest first, as every bundle of medseg has it."""
    older = before if isinstance(before, Mapping) else {}
    told = [str(older[version])] if version in older else []  # what was said of this version stays
    line = "; ".join(dict.fromkeys([printable(" ".join(change.split())), *told]))
    return {version: line, **{key: line for key, line in older.items() if key != version}}


def _version_in(output: str, bundle_name: str) -> str | None:
    """What follows the bundle's name in a file name; None where that is no version."""
    if not output.startswith(bundle_name):
        return None
    rest = re.fullmatch(r"[-_]v?(.+)", output.removesuffix(".zip").removeprefix(bundle_name))
    return rest[1] if rest and _is_version(rest[1]) else None


def _is_version(text: str) -> bool:
    return len(text) <= _LONGEST and _VERSION.fullmatch(text) is not None


def _public(version: str) -> str:
    """Without the build: MONAI compares "2.13.0+cpu" with what runs it, and a GPU's build is no other version."""
    return version.partition("+")[0]

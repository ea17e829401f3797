"""The eval_metrics of metadata.json: how good a bundle is, as an evaluation measured it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from medseg.core.errors import BundleError, FileError
from medseg.core.files import write_json

KEY = "eval_metrics"
KEPT = ("dice", "nsd", "hd95_mm")  # what a card has room for; summary.json has the rest


def eval_metrics_of(summary: Mapping[str, Any]) -> dict[str, Any]:
    """What a bundle's card says of an evaluation.

    Args:
        summary: Parsed summary.json of an evaluation.

    Returns:
        Label or region to "dice", "nsd" and "hd95_mm", each with mean, 95 % interval, n and failures; besides, by
        which policy. Distances are those with the penalty for what was missed.

    Raises:
        FileError: It is no summary of an evaluation.
    """
    try:
        scores = {
            name: {metric: {key: row[metric][key] for key in ("mean", "ci95", "n", "failed")} for metric in KEPT}
            for name, row in summary["labels"].items()
        }
        return {**scores, "policy": summary["policy"]["name"], "policy_digest": summary["policy_digest"]}
    except (KeyError, TypeError, AttributeError) as error:
        raise FileError(f"This is no summary.json of an evaluation: {error} is missing.") from None


def write_results(bundle: Path, summary: Mapping[str, Any]) -> None:
    """Put the results of an evaluation into a bundle's metadata.json.

    Args:
        bundle: Its folder.
        summary: Parsed summary.json.

    Raises:
        BundleError: Its metadata.json cannot be read.
        OutputError: Its metadata.json cannot be written.
    """
    path = bundle / "configs" / "metadata.json"
    try:
        metadata = json.loads(path.read_text(encoding="utf-8"))
        metadata[KEY] = eval_metrics_of(summary)
    except (OSError, ValueError, TypeError) as error:
        raise BundleError(f"'{path}' cannot be read: {error}.") from None
    write_json(path, metadata)


def results_in_words(metrics: Any) -> str:
    """An eval_metrics as one line for people: "WT Dice 0.912 (0.89 to 0.93, n = 11)"; empty where nothing was measured.

    Args:
        metrics: The value in metadata.json, of this or of another maker.
    """
    if not isinstance(metrics, Mapping):
        return ""
    return ", ".join(_in_words(str(name), value) for name, value in metrics.items() if name != "policy_digest")


def _in_words(name: str, value: Any) -> str:
    try:
        dice = value["dice"]
        if dice["n"] == 0:
            return f"{name} not scored"
        low, high = dice["ci95"]
        interval = "" if low is None else f"{low:.3f} to {high:.3f}, "
        return f"{name} Dice {dice['mean']:.3f} ({interval}n = {dice['n']})"
    except (KeyError, TypeError, ValueError, OverflowError):  # of another maker, or no number at all
        return f"{name} {value}"

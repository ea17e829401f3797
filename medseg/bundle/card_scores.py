"""Scores of a model card from the eval_metrics of a metadata.json, whoever wrote them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from medseg.bundle.card_facts import Measurement, Score
from medseg.bundle.results import KEPT


def measurement_of_results(results: Mapping[str, Any]) -> Measurement | None:
    """What a bundle says of itself.

    Args:
        results: Its eval_metrics: see ``eval_metrics_of`` and ``results_of_holdout``.

    Returns:
        None where no label or region has a score with its number of studies: another maker's words are no measurement.
    """
    read = {str(name): _scores(row) for name, row in results.items() if isinstance(row, Mapping)}
    scores = {name: row for name, row in read.items() if row}
    if not scores:
        return None
    return Measurement(
        source="holdout" if "measured_on" in results else "bundle",
        scores=scores,
        policy=str(results.get("policy", "")),
        policy_digest=str(results.get("policy_digest", "")),
    )


def score_of(row: Any) -> Score | None:
    """A score from "mean", "ci95", "n" and "failed"; None where these are not there."""
    try:
        low, high = row["ci95"]
        return Score(_number(row["mean"]), _number(low), _number(high), int(row["n"]), int(row.get("failed", 0)))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _scores(row: Mapping[str, Any]) -> dict[str, Score]:
    found = {metric: score_of(row.get(metric)) for metric in KEPT}
    return {metric: score for metric, score in found.items() if score is not None}


def _number(value: Any) -> float | None:
    return None if value is None or not math.isfinite(float(value)) else float(value)

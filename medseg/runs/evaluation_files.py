"""What an evaluation leaves for programs: summary.json, per_study.csv, per_lesion.csv; and reads back to compare."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from medseg.core.errors import FileError
from medseg.core.files import write_json
from medseg.metrics.bootstrap import CONFIDENCE, RESAMPLES
from medseg.metrics.evaluation import Evaluation
from medseg.metrics.gates import GateResult
from medseg.metrics.lesions import COLUMNS
from medseg.metrics.metric import METRICS
from medseg.metrics.summary import Summarised, Summary
from medseg.metrics.two_models import Key
from medseg.runs.evaluation_facts import ComparisonFacts, EvaluationFacts, StratumTable
from medseg.runs.record import versions
from medseg.runs.table import write_csv

SUMMARY, PER_STUDY, PER_LESION, REPORT = "summary.json", "per_study.csv", "per_lesion.csv", "report.html"
STUDY_COLUMNS = ("study", "patient", "label", "state", *METRICS, "tags", "failure", "reference_digest", "policy_digest")
LESION_COLUMNS = (*COLUMNS, "policy_digest")


@dataclass(frozen=True)
class SavedEvaluation:
    """An evaluation as its folder tells it.

    Attributes:
        folder: Where it lies.
        title: What was evaluated.
        policy: As ``MetricPolicy.values``.
        scores: Label or region and metric to the score of each study; nan where not scored.
        references: Study to the digest of its reference.
    """

    folder: Path
    title: str
    policy: Mapping[str, Any]
    scores: Mapping[Key, Mapping[str, float]]
    references: Mapping[str, str]


def write_tables(folder: Path, evaluation: Evaluation) -> None:
    """Write per_study.csv and per_lesion.csv.

    Raises:
        OutputError: A file cannot be written.
    """
    studies, lesions, digest = [], [], evaluation.policy.digest
    for study in evaluation.studies:
        for name in evaluation.names:
            one = study.labels[name]
            values = [_exact(one.values[metric]) for metric in METRICS]
            flags = ["; ".join(one.tags), study.failure, study.reference, digest]
            studies.append([study.study, study.patient, name, one.state, *values, *flags])
            lesions += [[*lesion.row(study.study, name), digest] for lesion in one.lesions]
    write_csv(folder / PER_STUDY, STUDY_COLUMNS, studies)
    write_csv(folder / PER_LESION, LESION_COLUMNS, lesions)


def write_summary(folder: Path, facts: EvaluationFacts) -> None:
    """Write summary.json: policy, versions, digests, and every summary with its interval.

    Raises:
        OutputError: The file cannot be written.
    """
    write_json(folder / SUMMARY, summary_of(facts))


def summary_of(facts: EvaluationFacts) -> dict[str, Any]:
    """What summary.json holds; numbers that are not finite are null."""
    evaluation = facts.evaluation
    value = {
        "title": facts.title,
        "policy": evaluation.policy.values(),
        "policy_digest": evaluation.policy.digest,
        "intervals": {"confidence": CONFIDENCE, "over": "patients", "resamples": RESAMPLES, "seed": evaluation.seed},
        "versions": versions(),
        **facts.provenance,
        "studies": {
            "scored": len(evaluation.studies) - len(evaluation.failed),
            "failed": {one.study: one.failure for one in evaluation.failed},
            "left_out": list(facts.left_out),
        },
        "labels": {
            name: {metric: _summarised(one) for metric, one in row.items()}
            for name, row in evaluation.summaries.items()
        },
        "gates": [_gate(one) for one in facts.gates],
        "comparison": None if facts.comparison is None else _comparison(facts.comparison),
        "strata": [_stratum(one) for one in facts.strata],
    }
    plain: dict[str, Any] = _finite(value)
    return plain


def read_evaluation(folder: Path) -> SavedEvaluation:
    """An evaluation written before.

    Args:
        folder: That of ``write_summary`` and ``write_tables``.

    Raises:
        FileError: It is no such folder, or a file of it is damaged.
    """
    try:
        summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
        with (folder / PER_STUDY).open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        scores: dict[Key, dict[str, float]] = {}
        for row in rows:
            for metric in METRICS:
                scores.setdefault((row["label"], metric), {})[row["study"]] = float(row[metric] or "nan")
        references = {row["study"]: row["reference_digest"] for row in rows}
        return SavedEvaluation(folder, str(summary["title"]), dict(summary["policy"]), scores, references)
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        reason = f"{Path(error.filename).name}: {error.strerror}" if isinstance(error, OSError) else f"damaged: {error}"
        raise FileError(
            f"'{folder}' is no finished evaluation ({reason}). "
            f"Give the --output of an earlier medseg evaluate; it holds {SUMMARY} and {PER_STUDY}."
        ) from None


def summary_values(summary: Summary) -> dict[str, Any]:
    """One summary as plain values."""
    return {
        "mean": summary.mean,
        "ci95": [summary.low, summary.high],
        "interval": summary.interval,
        "median": summary.median,
        "median_ci95": [summary.median_low, summary.median_high],
        "iqr": list(summary.iqr),
        "n": summary.n,
        "patients": summary.patients,
        "not_scored": summary.not_scored,
        "failed": summary.failed,
    }


def _summarised(one: Summarised) -> dict[str, Any]:
    values = summary_values(one.whole)
    return values if one.both_exist is None else values | {"both_exist": summary_values(one.both_exist)}


def _gate(result: GateResult) -> dict[str, Any]:
    return asdict(result.gate) | {"value": result.value, "met": result.met}


def _comparison(facts: ComparisonFacts) -> dict[str, Any]:
    rows = [
        asdict(row) | {"told_apart": row.told_apart, "sentence": sentence}
        for row, sentence in zip(facts.differences, facts.sentences, strict=True)
    ]
    return {"ours": facts.ours, "theirs": facts.theirs, "notes": list(facts.notes), "differences": rows}


def _stratum(table: StratumTable) -> dict[str, Any]:
    groups = {group: summary_values(summary) for group, summary in table.groups.items()}
    return {"column": table.column, "label": table.name, "metric": table.metric, "groups": groups}


def _exact(value: float) -> str:
    """Every digit: a model that is compared with itself must not differ in the last one."""
    return "" if math.isnan(value) else repr(value)


def _finite(value: Any) -> Any:
    """JSON has neither nan nor infinity."""
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

"""The tables on the page of an evaluation, as HTML."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from medseg.metrics.evaluation import Evaluation
from medseg.metrics.metric import METRICS
from medseg.metrics.ranking import rank
from medseg.metrics.scores import StudyScores
from medseg.metrics.summary import Summarised, Summary
from medseg.metrics.two_models import Difference
from medseg.runs.evaluation_facts import ComparisonFacts, StratumTable
from medseg.runs.evaluation_words import (
    NOTHING,
    STATE_WORDS,
    decimals_of,
    headed,
    interval_of,
    mean_of,
    median_of,
    over_under,
    probability,
    quartiles_of,
    shown,
    value_of,
)
from medseg.runs.page_parts import code, fold, table, text

OPEN_ROWS = 30  # of a table by group; a longer one is folded
MOST_ROWS = 2000  # of the table of studies; per_study.csv has all
_LESIONS = ("lesions_matched", "lesions_missed", "lesions_hallucinated")
_MAIN = (
    ("", 2),
    ("Dice", 2),
    ("Surface Dice", 1),
    ("HD95, mm", 3),
    ("ASSD, mm", 1),
    ("Volume difference, ml", 1),
    ("Lesions", 2),
)
_METRIC_HEADS = (
    "Metric",
    "mean",
    "95 % interval",
    "by",
    "median",
    "quartiles",
    "interval of the median",
    "n",
    "patients",
    "not scored",
    "failed",
)
_MAIN_HEADS = (
    "Label or region",
    "n (failed)",
    "mean",
    "median",
    "mean",
    "mean with penalty",
    "mean where both exist",
    "median",
    "mean with penalty",
    "mean",
    "mean F1",
    "matched / missed / halluci&shy;nated",
)


def main_table(evaluation: Evaluation) -> str:
    """A row for each label or region: what one looks at first."""
    rows = [_main_row(evaluation, name) for name in evaluation.names]
    return table("Scores", _MAIN_HEADS, rows, numbers=range(1, len(_MAIN_HEADS)), over=_MAIN)


def all_metrics(evaluation: Evaluation) -> str:
    """Everything known of every metric, a table for each label."""
    parts = []
    for name in evaluation.names:
        rows = [row for metric, one in evaluation.summaries[name].items() for row in _metric_rows(metric, one)]
        content = table(f"All metrics of {name}", _METRIC_HEADS, rows, numbers=range(1, len(_METRIC_HEADS)))
        parts.append(fold(text(name), content))
    return "".join(parts)


def strata_tables(strata: Sequence[StratumTable]) -> str:
    """A table for each column by which studies were grouped: groups of each label below each other."""
    parts = []
    for column in dict.fromkeys(one.column for one in strata):
        own = [one for one in strata if one.column == column]
        metrics = list(dict.fromkeys(one.metric for one in own))
        by_name = {name: {one.metric: one.groups for one in own if one.name == name} for name in _names(own)}
        rows = [row for name, groups in by_name.items() for row in _stratum_rows(name, groups, metrics)]
        heads = ("Label or region", "Group", *(head for _ in metrics for head in ("n", "mean", "median")))
        over = [("", 2), *((headed(metric), 3) for metric in metrics)]
        content = table(f"By {column}", heads, rows, numbers=range(2, len(heads)), over=over)
        parts.append(fold(f"By {text(column)}", content, opened=len(rows) <= OPEN_ROWS))
    return "".join(parts)


def comparison_table(facts: ComparisonFacts) -> str:
    """A row for each label and metric of two models."""
    heads = ("Label or region", "Metric", "mean difference", "95 % interval", "p", "p, Holm", "effect", "n", "left out")
    rows = [_difference_row(one) for one in facts.differences]
    caption = f"{facts.ours} less {facts.theirs}"
    return table(caption, (*heads, "Told apart"), rows, numbers=range(2, len(heads)))


def study_table(evaluation: Evaluation) -> str:
    """Every label of every study; the worst study first, those with nothing to score last."""
    heads = ("Study", "Label or region", "Dice", "Surface Dice", "HD95, mm", "Reference, ml", "Prediction, ml")
    places = {one.study: place for place, one in enumerate(rank(evaluation))}
    ordered = sorted(evaluation.studies, key=lambda study: places.get(study.study, len(places)))
    rows = [_study_row(study, name) for study in ordered for name in evaluation.names]
    note = ""
    if len(rows) > MOST_ROWS:
        note = f"<p>The {MOST_ROWS} worst of {len(rows)} rows; {code('per_study.csv')} has all.</p>"
    return note + table("All studies", (*heads, "Label is", "Tags"), rows[:MOST_ROWS], numbers=range(2, 7))


def named(name: str) -> str:
    """A name in a table: in one line, unless it is very long."""
    return f"<span class=name>{text(name)}</span>"


def tags_of(tags: Iterable[str]) -> str:
    """Tags as small boxes."""
    return "".join(f'<span class="badge tag">{text(tag)}</span>' for tag in tags)


def _main_row(evaluation: Evaluation, name: str) -> list[str]:
    own = evaluation.summaries[name]
    dice, hd95 = own["dice"].whole, own["hd95_mm"]
    return [
        named(name),
        f"{dice.n} ({dice.failed})",
        mean_of("dice", dice),
        median_of("dice", dice),
        mean_of("nsd", own["nsd"].whole),
        mean_of("hd95_mm", hd95.whole),
        _both_exist(hd95),
        median_of("hd95_mm", hd95.whole),
        mean_of("assd_mm", own["assd_mm"].whole),
        _difference(own["difference_ml"].whole, dice),
        mean_of("lesion_f1", own["lesion_f1"].whole),
        " / ".join(_total(evaluation, name, metric) for metric in _LESIONS),
    ]


def _difference(volumes: Summary, dice: Summary) -> str:
    """A label that neither mask has differs by 0 ml, and has no Dice: then the two have another n."""
    shown = mean_of("difference_ml", volumes)
    return shown if volumes.n == dice.n else over_under(shown, f"n = {volumes.n}")


def _both_exist(distance: Summarised) -> str:
    one = distance.both_exist
    if one is None or not one.n:
        return NOTHING
    return over_under(value_of("hd95_mm", one.mean), f"n = {one.n}")


def _total(evaluation: Evaluation, name: str, metric: str) -> str:
    counts = [count for count in evaluation.values(name, metric).values() if not math.isnan(count)]
    return f"{sum(counts):.0f}" if counts else NOTHING


def _metric_rows(metric: str, one: Summarised) -> list[list[str]]:
    rows = [_metric_row(metric, headed(metric), one.whole)]
    if one.both_exist is not None:
        rows.append(_metric_row(metric, f"{headed(metric)}, where both exist", one.both_exist))
    return rows


def _metric_row(metric: str, title: str, one: Summary) -> list[str]:
    return [
        title,
        value_of(metric, one.mean),
        interval_of(metric, one.low, one.high, one.mean),
        NOTHING if one.interval == "none" else "BCa" if one.interval == "bca" else one.interval,
        value_of(metric, one.median),
        quartiles_of(metric, one),
        interval_of(metric, one.median_low, one.median_high, one.median),
        *(str(number) for number in (one.n, one.patients, one.not_scored, one.failed)),
    ]


def _names(strata: Sequence[StratumTable]) -> list[str]:
    return list(dict.fromkeys(one.name for one in strata))


def _stratum_rows(
    name: str, groups: Mapping[str, Mapping[str, Summary]], metrics: Sequence[str]
) -> Iterator[list[str]]:
    """A row for each group, with every metric.

    Args:
        name: Label or region.
        groups: Metric, then group, to its summary.
        metrics: In the order of the columns.
    """
    for group in dict.fromkeys(group for own in groups.values() for group in own):
        row = [named(name), named(group)]
        for metric in metrics:
            own = groups.get(metric, {}).get(group)
            row += [NOTHING] * 3 if own is None else [str(own.n), mean_of(metric, own), median_of(metric, own)]
        yield row


def _difference_row(one: Difference) -> list[str]:
    decimals = decimals_of(one.metric, one.mean)
    ends = [shown(end, decimals, signed=True) for end in (one.low, one.high)]
    return [
        named(one.label),
        named(headed(one.metric)),
        shown(one.mean, decimals, signed=True),
        NOTHING if math.isnan(one.low) else f"[{ends[0]}, {ends[1]}]",
        probability(one.p),
        probability(one.p_holm),
        shown(one.effect, 2, signed=True),
        str(one.n),
        str(one.left_out),
        _verdict(one),
    ]


def _verdict(one: Difference) -> str:
    if not one.told_apart:
        return "no"
    better = (one.mean > 0.0) == (METRICS[one.metric].better == "higher")
    return f'<span class="badge {"met" if better else "unmet"}">{"better" if better else "worse"}</span>'


def _study_row(study: StudyScores, name: str) -> list[str]:
    one = study.labels[name]
    keys = ("dice", "nsd", "hd95_mm", "reference_ml", "prediction_ml")
    values = [value_of(key, one.values[key]) for key in keys]
    return [named(study.study), named(name), *values, STATE_WORDS[one.state], tags_of(one.tags)]

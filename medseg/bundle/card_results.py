"""The sections of a model card that say how good the model is, and where it fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from medseg.bundle.card_facts import CardFacts, Demand, Group, Measurement, Score, Shown
from medseg.bundle.card_page import WORST_STUDIES, failures_of
from medseg.bundle.card_words import NOTHING, code, fixed, studies, table, words
from medseg.bundle.results import KEY, results_in_words
from medseg.core.in_words import counted

# Metric to its heading and decimals; in the order of the tables.
METRICS: Mapping[str, tuple[str, int]] = {
    "dice": ("Dice", 3),
    "nsd": ("Surface Dice", 3),
    "hd95_mm": ("HD95, mm", 2),
}
_MEANS: Mapping[str, str] = {
    "dice": "Dice is 1 where result and reference are the same, and 0 where they share nothing.",
    "nsd": "Surface Dice is the share of both outlines that lies within a tolerance of the other: {tolerance}.",
    "hd95_mm": "HD95 is the distance within which 95 % of the outlines lie of each other; less is better.",
}
_COLUMNS = {"size": "size of the structure in the reference"}  # what medseg groups by itself
NOT_MEASURED = "Nothing was measured, so nothing says how good this model is. Measure it on your own studies first."
TOO_FEW = "Measured on so few patients that no score has an interval: the numbers say little."
MAYBE_SEEN = "No one says what this model was trained on: the scores below may be of studies that it has seen."


def warnings(measurement: Measurement | None) -> list[str]:
    """What a reader must not miss, one sentence each."""
    if measurement is None:
        return [NOT_MEASURED]
    unmet = sum(not one.met for one in measurement.demands)
    said = [MAYBE_SEEN] if measurement.maybe_seen else []
    scores = [score for row in measurement.scores.values() for score in row.values()]
    said += [TOO_FEW] if all(score.low is None for score in scores) else []
    demands = counted(len(measurement.demands), "demand")
    return said + [f"{unmet} of {demands} on its scores {'is' if unmet == 1 else 'are'} not met."] * bool(unmet)


def how_good(facts: CardFacts) -> list[str]:
    """Means with intervals, what they are of, and which demands are met."""
    measured = facts.measurement
    if measured is None:
        told = results_in_words(facts.metadata.get(KEY))
        own = [f"The bundle says of itself, without how it was measured: {words(told)}.", ""]
        return [NOT_MEASURED, "", *(own if told else [])]
    kinds = [metric for metric in METRICS if any(metric in row for row in measured.scores.values())]
    heads = ["Label or region", *(METRICS[metric][0] for metric in kinds), "n", "failed"]
    rows = [_row(label, row, kinds) for label, row in measured.scores.items()]
    said = [f"- {_demand(one)}" for one in measured.demands]
    return [
        _of_what(measured),
        "",
        *table(heads, rows, numbers=(len(heads) - 2, len(heads) - 1)),
        " ".join(_explained(measured, kinds)),
        "",
        *(["Demanded before it was measured:", "", *said, ""] if said else []),
        *_by_which_rules(measured),
    ]


def by_group(measurement: Measurement | None) -> list[str]:
    """A table for each column by which the studies were grouped."""
    groups = () if measurement is None else measurement.groups
    lines = []
    for column in dict.fromkeys(one.column for one in groups):
        own = [one for one in groups if one.column == column]
        lines += [f"By {_COLUMNS.get(column, words(column))}:", "", *_group_table(own)]
    return lines


def where_it_fails(facts: CardFacts) -> list[str]:
    """What its makers know, then the worst studies that were measured."""
    shown = () if facts.measurement is None else facts.measurement.worst
    lines = [*failures_of(facts.page), ""] if failures_of(facts.page) else []
    if not shown:
        return lines or ["Nothing is known of it, which does not mean that it does not fail.", ""]
    heads = ("Study", "Mean Dice", "What is worst about it")
    rows = [(_called(one), fixed(one.dice, 3), words(one.reason)) for one in shown]
    return [*lines, WORST_STUDIES, "", *table(heads, rows, numbers=(1,)), *_gallery(facts, shown)]


def _of_what(measured: Measurement) -> str:
    if measured.source == "holdout":
        return (
            "Dice on the hold-out of the training: studies that neither trained the model nor chose its weights, "
            "scored once at its end."
        )
    if measured.source == "bundle":
        return "As the bundle says of itself in `configs/metadata.json`; no evaluation was packed with it."
    seen = "" if measured.maybe_seen else " that the model has not seen"
    when = f", on {words(measured.made[:10])}" if measured.made else ""
    left = f" {studies(measured.left_out)} had no usable reference and are left out." if measured.left_out else ""
    return f"Measured on {studies(measured.studies or 0, measured.patients)}{seen}{when}.{left}"


def _row(label: str, row: Mapping[str, Score], kinds: Sequence[str]) -> list[str]:
    counts = [score for metric in kinds if (score := row.get(metric)) is not None]
    first = counts[0] if counts else Score(None, None, None, 0)
    return [words(label), *(_score(row.get(one), one) for one in kinds), str(first.n), str(first.failed)]


def _score(score: Score | None, metric: str) -> str:
    """Mean and interval."""
    if score is None or score.mean is None:
        return NOTHING
    decimals = METRICS.get(metric, ("", 3))[1]
    mean = fixed(score.mean, decimals)
    if score.low is None or score.high is None:
        return f"{mean} (no interval)"
    return f"{mean} ({fixed(score.low, decimals)} to {fixed(score.high, decimals)})"


def _explained(measured: Measurement, kinds: Sequence[str]) -> list[str]:
    scores = [score for row in measured.scores.values() for score in row.values()]
    said = ["Means over studies, with 95 % intervals over patients in brackets."]
    if any(score.mean is not None and score.low is None for score in scores):
        said.append("Where there is no interval, there are too few patients for one: such a number says little.")
    said += [_MEANS[metric].format(tolerance=_tolerance(measured.tolerance_mm)) for metric in kinds]
    if any(score.failed for score in scores):
        said.append("A study that failed gave no usable result, and counts as if everything in it was missed.")
    return said


def _tolerance(tolerances_mm: Mapping[str, float]) -> str:
    if not tolerances_mm:
        return "see `configs/evaluate.yaml`"
    if len({*tolerances_mm.values()}) == 1:
        return f"{next(iter(tolerances_mm.values())):g} mm"
    return ", ".join(f"{words(label)} {mm:g} mm" for label, mm in tolerances_mm.items())


def _demand(one: Demand) -> str:
    title, decimals = METRICS.get(one.metric, (one.metric, 3))
    sides = {"min": "at least", "max": "at most"}
    found = f"{words(title)} of {words(one.label)}: {fixed(one.value, decimals)}"
    wanted = f"{sides.get(one.side, words(one.side))} {one.limit:g} was demanded"
    return f"{found}; {wanted}: {'met' if one.met else '**not met**'}."


def _by_which_rules(measured: Measurement) -> list[str]:
    if not measured.policy_digest:
        return []
    rules = f"{words(measured.policy)}, SHA-256 {code(measured.policy_digest)}"
    return [f"Rules of scoring (policy of medseg): {rules}. Only numbers by the same rules can be compared.", ""]


def _group_table(groups: Sequence[Group]) -> list[str]:
    metrics = list(dict.fromkeys(one.metric for one in groups))
    cells = {(one.label, one.group, one.metric): one.score for one in groups}
    heads = ["Label or region", "Group", "n", *(words(METRICS.get(one, (one, 3))[0]) for one in metrics)]
    rows = []
    for label, group in dict.fromkeys((one.label, one.group) for one in groups):
        scores = {metric: cells.get((label, group, metric)) for metric in metrics}
        n = next((score.n for score in scores.values() if score is not None), 0)
        rows.append([words(label), words(group), str(n), *(_score(score, one) for one, score in scores.items())])
    return table(heads, rows, numbers=(2,))


def _gallery(facts: CardFacts, shown: Sequence[Shown]) -> list[str]:
    drawn = [one for one in shown if one.picture]
    if not drawn:
        why = "" if facts.measurement is None else facts.measurement.no_pictures
        return [f"No pictures: {words(why)}", ""] if why else []
    lines = [
        "Each picture shows planes through the largest error. Its columns: the image, the reference, the prediction of "
        "this model, and where the two differ (red: too much; blue: too little; yellow: the wrong label).",
        "",
    ]
    for one in drawn:
        place = one.picture.removeprefix("docs/")
        lines += [f"{_called(one)}, mean Dice {fixed(one.dice, 3)}:", ""]
        lines += [f"![{_called(one)}: image, reference, prediction and difference]({place})", ""]
    return lines


def _called(one: Shown) -> str:
    return f"Study {one.rank}" + (f" ({words(one.place)}, to compare)" if one.place != "worst" else "")

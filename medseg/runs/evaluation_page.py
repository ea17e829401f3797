"""The page of an evaluation: first whether one may be content, then the numbers, then the pictures, then the rest."""

from __future__ import annotations

import math
from collections.abc import Sequence

from medseg.metrics.bootstrap import MIN_PATIENTS, RESAMPLES
from medseg.metrics.evaluation import Evaluation
from medseg.metrics.gates import GateResult
from medseg.runs.evaluation_facts import ComparisonFacts, EvaluationFacts, GalleryStudy
from medseg.runs.evaluation_figures import ChartFigure
from medseg.runs.evaluation_pictures import difference_legend
from medseg.runs.evaluation_style import EVALUATION_STYLE
from medseg.runs.evaluation_tables import (
    all_metrics,
    comparison_table,
    main_table,
    strata_tables,
    study_table,
    tags_of,
)
from medseg.runs.evaluation_words import counted
from medseg.runs.page_parts import code, facts_list, fold, page, section, text

MANY_SENTENCES = 6  # of a comparison; more that say "cannot be told apart" are folded
_PLACES = {"worst": "Worst", "median": "Median", "best": "Best"}


def page_of(facts: EvaluationFacts, charts: Sequence[ChartFigure]) -> str:
    """The whole page.

    Args:
        facts: What it tells.
        charts: Drawn already.

    Returns:
        HTML; every text of the facts is escaped.
    """
    evaluation = facts.evaluation
    sections = [
        ("scores", "Scores", _scores(evaluation)),
        ("charts", "Charts", _charts(charts)),
        ("strata", "By group", strata_tables(facts.strata)),
        ("comparison", "Comparison", _comparison(facts.comparison)),
        ("gallery", "Worst, median and best studies", _gallery(facts)),
        ("studies", "All studies", _studies(evaluation)),
        ("policy", "How it was scored", _policy(evaluation)),
        ("provenance", "Where it comes from", _provenance(facts)),
    ]
    shown = [one for one in sections if one[2]]
    links = "".join(f'<a href="#{name}">{title}</a>' for name, title, _ in shown)
    body = [
        f"<header><h1>Evaluation of {text(facts.title)}</h1><p class=lead>{_lead(facts)}</p></header>",
        f'<nav aria-label="Sections">{links}</nav><main>',
        _verdict(facts),
        _gates(facts.gates),
        *(section(title, content, name=name) for name, title, content in shown),
        "</main>",
    ]
    return page(f"Evaluation: {facts.title}", body, style=EVALUATION_STYLE)


def _lead(facts: EvaluationFacts) -> str:
    """What and when, in a line."""
    evaluation = facts.evaluation
    patients = len(set(evaluation.patients.values()))
    words = [
        f"{counted(len(evaluation.studies), 'study', 'studies')} of {counted(patients, 'patient')}",
        f"{counted(len(evaluation.names), 'label or region', 'labels and regions')}",
        f"policy {code(evaluation.policy.name)}",
    ]
    when = next((value for name, value in facts.provenance.items() if name in ("made", "date")), "")
    return " · ".join(words + [text(when)] * bool(when))


def _verdict(facts: EvaluationFacts) -> str:
    evaluation = facts.evaluation
    every, failed = len(evaluation.studies), evaluation.failed
    if failed:
        title = f"{every - len(failed)} of {counted(every, 'study', 'studies')} scored, {len(failed)} failed"
    else:
        title = f"{counted(every, 'study', 'studies')} scored, none failed"
    parts = []
    if failed:
        lines = "".join(f"<li>{code(one.study)} {text(one.failure)}</li>" for one in failed)
        parts.append(f"<p>Without a usable prediction, and scored as missed:</p><ul>{lines}</ul>")
    if facts.left_out:
        lines = "".join(f"<li>{text(one)}</li>" for one in facts.left_out)
        parts.append(f"<p>Left out, and in no number below:</p><ul>{lines}</ul>")
    parts.append(_not_scored(evaluation))
    kind = "bad" if len(failed) == every else "warning" if failed or facts.left_out else "calm"
    return f'<section class="box {kind}"><h2>{title}</h2>{"".join(parts)}</section>'


def _not_scored(evaluation: Evaluation) -> str:
    counts = {name: evaluation.summaries[name]["dice"].whole.not_scored for name in evaluation.names}
    said = [f"{text(name)} in {counted(n, 'study', 'studies')}" for name, n in counts.items() if n]
    return f"<p>In neither mask, and therefore not scored: {', '.join(said)}.</p>" if said else ""


def _gates(gates: Sequence[GateResult]) -> str:
    if not gates:
        return ""
    unmet = sum(not one.met for one in gates)
    if unmet:
        title = f"{unmet} of {counted(len(gates), 'demand')} {'is' if unmet == 1 else 'are'} not met"
    else:
        title = "The demand is met" if len(gates) == 1 else f"All {len(gates)} demands are met"
    lines = "".join(f"<li>{_badge(one)}{text(one.sentence)}</li>" for one in sorted(gates, key=lambda one: one.met))
    return f'<section class="box {"bad" if unmet else "good"}"><h2>{title}</h2><ul class=plain>{lines}</ul></section>'


def _badge(gate: GateResult) -> str:
    return '<span class="badge met">✓ met</span>' if gate.met else '<span class="badge unmet">✗ not met</span>'


def _scores(evaluation: Evaluation) -> str:
    notes = (
        "<p class=note>Means with their 95 % interval in square brackets, medians with the quartiles in round ones. "
        f"{_intervals(evaluation)} Dice, Surface Dice and F1 go from 0 to 1, and more is better; of distances less is. "
        "A volume difference is prediction less reference. The penalty is the distance of a label that one of the "
        "masks lacks; the mean where both exist leaves such studies out, and so hides what was missed.</p>"
    )
    return main_table(evaluation) + notes + fold("All metrics", all_metrics(evaluation))


def _intervals(evaluation: Evaluation) -> str:
    methods = {row["dice"].whole.interval for row in evaluation.summaries.values()}
    ways = [{"bca": "BCa", "percentile": "percentile"}[one] for one in sorted(methods) if one != "none"]
    if not ways:
        return f"Fewer than {MIN_PATIENTS} patients have no interval."
    return f"Intervals: bootstrap over patients ({' or '.join(ways)}, {RESAMPLES} resamples, seed {evaluation.seed})."


def _charts(charts: Sequence[ChartFigure]) -> str:
    """One below the other; those of one picture beside each other."""
    kinds = ["full" if len(one.pictures) > 1 else "single" for one in charts]
    shown = (f"<div class={kind}>{_chart(one)}</div>" for kind, one in zip(kinds, charts, strict=True))
    return f"<div class=blocks>{''.join(shown)}</div>"


def _chart(chart: ChartFigure) -> str:
    pictures = "".join(f'<img src="{source}" alt="{text(alt)}">' for source, alt in chart.pictures)
    return f"<h3>{text(chart.title)}</h3><p class=note>{chart.caption}</p><div class=charts>{pictures}</div>"


def _comparison(facts: ComparisonFacts | None) -> str:
    if facts is None:
        return ""
    notes = f"<p>Not compared:</p>{_sentences(facts.notes)}" if facts.notes else ""
    return (
        f"{_told_apart(facts)}{comparison_table(facts)}"
        "<p class=note>p: Wilcoxon signed-rank test over patients, two-sided; corrected after Holm for all rows. "
        "Effect: matched-pairs rank-biserial correlation, from −1 to +1. Told apart: corrected p below 0.05, and the "
        f"interval does not reach 0.</p>{notes}"
    )


def _told_apart(facts: ComparisonFacts) -> str:
    """How often the two models differ, and what each row says: differences first."""
    rows = list(zip(facts.differences, facts.sentences, strict=True))
    apart = [sentence for row, sentence in rows if row.told_apart]
    alike = [sentence for row, sentence in rows if not row.told_apart]
    tested = sum(bool(row.n) for row, _ in rows)
    below = _sentences(alike)
    if len(alike) > MANY_SENTENCES:
        below = fold(f"{len(alike)} where they cannot be told apart", below)
    return (
        f"<p>{text(facts.ours)} less {text(facts.theirs)}, study by study. <strong>In {len(apart)} of "
        f"{counted(tested, 'comparison')} the two can be told apart.</strong></p>{_sentences(apart)}{below}"
    )


def _sentences(sentences: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{text(one)}</li>' for one in sentences)}</ul>" if sentences else ""


def _gallery(facts: EvaluationFacts) -> str:
    if not facts.gallery:
        return ""
    note = "<p class=note>Studies are ranked by their mean Dice over labels and regions.</p>"
    return note + difference_legend() + "".join(_gallery_study(one, facts.evaluation) for one in facts.gallery)


def _gallery_study(one: GalleryStudy, evaluation: Evaluation) -> str:
    labels = next((study.labels for study in evaluation.studies if study.study == one.study), {})
    tags = [f"{name}: {tag}" for name, score in labels.items() for tag in score.tags]
    dice = "not scored" if math.isnan(one.dice) else f"Dice {one.dice:.3f}"
    return (
        f"<div class=gallery><h3>{_PLACES[one.place]}: {code(one.study)} <span class=note>{dice}</span></h3>"
        f"<p>{text(one.reason)}</p>{f'<p>{tags_of(tags)}</p>' if tags else ''}"
        f"{one.picture.html}</div>"
    )


def _studies(evaluation: Evaluation) -> str:
    title = f"{counted(len(evaluation.studies), 'study', 'studies')}, the worst first"
    return fold(title, study_table(evaluation))


def _policy(evaluation: Evaluation) -> str:
    lines = "".join(f"<li>{text(one)}</li>" for one in evaluation.policy.in_words())
    names = {"Policy": code(evaluation.policy.name), "Digest": code(evaluation.policy.digest)}
    return f"<ul>{lines}</ul>{facts_list(names)}<p class=note>Numbers are comparable only under equal digests.</p>"


def _provenance(facts: EvaluationFacts) -> str:
    return facts_list({text(name): code(value) for name, value in facts.provenance.items()}) if facts.provenance else ""

"""Facts of small evaluations, for tests of their report."""

import dataclasses
import functools
from collections.abc import Mapping

from medseg.metrics.evaluation import Evaluation
from medseg.metrics.gates import check_gates, gates_of
from medseg.metrics.metric import METRICS
from medseg.metrics.scores import LabelScore
from medseg.metrics.strata import stratify
from medseg.metrics.two_models import compare
from medseg.runs.evaluation_facts import (
    ComparisonFacts,
    EvaluationFacts,
    GalleryStudy,
    StratumTable,
    StudyMaps,
    StudyPicture,
)
from medseg.runs.evaluation_pictures import draw_study
from tests.evaluations import AFFINE, evaluation, maps, study

HOSTILE = "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>$\\frac"


@functools.cache
def nine_studies() -> Evaluation:
    failed = study("s7", failure="The prediction is on another grid.")
    tagged = study("s8", core=False)
    labels = tagged.labels | {"core": dataclasses.replace(tagged.labels["core"], tags=("missed",))}
    return evaluation({f"s{n}": n % 4 for n in range(7)}, failed, dataclasses.replace(tagged, labels=labels))


def without_core(scored: Evaluation) -> Evaluation:
    """The same with the core in neither mask of any study."""
    nothing = LabelScore("both_empty", dict.fromkeys(METRICS, float("nan")))
    studies = [dataclasses.replace(one, labels={**one.labels, "core": nothing}) for one in scored.studies]
    return dataclasses.replace(scored, studies=tuple(studies))


def facts_of(scored: Evaluation | None = None, **changes: object) -> EvaluationFacts:
    facts = EvaluationFacts("liver_unet3d", scored or nine_studies(), provenance={"made": "2031-05-04 12:00"})
    return dataclasses.replace(facts, **changes)


def comparison_of(first: Evaluation, second: Evaluation) -> ComparisonFacts:
    ours, theirs = (
        {(name, key): one.values(name, key) for name in one.names for key in ("dice", "hd95_mm")}
        for one in (first, second)
    )
    rows = compare(ours, theirs, seed=0)
    said = tuple(row.sentence("ours", "theirs", better=METRICS[row.metric].better or "higher") for row in rows)
    return ComparisonFacts("ours", "theirs", tuple(rows), said, ("1 study is only in theirs",))


def picture_of(title: str) -> StudyPicture:
    names: Mapping[int, str] = {1: "rim", 2: "core"}
    return draw_study(StudyMaps(maps(2), maps(), None, AFFINE, names), (8, 8, 5), title=title)


@functools.cache
def everything() -> EvaluationFacts:
    scored = nine_studies()
    groups = {one.study: "first" if one.study < "s4" else "second" for one in scored.studies}
    strata = [
        StratumTable("site", name, metric, stratify(scored.values(name, metric), groups, seed=0))
        for name in scored.names
        for metric in ("dice", "hd95_mm")
    ]
    return facts_of(
        scored,
        left_out=("Prediction 's99.nii.gz' has no reference.",),
        gates=check_gates(gates_of({"dice.whole": "0.1", "dice.core": "0.99"}, {}, scored.names), scored),
        comparison=comparison_of(scored, evaluation({f"s{n}": 3 for n in range(7)})),
        strata=tuple(strata),
        gallery=(
            GalleryStudy("s8", "worst", 0.5, "core is missed.", picture_of("s8")),
            GalleryStudy("s0", "best", 1.0, "Nothing is wrong.", picture_of("s0")),
        ),
    )


@functools.cache
def hostile() -> EvaluationFacts:
    """``everything``, with the same hostile words in place of each name and sentence."""
    usual = everything()
    names = {"whole": HOSTILE, "core": f"core {HOSTILE}"}
    scored = _renamed(usual.evaluation, names)
    demands = {f"dice.{HOSTILE}": "0.1", f"dice.core {HOSTILE}": "0.99"}
    strata = [
        StratumTable(HOSTILE, names[one.name], one.metric, {f"{group}{HOSTILE}": s for group, s in one.groups.items()})
        for one in usual.strata
    ]
    gallery = [
        dataclasses.replace(one, study=f"{one.study}{HOSTILE}", reason=HOSTILE, picture=picture_of(HOSTILE))
        for one in usual.gallery
    ]
    return EvaluationFacts(
        HOSTILE,
        scored,
        left_out=(HOSTILE,),
        gates=check_gates(gates_of(demands, {}, scored.names), scored),
        comparison=_hostile_comparison(usual),
        strata=tuple(strata),
        gallery=tuple(gallery),
        provenance={HOSTILE: HOSTILE},
    )


def _renamed(scored: Evaluation, names: Mapping[str, str]) -> Evaluation:
    studies = []
    for one in scored.studies:
        labels = {
            names[name]: dataclasses.replace(score, tags=(HOSTILE,) * len(score.tags))
            for name, score in one.labels.items()
        }
        failure = one.failure and HOSTILE
        studies.append(dataclasses.replace(one, study=f"{one.study}{HOSTILE}", failure=failure, labels=labels))
    return dataclasses.replace(scored, names=tuple(names.values()), studies=tuple(studies))


def _hostile_comparison(usual: EvaluationFacts) -> ComparisonFacts:
    assert usual.comparison is not None
    rows = tuple(dataclasses.replace(row, label=HOSTILE) for row in usual.comparison.differences)
    return ComparisonFacts(HOSTILE, HOSTILE, rows, (HOSTILE,) * len(rows), (HOSTILE,))

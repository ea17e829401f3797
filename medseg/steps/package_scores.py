"""The evaluation of a model that is packaged: whether it is of this very model, and what of it a card may tell."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medseg.bundle.card_facts import Demand, Group, Measurement, Shown
from medseg.bundle.card_scores import score_of
from medseg.bundle.read import Bundle
from medseg.bundle.results import KEPT, eval_metrics_of
from medseg.bundle.split_file import SEEN
from medseg.core.errors import BundleError, FileError
from medseg.metrics.evaluation import Evaluation
from medseg.metrics.metric import METRICS
from medseg.metrics.policy import POLICIES
from medseg.metrics.ranking import Ranked, rank
from medseg.metrics.scores import LabelScore, StudyScores
from medseg.runs.evaluation_files import PER_STUDY, SUMMARY, read_evaluation
from medseg.runs.record import read_inference
from medseg.steps.holdout_predictions import PREDICTIONS

GALLERY = "docs/gallery"
PICTURED = 3  # of the worst; as many as an evaluation's own report shows
LISTED = 5  # of the worst
NOT_USABLE = "no usable result"
_DATE = len("2031-05-04T12:00:00")  # of a time in UTC, as far as two ways to write it agree


@dataclass(frozen=True)
class Place:
    """A study among all others, from worst to best.

    Attributes:
        study: Its id, which stays in the house.
        shown: What the card says of it.
    """

    study: str
    shown: Shown


@dataclass(frozen=True)
class Scored:
    """An evaluation of the model that is packaged.

    Attributes:
        summary: Parsed summary.json.
        rows: Of per_study.csv.
        places: The worst studies, then the one in the middle.
        predictions: Where the label maps were.
        references: Where the references were.
        maybe_seen: No one says what the model was trained on.
    """

    summary: Mapping[str, Any]
    rows: Sequence[Mapping[str, str]]
    places: tuple[Place, ...]
    predictions: Path
    references: Path
    maybe_seen: bool

    @property
    def digests(self) -> dict[str, str]:
        """Study to the digest of its reference."""
        return {row["study"]: row["reference_digest"] for row in self.rows}

    def measurement(self, pictures: Mapping[str, bytes], *, no_pictures: str) -> Measurement:
        """What the card says.

        Args:
            pictures: File in the package to PNG, of those that were drawn.
            no_pictures: Why there are none; empty where there are, or none were wanted.
        """
        drawn = [_with_picture(place.shown, pictures) for place in self.places]
        return _measurement(self.summary, self.rows, tuple(drawn), maybe_seen=self.maybe_seen, no_pictures=no_pictures)


def read_scored(bundle: Bundle, folder: Path, split: Mapping[str, Any] | None) -> Scored:
    """Read an evaluation, and see that it is of this very model and of studies that it has not seen.

    Args:
        bundle: The model.
        folder: That medseg evaluate wrote.
        split: Which studies the model was trained on; None or empty where no one says.

    Raises:
        BundleError: It is of another model, nothing says of which, or of studies that this one was trained on.
        FileError: It is no finished evaluation, or a file of it is damaged.
    """
    read_evaluation(folder)  # refuses what is no evaluation, in one place for all who read one
    summary: Mapping[str, Any] = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
    with (folder / PER_STUDY).open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    predictions = _predictions(folder, summary)
    _check_model(bundle, folder, summary, predictions)
    _check_unseen(folder, rows, split or {})
    references = Path(str(summary.get("reference", "")).rpartition(" (")[0])
    try:
        eval_metrics_of(summary)
        scored = Scored(summary, rows, _places(summary, rows), predictions, references, maybe_seen=not split)
        scored.measurement({}, no_pictures="")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FileError(f"'{folder}' is damaged ({error!r:.80}). Evaluate again.") from None
    return scored


def _predictions(folder: Path, summary: Mapping[str, Any]) -> Path:
    """Where the label maps are; an evaluation that made them itself may have been moved with them."""
    told = Path(str(summary.get("prediction", "")))
    return folder / PREDICTIONS if told.name == PREDICTIONS and not told.is_dir() else told


def _check_model(bundle: Bundle, folder: Path, summary: Mapping[str, Any], predictions: Path) -> None:
    """That bundle said the labels is not enough: the label maps themselves must be its own.

    Raises:
        BundleError: They are not known to be.
    """
    ours, said = bundle.digest, summary.get("bundle_digest")
    evaluate = f"Evaluate it: python -m medseg.evaluate --bundle {bundle.root} --data DIR --output EVAL"
    if said is None:
        raise BundleError(
            f"Evaluation '{folder}' names no bundle, so nothing says that it is of '{bundle.name}' (SHA-256 {ours}). "
            f"{evaluate}"
        )
    if said != ours:
        raise BundleError(
            f"Evaluation '{folder}' is of another model: {summary.get('bundle', 'a bundle')} with SHA-256 {said}; the "
            f"bundle to package is '{bundle.name}' {bundle.version} with SHA-256 {ours}. {evaluate}"
        )
    made = _made_by(predictions, str(summary.get("made", "")))
    if made != ours:
        raise BundleError(
            f"Evaluation '{folder}' scored '{predictions}', and nothing says that '{bundle.name}' (SHA-256 {ours}) "
            f"made these label maps: the model there is {f'one with SHA-256 {made}' if made else 'unknown'}. {evaluate}"
        )


def _made_by(predictions: Path, scored: str) -> str | None:
    """Digest of the model that made label maps before they were scored; None where nothing says."""
    try:
        record = read_inference(predictions)
    except FileError:
        return None
    if record.get("verb") != "infer" or str(record.get("started"))[:_DATE] > scored[:_DATE]:
        return None
    digest = (record.get("bundle") or {}).get("digest")
    return None if digest is None else str(digest)


def _check_unseen(folder: Path, rows: Sequence[Mapping[str, str]], split: Mapping[str, Any]) -> None:
    """A study that was trained on says nothing of how good a model is.

    Raises:
        BundleError: There are such.
    """
    studies, seen = {row["study"] for row in rows}, {study for part in SEEN for study in split.get(part, ())}
    if studies & seen:
        raise BundleError(
            f"Evaluation '{folder}': {len(studies & seen)} of its {len(studies)} studies trained this model or chose "
            "it; only others say how good it is. Evaluate again: medseg evaluate leaves them out."
        )


def _places(summary: Mapping[str, Any], rows: Sequence[Mapping[str, str]]) -> tuple[Place, ...]:
    """The worst and the middle, as ``medseg evaluate`` ranks them."""
    ranked = rank(_evaluation(summary, rows))
    worst = [_place(n, "worst", one) for n, one in enumerate(ranked[:LISTED], 1)]
    middle = len(ranked) // 2
    return (*worst, _place(middle + 1, "median", ranked[middle])) if middle >= LISTED else tuple(worst)


def _place(number: int, place: str, one: Ranked) -> Place:
    has_picture = place == "median" or number <= PICTURED
    picture = f"{GALLERY}/{number}-{place}.png" if has_picture else ""
    return Place(one.study, Shown(number, place, one.dice, one.reason, picture))


def _evaluation(summary: Mapping[str, Any], rows: Sequence[Mapping[str, str]]) -> Evaluation:
    """As it was, but for failures: their words may name files and patients."""
    studies: dict[str, StudyScores] = {}
    for row in rows:
        before = studies.get(row["study"])
        labels = {**(before.labels if before else {}), row["label"]: _label_score(row)}
        failure = NOT_USABLE if row["failure"] else ""
        studies[row["study"]] = StudyScores(row["study"], row["patient"], labels, failure)
    return Evaluation(POLICIES["default"], tuple(summary["labels"]), tuple(studies.values()))  # ranking asks no rule


def _label_score(row: Mapping[str, str]) -> LabelScore:
    values = {metric: float(row[metric] or "nan") for metric in METRICS}
    tags = tuple(tag for tag in row["tags"].split("; ") if tag)
    return LabelScore(row["state"], values, (), tags)  # type: ignore[arg-type]  # a word of the file, for a sentence


def _with_picture(shown: Shown, pictures: Mapping[str, bytes]) -> Shown:
    picture = shown.picture if shown.picture in pictures else ""
    return Shown(shown.rank, shown.place, shown.dice, shown.reason, picture)


def _measurement(
    summary: Mapping[str, Any],
    rows: Sequence[Mapping[str, str]],
    worst: tuple[Shown, ...],
    *,
    maybe_seen: bool,
    no_pictures: str,
) -> Measurement:
    policy, studies = summary["policy"], summary["studies"]
    tolerances = policy.get("tolerance_mm") or {}
    return Measurement(
        source="evaluation",
        scores={
            name: {metric: score for metric in KEPT if (score := score_of(row[metric])) is not None}
            for name, row in summary["labels"].items()
        },
        made=str(summary.get("made", "")),
        studies=len({row["study"] for row in rows}),
        patients=len({row["patient"] for row in rows}),
        failed=len(studies["failed"]),
        left_out=len(studies["left_out"]),
        tolerance_mm={name: float(tolerances.get(name, policy["default_tolerance_mm"])) for name in summary["labels"]},
        groups=tuple(_groups(summary.get("strata") or ())),
        worst=worst,
        demands=tuple(_demand(gate) for gate in summary.get("gates") or ()),
        policy=str(policy["name"]),
        policy_digest=str(summary["policy_digest"]),
        maybe_seen=maybe_seen,
        no_pictures=no_pictures,
    )


def _groups(strata: Sequence[Mapping[str, Any]]) -> list[Group]:
    return [
        Group(table["column"], table["label"], table["metric"], group, score)
        for table in strata
        for group, row in table["groups"].items()
        if (score := score_of(row)) is not None
    ]


def _demand(gate: Mapping[str, Any]) -> Demand:
    return Demand(gate["name"], gate["metric"], gate["side"], float(gate["limit"]), gate["value"], bool(gate["met"]))

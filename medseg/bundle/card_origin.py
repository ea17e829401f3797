"""The sections of a model card that say what the model was made from: scans, patients, training, software."""

from __future__ import annotations

from collections.abc import Iterator

from medseg.bundle.card_facts import CardFacts, Training
from medseg.bundle.card_words import NOTHING, brief, code, studies, table, words
from medseg.bundle.validity import Limits, Validity
from medseg.core.in_words import counted

_PARTS = {
    "train": "Trained on",
    "validation": "Weights chosen by (validation)",
    "chose_postprocessing": "Chose the postprocessing",
    "holdout": "Held out",
}
_AXES = {"right": "left to right", "front": "back to front", "top": "feet to head"}  # of ``validity.AXES``
_INTENSITY = {
    "p0.5": "low intensities (0.5 %)",
    "p50": "middle intensity",
    "p99.5": "high intensities (99.5 %)",
    "median_position": "where the middle intensity lies between the lowest (0) and highest (1) 0.5 %",
}


def seen_in_training(validity: Validity | None) -> list[str]:
    """Which scans it was trained on, and which are refused; nothing where there is no validity."""
    if validity is None:
        return []
    seen = studies(validity.studies, validity.patients)
    modality = f" Modality: {', '.join(map(words, validity.modality))}." if validity.modality else ""
    stored = ", ".join(map(words, validity.orientation))
    matters = "another is warned of" if validity.orientation_matters else "others give the same result"
    return [
        f"Measured on the {seen} that it was trained on and chosen by.{modality} A scan outside of the last column is "
        "refused. One outside of the column before is segmented, with a warning.",
        "",
        *table(("", "Seen", "Warned of outside", "Refused outside"), _limit_rows(validity)),
        *([f"Stored directions of the voxel axes: {stored}; {matters}.", ""] if stored else []),
    ]


def _limit_rows(validity: Validity) -> Iterator[tuple[str, ...]]:
    for title, axes in (("Voxel size, mm", validity.spacing_mm), ("Extent, mm", validity.extent_mm)):
        yield from (_limit_row(f"{title}, {_AXES.get(axis, words(axis))}", limits) for axis, limits in axes.items())
    for channel, measures in validity.intensity.items():
        for name, limits in measures.items():
            if limits.warn is not None:  # the others were measured and mean nothing to the network
                yield _limit_row(f"{words(channel)}: {_INTENSITY.get(name, words(name))}", limits)
    for label, expected in validity.labels.items():
        if expected.volume_ml is not None:
            yield _limit_row(f"Result: {words(label)}, ml", expected.volume_ml)


def _limit_row(name: str, limits: Limits) -> tuple[str, ...]:
    spans = (limits.seen, limits.warn, limits.refuse)
    return (name, *(NOTHING if span is None else f"{brief(span[0])} to {brief(span[1])}" for span in spans))


def how_trained(facts: CardFacts) -> list[str]:
    """On what, with whom held out, for how long, with which software."""
    training = facts.training or Training()
    source = words(facts.metadata.get("data_source", ""))
    digest = f", SHA-256 {code(training.data_digest)}" if training.data_digest else ""
    rows = {
        "Data": ("drawn phantoms" if training.phantom else words(training.data)) + digest,
        # A run may be of other data than the bundle was written for.
        "Bundle made for" if training.data else "Source": "" if training.phantom else source,
        **{_PARTS.get(part.name, words(part.name)): studies(part.studies, part.patients) for part in training.parts},
        "Split": _split(training),
        "Training": ", ".join(_course(training)),
        "Software": ", ".join(f"{words(name)} {words(version)}" for name, version in training.versions.items()),
        "Commit of medseg": code(training.commit) if training.commit else "",
        "MLflow run": code(training.mlflow_run_id) if training.mlflow_run_id else "",
    }
    said = table(("", ""), [(name, value.removeprefix(", ")) for name, value in rows.items() if value.strip()])
    return said if training.started else [*said, "What was packaged came without a record of its training.", ""]


def _split(training: Training) -> str:
    if not training.fold:
        return ""
    if training.fold == "all":
        return f"by patient, by chance{_seed(training)}; no one was held out"
    of = "" if training.folds is None else f" of {words(training.folds)}"
    return f"by patient, by chance{_seed(training)}; fold {words(training.fold)}{of} is held out"


def _seed(training: Training) -> str:
    return "" if training.seed is None else f" (seed {words(training.seed)})"


def _course(training: Training) -> Iterator[str]:
    if training.started:
        yield f"begun on {words(training.started[:10])}"
    if training.seconds is not None:
        yield _duration(training.seconds)
    if training.epochs is not None and training.steps is not None:
        kept = "" if training.weights_epoch is None else f" (weights of epoch {words(training.weights_epoch)})"
        yield f"{words(counted(training.epochs, 'epoch'))}{kept}, {words(counted(training.steps, 'step'))}"
    yield from (words(one) for one in (training.device, training.precision) if one)
    if training.outcome == "stopped":
        yield "stopped early, since it no longer gained"


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"

"""best.yaml: what a search found, as a layer for --config, with what was measured above it."""

from __future__ import annotations

from typing import Any

from medseg.core.files import write_text
from medseg.recipe.layers import leaves
from medseg.recipe.values import fit
from medseg.runs.config_file import format_config, format_value
from medseg.runs.progress import format_seconds
from medseg.steps.tuning_result import Found
from medseg.steps.tuning_state import BEST, Search
from medseg.steps.tuning_trial import Trial

# What the search was given: the recipe it found is to be trained longer, and from any seed.
NOT_OF_A_LAYER = ("seed", "length.")


def write_best(search: Search, found: Found, best: Trial) -> None:
    """Write the best recipe: all that was searched, and all else that is not the bundle's own.

    Raises:
        OutputError: The file cannot be written.
    """
    schema, listed = leaves(), search.bundle.train_values or {}
    own = {key: fit(value, schema[key])[0] for key, value in listed.items() if key in schema}
    values: dict[str, Any] = {**search.resolved.values, **best.values}
    kept = {key: value for key, value in values.items() if key in best.values or _is_changed(key, value, own)}
    origins = {key: _origin(value, own.get(key)) for key, value in kept.items()}
    write_text(search.run.root / BEST, format_config(kept, origins, header=_header(search, found, best)))


def how_to_train(search: Search, config: str) -> str:
    """The command that trains what was found on the same split, so that no patient who chose it is held out."""
    bundle = search.request.training.bundle
    split = f"--fold {search.task.split.fold_name} --seed {search.task.recipe.seed}"
    return f"python -m medseg.train --bundle {bundle} --data DIR {split} --config {config}"


def _is_changed(key: str, value: Any, own: dict[str, Any]) -> bool:
    return bool(value != own.get(key)) and not key.startswith(NOT_OF_A_LAYER)


def _origin(value: Any, own: Any) -> str:
    return "as in the bundle" if value == own else f"in the bundle: {format_value(own)}"


def _header(search: Search, found: Found, best: Trial) -> list[str]:
    task, name = search.task, search.bundle.name
    return [
        f"A recipe that medseg tune found for bundle {name}, by {search.request.search} search with seed "
        f"{task.recipe.seed}, in {len(found.trials)} trials.",
        f"Measured: validation Dice, mean of {', '.join(search.bundle.labels.scored)}, fold {task.split.fold}, "
        f"{_length(search)} a trial on {task.device}.",
        *found.sentences(),
        f"Use: {how_to_train(search, BEST)}",
        "",
    ]


def _length(search: Search) -> str:
    length = search.request.training
    if length.budget_min is not None:
        return format_seconds(60.0 * length.budget_min / search.count)
    return f"{search.resolved.recipe.length.epochs} epochs"

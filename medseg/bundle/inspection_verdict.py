"""What medseg would do with a bundle, known before any of it is built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from medseg.bundle.archives import PLAIN, STATE, Archive
from medseg.bundle.contract import contract_faults
from medseg.bundle.foreign import Evaluation, evaluations, hidden_faults
from medseg.bundle.foreign_config import ForeignConfig, walk
from medseg.bundle.safety import safety_faults

WEIGHTS = "models/model.pt"
# To tell what would be evaluated takes keys at the top times values; the largest configuration of MONAI's model zoo has
# 60 times 700, and 3,000 characters of expressions.
MOST_STEPS_TRUSTED = 400_000
MOST_CODE_TRUSTED = 100_000  # characters


@dataclass(frozen=True)
class Verdict:
    """What medseg would do.

    Attributes:
        inference: The configuration that it would build from; None where there is none.
        unfit: Why it does not build the four parts as they stand; with ``--trust`` MONAI evaluates them first.
        unsafe: Why it does not use the bundle, whatever is trusted.
        evaluated: What would be evaluated with ``--trust``; nothing where the four parts are built as they stand.
        has_weights: Whether there are any.
    """

    inference: str | None
    unfit: tuple[str, ...]
    unsafe: tuple[str, ...]
    evaluated: tuple[Evaluation, ...]
    has_weights: bool

    @property
    def builds(self) -> bool:
        """Whether medseg builds it, evaluating nothing."""
        return not self.unfit and not self.unsafe


def verdict_on(
    metadata: ForeignConfig | None,
    inference: ForeignConfig | None,
    archives: Mapping[str, Archive],
    *,
    broken: bool,
) -> Verdict:
    """What medseg would do with a bundle.

    Args:
        metadata: Its metadata.json.
        inference: The configuration that medseg would build from; None where there is none.
        archives: Name to pickles.
        broken: Whether its seal is.
    """
    unsafe = [
        *(["it is not as it was packaged, or not signed as demanded"] if broken else []),
        *_unreadable(metadata),
        *_unreadable(inference),
        *weight_faults(archives),
    ]
    unfit: list[str] = []
    evaluated: list[Evaluation] = []
    if inference is None:
        unsafe.append("configs/inference.yaml: missing, and so is inference.json")
    elif not isinstance(inference.value, Mapping):
        unsafe += [] if inference.faults else [f"{inference.name}: holds no keys and values"]
    else:
        faults = [*contract_faults(inference.value), *safety_faults(inference.value)]
        unfit = [f"{inference.name}: {fault}" for fault in faults]
        evaluated, hidden = _evaluated(inference, metadata) if unfit else ([], [])
        unsafe += [f"{inference.name}: {fault}" for fault in hidden]
    name = None if inference is None else inference.name
    return Verdict(name, tuple(unfit), tuple(unsafe), tuple(evaluated), WEIGHTS in archives)


def _evaluated(inference: ForeignConfig, metadata: ForeignConfig | None) -> tuple[list[Evaluation], list[str]]:
    """What ``--trust`` would evaluate, and why it would not."""
    values: dict[str, Any] = {**inference.value, "_meta_": metadata.value if metadata else {}}
    code = sum(len(text) for _, text in walk(inference.value) if isinstance(text, str) and text.startswith("$"))
    if len(values) * inference.values > MOST_STEPS_TRUSTED or code > MOST_CODE_TRUSTED:
        told = f"{len(values)} keys, {inference.values} values, {code} characters of expressions"
        return [], [f"{told}: too much to tell what would be evaluated"]
    return evaluations(values), hidden_faults(values)


def _unreadable(config: ForeignConfig | None) -> list[str]:
    return [f"{config.name}: {fault}" for fault in config.faults] if config else []


def weight_faults(archives: Mapping[str, Archive]) -> list[str]:
    """Why torch would not load models/model.pt as plain weights, as far as its pickle tells.

    Args:
        archives: Name of a file to what it holds of pickles.
    """
    archive = archives.get(WEIGHTS)
    if archive is None:
        return []
    faults = [f"{WEIGHTS}: {fault}" for fault in archive.faults]
    if not archive.pickles and not faults and archive.kind in (STATE, PLAIN):
        return [f"{WEIGHTS}: holds no weights of torch"]
    if archive.kind not in (STATE, PLAIN):
        return [*faults, f"{WEIGHTS}: is a {archive.kind}, not a state dict"]
    if archive.refused:
        faults.append(f"{WEIGHTS}: its pickle would import {', '.join(archive.refused)}, which no plain weights need")
    return faults

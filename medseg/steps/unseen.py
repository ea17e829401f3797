"""Which studies a model has not seen: only these say how good it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from medseg.core.errors import FileError
from medseg.runs.record import read_record


def seen_by(run: Path) -> frozenset[str]:
    """Ids of the studies that a run was trained on or chosen by; empty for a bundle that is no run."""
    try:
        split = read_record(run / "run.json").get("split") or {}
    except FileError:
        return frozenset()
    return frozenset([*split.get("train", ()), *split.get("validation", ())])


def unseen(patients: Mapping[str, str], seen: frozenset[str]) -> list[str]:
    """Studies that were not seen, of patients of whom none was.

    Args:
        patients: Study to patient.
        seen: Studies.
    """
    known = {patient for study, patient in patients.items() if study in seen}
    return [study for study, patient in patients.items() if study not in seen and patient not in known]


def left_out_sentence(left: int, whole: int) -> str:
    """What is said of the studies that were seen."""
    return f"{whole - left} of {whole} studies were trained on or chosen by; they are left out."

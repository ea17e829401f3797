"""Which studies a model has not seen: only these say how good it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medseg.bundle.read import Bundle
from medseg.bundle.split_file import CHOSE, SEEN
from medseg.core.errors import DatalistError
from medseg.core.split import EVERYONE
from medseg.runs.record import read_record

if TYPE_CHECKING:  # it reads scans, and whoever asks for help waits for no reader
    from medseg.steps.label_maps import LabelMaps

_ELSEWHERE = "A cross-validation has scored each study by the model that did not see it, in its folder evaluation/. "


def run_of(bundle: Bundle, given: str | None) -> Path | None:
    """Folder of the run that made a bundle, whether the run was given or its bundle; None where it is no run's.

    Args:
        bundle: The model.
        given: What the user called it by; a run may hold its bundle as a link to elsewhere.
    """
    folders = [*([Path(given)] if given else []), bundle.root.parent]
    return next((folder.resolve() for folder in folders if (folder / "run.json").is_file()), None)


def split_of(bundle: Bundle, run: Path | None) -> Mapping[str, Any] | None:
    """Which studies a model was trained on and chosen by; None where no one says.

    Args:
        bundle: Its split.json speaks where it is no run's.
        run: Its run.json knows more, such as who chose the postprocessing afterwards.

    Raises:
        FileError: The record of the run cannot be read: then no one knows what was seen.
    """
    if run is None:
        return bundle.split
    split: Mapping[str, Any] = read_record(run / "run.json").get("split") or {}
    return split


def choosers_of(bundle: Bundle, run: Path | None) -> tuple[str, ...]:
    """Studies whose label maps chose a bundle's postprocessing; they stay so when its weights are trained anew.

    Args:
        bundle: As for ``split_of``.
        run: As for ``split_of``.

    Raises:
        FileError: As ``split_of``.
    """
    return tuple((split_of(bundle, run) or {}).get(CHOSE, ()))


def leave_out_seen(
    references: LabelMaps, splits: Sequence[Mapping[str, Any]], *, say: Callable[[str], None]
) -> LabelMaps:
    """The references without those that a model was trained on or chosen by, and without their patients.

    Args:
        references: Of any studies.
        splits: Of the models that segment together; what any of them has seen goes. Where there is none nothing is
            known, and nothing is left out.
        say: Shows a line to the user.

    Raises:
        DatalistError: Every study was seen.
    """
    seen = frozenset(study for split in splits for part in SEEN for study in split.get(part, ()))
    patients = {study: file.patient for study, file in references.files.items()}
    left = unseen(patients, seen)
    if len(left) == len(patients):
        return references
    if not left:
        raise DatalistError(_all_seen(references, splits))
    say(f"{len(patients) - len(left)} of {len(patients)} studies were trained on or chosen by; they are left out.")
    return replace(references, files={study: references.files[study] for study in left})


def _all_seen(references: LabelMaps, splits: Sequence[Mapping[str, Any]]) -> str:
    several = len(splits) > 1
    who = f"one or another of the {len(splits)} models was" if several else "the model was"
    return (
        f"'{references.root}': {who} trained on or chosen by each of its {len(references.files)} labelled "
        f"studies{_why(splits)}. {_ELSEWHERE if several else ''}"
        "Give others; to score what it was trained on, give its predictions with --labels in place of --bundle."
    )


def _why(splits: Sequence[Mapping[str, Any]]) -> str:
    all_of_them = any(split.get("fold") == EVERYONE for split in splits)
    return "; it was trained with --fold all, which holds none out" if all_of_them else ""


def unseen(patients: Mapping[str, str], seen: frozenset[str]) -> list[str]:
    """Studies that were not seen, of patients of whom none was.

    Args:
        patients: Study to patient.
        seen: Studies.
    """
    known = {patient for study, patient in patients.items() if study in seen}
    return [study for study, patient in patients.items() if study not in seen and patient not in known]

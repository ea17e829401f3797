"""Read a data set through and measure it, with every fault at once: what a plan is made from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, takewhile
from pathlib import Path

from medseg.core.errors import DatalistError, raise_faults
from medseg.core.in_words import counted
from medseg.core.labels import bare_name
from medseg.core.study import Dataset, Study
from medseg.datasets.dataset_json import description_in, read_description
from medseg.datasets.detect import read_dataset
from medseg.datasets.inspect import inspect_dataset
from medseg.datasets.inspection import Inspection
from medseg.datasets.pictures import with_colours
from medseg.io.formats import is_picture, study_stem
from medseg.planning.fingerprint import Fingerprint, Source, fingerprint_of
from medseg.planning.measures import StudyMeasures
from medseg.planning.mirroring import SIDES
from medseg.planning.modality import MODALITIES
from medseg.steps.fingerprint_cache import measure_all
from medseg.steps.fingerprint_likeness import judge_likeness

FEWEST_PATIENTS = 3  # one trains, one validates, one is held out
RARE = 0.05  # share of the studies; an undeclared label in so few, or in one, is probably a slip of the pen


@dataclass(frozen=True)
class Found:
    """A measured data set.

    Attributes:
        dataset: Its labelled studies.
        fingerprint: What they hold together.
        measures: Study id to what it holds.
        notes: What the user should know, one sentence each.
    """

    dataset: Dataset
    fingerprint: Fingerprint
    measures: Mapping[str, StudyMeasures]
    notes: tuple[str, ...]


def take_fingerprint(
    data: Path,
    *,
    modality: str | None,
    folder: Path | None,
    warn: Callable[[str], None],
    seen: Callable[[int, int], None] | None = None,
) -> Found:
    """Fingerprint of a data set.

    Args:
        data: In any layout.
        modality: What the user calls it; None takes what the data says.
        folder: Where looks and measures are remembered; None measures all again.
        warn: Called with what the user should look at before trusting a score, one sentence each, faults or not.
        seen: Called with the number of studies measured and of all.

    Raises:
        DatalistError: All faults at once: of files, grids and label values; equal images of different patients; no
            labels; too few patients.
    """
    dataset, notes = _labelled(with_colours(read_dataset(data)), data)
    inspection = inspect_dataset(
        dataset, None, need_labels=True, cache=None if folder is None else folder / "files.json"
    )
    names, odd, warnings = _labels(dataset, inspection)
    sound = [study for study in dataset.studies if study.id not in inspection.faults_of]
    digests = {facts.id: facts.digest for facts in inspection.studies}
    measures = measure_all(sound, digests, dataset.root, folder=folder, seen=seen)
    copies, alike = judge_likeness(dataset, measures)
    for warning in [*warnings, *alike]:
        warn(warning)
    faults = [
        *inspection.faults,
        *odd,
        *_patients(dataset),
        *_mixed_thickness(measures, sound),
        *copies,
    ]
    raise_faults(f"Data '{data}' ({len(dataset.studies)} studies)", faults, DatalistError)
    source = _source(dataset, names, modality)
    patients = len({study.patient for study in dataset.studies})
    return Found(dataset, fingerprint_of(source, measures, patients), measures, notes)


def _labelled(dataset: Dataset, data: Path) -> tuple[Dataset, tuple[str, ...]]:
    labelled = tuple(study for study in dataset.studies if study.label is not None)
    if not labelled:
        raise DatalistError(f"Data '{data}': none of the {len(dataset.studies)} studies has a label file to plan from.")
    left_out = len(dataset.studies) - len(labelled)
    note = (f"{left_out} studies without a label are left out",) if left_out else ()
    return replace(dataset, studies=labelled), (*dataset.notes, *note)


def _labels(dataset: Dataset, inspection: Inspection) -> tuple[dict[int, str], list[str], list[str]]:
    """Value to name, faults, and warnings."""
    found = _found_values(dataset, inspection)
    empty = [] if found else ["no study has a labelled voxel"]
    if dataset.label_names is None:
        names = {value: "foreground" if len(found) == 1 else f"label{value}" for value in sorted(found)}
        return names, empty, _rare_values(found, len(inspection.studies))
    names = dict(sorted(dataset.label_names.items()))
    unseen = [
        f"label {value} '{name}' is declared, and in no study: nothing can be learned of it"
        for value, name in names.items()
        if value not in found and found and not inspection.faults_of  # a study with a fault may hold it
    ]
    return names, [*_same_names(names), *_undeclared(found, names), *empty], unseen


def _same_names(names: Mapping[int, str]) -> Iterator[str]:
    """Labels that a bundle could not tell apart: it knows names by their letters and digits, in either case."""
    for (value, name), (other, like) in combinations(names.items(), 2):
        if bare_name(name) == bare_name(like):
            yield f"labels {value} '{name}' and {other} '{like}' differ only in signs or capitals; rename one"


def _found_values(dataset: Dataset, inspection: Inspection) -> dict[int, list[tuple[Path, int]]]:
    """Label value to files and voxels, background left out."""
    paths = {study.id: study.label for study in dataset.studies}
    found: dict[int, list[tuple[Path, int]]] = {}
    for facts in inspection.studies:
        path = paths[facts.id]
        for value, voxels in (facts.voxels or {}).items():
            if value > 0 and path is not None:
                found.setdefault(value, []).append((path, voxels))
    return dict(sorted(found.items()))


def _undeclared(found: Mapping[int, Sequence[tuple[Path, int]]], names: Mapping[int, str]) -> Iterator[str]:
    known = ", ".join(["0 background", *(f"{value} {name}" for value, name in names.items())])
    for value, places in found.items():
        if value not in names:
            yield from (
                f"'{path}': label value {value} in {voxels} voxels; the data declares {known}"
                for path, voxels in places
            )


def _rare_values(found: Mapping[int, Sequence[tuple[Path, int]]], studies: int) -> list[str]:
    return [
        f"label value {value} is in {len(places)} of {studies} studies alone ('{places[0][0]}'); nothing declares "
        "labels, so it becomes a label of its own: mend the file if it is none"
        for value, places in found.items()
        if len(places) <= max(1, RARE * studies)
    ]


def _patients(dataset: Dataset) -> list[str]:
    patients = len({study.patient for study in dataset.studies})
    if patients >= FEWEST_PATIENTS:
        return []
    return [
        f"{counted(patients, 'patient')} with a label cannot be split into training, validation and hold-out; "
        f"give {FEWEST_PATIENTS} or more"
    ]


def _mixed_thickness(measures: Mapping[str, StudyMeasures], studies: Sequence[Study]) -> Iterator[str]:
    """Sets of which more than half are single slices and the rest is not: no network takes both."""
    files = {study.id: study.files()[0] for study in studies}
    for axis, sides in enumerate(SIDES):
        sizes = sorted((one.shape[axis], name) for name, one in measures.items())
        if sizes and sizes[len(sizes) // 2][0] == 1 < sizes[-1][0]:
            single, (longest, name) = sum(size == 1 for size, _ in sizes), sizes[-1]
            yield (
                f"{single} of {len(sizes)} studies are one voxel thick along {sides}, others are not "
                f"('{files[name]}' has {longest}): plan them apart, each kind in a data set of its own"
            )


def _source(dataset: Dataset, names: Mapping[int, str], asked: str | None) -> Source:
    words = _description(dataset.root)
    modality, told_by = (asked, "--modality") if asked else _modality(dataset, words)
    return Source(
        title=_one_line(words.get("name")) or dataset.root.resolve().stem,
        layout=dataset.layout,
        reference=_one_line(words.get("reference")),
        licence=_one_line(words.get("licence") or words.get("license")),
        channels=dataset.channel_names,
        labels=dict(names),
        modality=modality,
        modality_from=told_by,
        endings=_endings(dataset),
        instances=any(study.instances for study in dataset.studies),
        pictures=is_picture(dataset.studies[0].files()[0]),
    )


def _description(root: Path) -> Mapping[str, object]:
    if root.is_dir():
        return description_in(root) or {}
    return read_description(root)


def _one_line(value: object) -> str:
    """Text of a description on one line, without the signs that MONAI takes for code."""
    return " ".join(str(value).translate({ord(sign): None for sign in "$@%#|`"}).split()) if value else ""


def _modality(dataset: Dataset, words: Mapping[str, object]) -> tuple[str, str]:
    """Modality by the names of channels, and by the description where colours have replaced them."""
    said = words.get("channel_names", words.get("modality"))
    listed = [str(name) for name in said.values()] if isinstance(said, Mapping) else []
    for names, told_by in ((dataset.channel_names, "the names of the channels"), (listed, "dataset.json")):
        plain = [{bare_name(name), *(bare_name(word) for word in name.split())} for name in names]
        for modality, known in MODALITIES.items():
            if plain and all(one & known for one in plain):
                return modality, told_by
    return "unknown", "nobody"


def _endings(dataset: Dataset) -> tuple[str, ...]:
    """How the files of each channel end in all studies; empty where that does not tell them apart."""
    if any(len({channel.path for channel in study.channels.values()}) == 1 for study in dataset.studies):
        return ()
    endings = tuple(
        _shared_end([study_stem(study.channels[name].path) for study in dataset.studies])
        for name in dataset.channel_names
    )
    return endings if len(set(endings)) == len(endings) and all(endings) else ()


def _shared_end(stems: Sequence[str]) -> str:
    """The last letters that all have, from a sign that parts words on: "_t1ce" of "P1_t1ce" and "P2_t1ce"."""
    letters = zip(*(stem[::-1] for stem in stems), strict=False)
    shared = "".join(same[0] for same in takewhile(lambda row: len(set(row)) == 1, letters))[::-1]
    cut = max(shared.rfind(sign) for sign in "_-. ")
    return shared[cut:] if cut >= 0 else shared

"""Images of a data set that are too much alike under two patients: what is a fault, and what is a warning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from medseg.core.study import Dataset
from medseg.planning.likeness import ALIKE, Image, find_pairs
from medseg.planning.measures import StudyMeasures
from medseg.steps.fingerprint_cache import measure_images

PAIRS_SHOWN = 10  # of nearly the same images, the most alike first; the rest is counted
FILES_SHOWN = 5  # of one image


def judge_likeness(dataset: Dataset, measures: Mapping[str, StudyMeasures]) -> tuple[list[str], list[str]]:
    """Faults and warnings, one sentence each.

    Args:
        dataset: Its labelled studies, those with a fault included: a copied image seldom fits the label beside it.
        measures: Study id to measures, of those without a fault.
    """
    known = {**measures, **measure_images([study for study in dataset.studies if study.id not in measures])}
    images = [
        Image(study.id, study.patient, known[study.id].digest, known[study.id].signature)
        for study in dataset.studies
        if study.id in known
    ]
    files = {study.id: f"'{study.files()[0]}'" for study in dataset.studies}
    faults, warnings = list[str](), list[str]()
    for group in _equal(images):
        listed, flat = _listed([files[image.study] for image in group]), _is_flat(known[group[0].study])
        (warnings if flat else faults).append(_without_contrast(listed) if flat else _copies(listed, group))
    return faults, [*warnings, *_alike(images, files)]


def _equal(images: Sequence[Image]) -> list[list[Image]]:
    """Groups of equal images that stand under several patients."""
    groups: dict[str, list[Image]] = {}
    for image in images:
        groups.setdefault(image.digest, []).append(image)
    return [group for group in groups.values() if _patients(group) > 1]


def _patients(group: Sequence[Image]) -> int:
    return len({image.patient for image in group})


def _is_flat(study: StudyMeasures) -> bool:
    return all(channel.low == channel.high for channel in study.channels)


def _listed(files: Sequence[str]) -> str:
    """All of them ("a, b and c"), or the first few and how many more."""
    if len(files) > FILES_SHOWN:
        return f"{', '.join(files[:FILES_SHOWN])} and {len(files) - FILES_SHOWN} more"
    return f"{', '.join(files[:-1])} and {files[-1]}"


def _copies(listed: str, group: Sequence[Image]) -> str:
    patients = "two" if _patients(group) == 2 else f"{_patients(group)}"
    remedy = "Remove one, or give both" if len(group) == 2 else "Keep one, or give all"
    return (
        f"{listed} hold the same image, voxel for voxel, under {patients} patients: a model could be scored on what it "
        f"was trained on. {remedy} one patient in a datalist"
    )


def _without_contrast(listed: str) -> str:
    return f"{listed} hold one value alone in each channel: nothing can be learned of them. Look at the files"


def _alike(images: Sequence[Image], files: Mapping[str, str]) -> Iterator[str]:
    pairs = sorted((pair for pair in find_pairs(images) if not pair.equal), key=lambda pair: -pair.correlation)
    for pair in pairs[:PAIRS_SHOWN]:
        yield (
            f"possible leakage: {files[pair.first]} and {files[pair.second]} are nearly the same image (correlation "
            f"{pair.correlation:.3f}, limit {ALIKE:g}) under two patients. If they are one patient, say so in a "
            "datalist, or scores will be too good"
        )
    if len(pairs) > PAIRS_SHOWN:
        yield f"possible leakage: {len(pairs) - PAIRS_SHOWN} more pairs of images are nearly the same"

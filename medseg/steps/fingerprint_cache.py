"""Measure the studies of a data set, several at a time, and remember what was measured."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from medseg.core.errors import MedsegError, OutputError
from medseg.core.files import digest_of, write_json
from medseg.core.machine import cores
from medseg.core.study import Study
from medseg.core.types import BoolArray
from medseg.io.study import read_study, read_study_label
from medseg.metrics.connected import connected_parts
from medseg.planning.measures import ChannelMeasures, LabelMeasures, StudyMeasures, measure_study

_VERSION = 2  # raise it when what is measured changes, so that studies seen before are measured again
_MOST_THREADS = 4  # each holds a study in float32, twice


def measure_all(
    studies: Sequence[Study],
    digests: Mapping[str, str],
    root: Path,
    *,
    folder: Path | None,
    seen: Callable[[int, int], None] | None = None,
) -> dict[str, StudyMeasures]:
    """Study id to measures.

    Args:
        studies: Labelled, without faults.
        digests: Study id to the digest of its files; a study with another digest is measured again.
        root: Of the data; names the file of the cache.
        folder: Of the cache; None measures all.
        seen: Called with the number of studies done and of all.
    """
    place = None if folder is None else folder / "measures" / f"{digest_of(str(root.resolve()))[:16]}.json"
    known = _load(place)
    keys = {study.id: _key(study, digests[study.id]) for study in studies}

    remembered = {study.id: _remembered(known.get(keys[study.id])) for study in studies}

    def one(study: Study) -> StudyMeasures:
        return remembered[study.id] or _measure(study)

    measures: dict[str, StudyMeasures] = {}
    with ThreadPoolExecutor(min(cores(), _MOST_THREADS)) as pool:
        for study, found in zip(studies, pool.map(one, studies), strict=True):
            measures[study.id] = found
            if seen:
                seen(len(measures), len(studies))
    if place is not None and None in remembered.values():  # absent, or stored in a way that cannot be read
        entries = {keys[name]: _to_json(found) for name, found in measures.items()}
        with contextlib.suppress(OutputError):  # without a cache the next plan only takes longer
            write_json(place, {"version": _VERSION, "studies": entries})
    return measures


def measure_images(studies: Sequence[Study]) -> dict[str, StudyMeasures]:
    """Study id to measures of the image alone; studies whose image cannot be read are left out."""
    found: dict[str, StudyMeasures] = {}
    for study in studies:
        with contextlib.suppress(MedsegError):
            volume = read_study(study)
            nothing = np.zeros(volume.array.shape[1:], np.uint8)
            found[study.id] = measure_study(volume, nothing, count_parts=_count_parts)
    return found


def _measure(study: Study) -> StudyMeasures:
    label, _ = read_study_label(study)
    return measure_study(read_study(study), label, count_parts=_count_parts)


def _count_parts(mask: BoolArray) -> tuple[int, int]:
    parts, count = connected_parts(mask, 26)
    return count, int(np.bincount(parts.ravel())[1:].max())


def _key(study: Study, digest: str) -> str:
    return digest_of([digest, study.instances, [[name, channel.grey] for name, channel in study.channels.items()]])


def _load(place: Path | None) -> dict[str, Any]:
    """What was measured before; nothing where the file is absent, damaged or of another version."""
    if place is None:
        return {}
    try:
        content = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    studies = content.get("studies") if isinstance(content, dict) and content.get("version") == _VERSION else None
    return studies if isinstance(studies, dict) else {}


def _remembered(entry: Any) -> StudyMeasures | None:
    """Measures as they were stored; None where there are none, or someone has changed them."""
    try:
        return None if entry is None else _from_json(entry)
    except (KeyError, TypeError, ValueError):
        return None


def _to_json(found: StudyMeasures) -> dict[str, Any]:
    return {**asdict(found), "signature": base64.b64encode(found.signature).decode()}


def _from_json(entry: Mapping[str, Any]) -> StudyMeasures:
    i, j, k = entry["spacing_mm"]
    return StudyMeasures(
        shape=tuple(entry["shape"]),
        spacing_mm=(i, j, k),
        stored_axes=entry["stored_axes"],
        box=tuple(entry["box"]),
        zero_share=entry["zero_share"],
        channels=tuple(ChannelMeasures(**{**one, "quantiles": tuple(one["quantiles"])}) for one in entry["channels"]),
        labels={int(value): _label(one) for value, one in entry["labels"].items()},
        digest=entry["digest"],
        signature=base64.b64decode(entry["signature"]),
    )


def _label(entry: Mapping[str, Any]) -> LabelMeasures:
    return LabelMeasures(**{**entry, "centre_mm": tuple(entry["centre_mm"]), "spread_mm": tuple(entry["spread_mm"])})

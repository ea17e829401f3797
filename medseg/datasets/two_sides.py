"""Task04 of the Medical Segmentation Decathlon: which of its volumes are the two sides of one person.

The files are crops of one hippocampus each and say nothing of whom they show; hippocampus_001 and _002 are one person,
_003 and _004 the next. Seen in the data: the step between stored intensities, which a scan gives to both of its crops,
is the same to 1e-4 in all 44 of these pairs among 165 floating-point volumes of the training part, and in 2 of the
other 13,486 pairs. A split that takes each file for a patient trains on one side of a person and scores the other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from medseg.core.study import Dataset, Study

_ID = re.compile(r"hippocampus_(\d{3})")
NOTE = "hippocampus_001 and _002, _003 and _004 and so on are the two sides of one person each; they stay together"


def with_two_sides(dataset: Dataset, description: Mapping[str, Any]) -> Dataset:
    """The dataset with both sides of a person under one patient, where it is Task04; else as it is.

    Args:
        dataset: As its files say; a patient that the list names itself stays.
        description: Parsed dataset.json or datalist; Task04 calls itself "Hippocampus" or describes itself as such.
    """
    told = f"{description.get('name', '')} {description.get('description', '')}".lower()
    if "hippocampus" not in told or not all(_ID.fullmatch(study.id) for study in dataset.studies):
        return dataset
    studies = tuple(_with_person(study) for study in dataset.studies)
    return replace(dataset, studies=studies, notes=(*dataset.notes, NOTE)) if studies != dataset.studies else dataset


def _with_person(study: Study) -> Study:
    match = _ID.fullmatch(study.id)
    if match is None or study.patient != study.id:
        return study
    return replace(study, patient=f"hippocampus_person_{(int(match[1]) + 1) // 2:03d}")

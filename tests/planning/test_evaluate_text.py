from collections.abc import Callable
from typing import Any

import yaml

from medseg.planning.evaluate_text import evaluate_text
from medseg.planning.fingerprint import Fingerprint
from medseg.planning.plan import Plan

Print = Callable[..., Fingerprint]
Planned = Callable[..., Plan]


def read(plan: Plan) -> dict[str, Any]:
    return dict(yaml.safe_load(evaluate_text(plan)))


def test_labels_have_their_values_aliases_and_a_tolerance_of_one_voxel(planned: Planned, fingerprint: Print) -> None:
    found = read(planned(fingerprint(labels={1: "the head", 4: "yes"}, study={"spacing_mm": (0.8, 1.0, 1.2)})))
    assert found["labels"] == {"the_head": {"value": 1, "aliases": ["the head"]}, "yes": {"value": 4, "aliases": []}}
    assert found["tolerance_mm"] == {"the_head": 0.8, "yes": 0.8}
    assert (found["regions"], found["thresholds"]) == ({}, {})


def test_regions_are_scored_where_labels_are_those_of_brats(planned: Planned, fingerprint: Print) -> None:
    found = read(planned(fingerprint(labels={1: "NCR", 2: "ED", 4: "ET"})))
    assert found["regions"] == {"WT": ["NCR", "ED", "ET"], "TC": ["NCR", "ET"], "ET": ["ET"]}
    assert found["tolerance_mm"].keys() == {"WT", "TC", "ET"}


def test_objects_are_said_to_be_objects(planned: Planned, fingerprint: Print) -> None:
    found = read(planned(fingerprint(labels={1: "nucleus"}, instances=True)))
    assert found["labels"]["nucleus"]["instances"] is True


def test_volumes_stand_beside_the_labels(planned: Planned) -> None:
    line = next(line for line in evaluate_text(planned()).splitlines() if line.startswith("  head:"))
    assert line.endswith("# in 30 of 30 studies, 0.5 to 0.5 ml, median 0.5")

"""A file of labels given on the command line: what to score where there is no bundle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from medseg.bundle.scoring import Scoring, scoring_of
from medseg.core.errors import ConfigError, raise_faults
from medseg.recipe.yaml_file import read_yaml

_OPTIONAL = ("regions", "tolerance_mm", "thresholds")
_STAND_IN_MM = 1.0  # replaced by no tolerance at all: the policy then decides


def read_labels_file(path: Path) -> Scoring:
    """Labels, regions, tolerances and thresholds of a YAML file like a bundle's configs/evaluate.yaml.

    Only ``labels`` is needed::

        labels:
          liver: {value: 1, aliases: [hepatic parenchyma]}
          tumour: {value: 2}

    Raises:
        ConfigError: It cannot be read, or says what it may not; every fault is listed.
    """
    values = {key: {} for key in _OPTIONAL} | read_yaml(path)
    if "labels" not in values:
        keys = ", ".join(str(key) for key in values if values[key]) or "nothing"
        raise ConfigError(f"'{path}' has no key 'labels', only {keys}; write labels: {{liver: {{value: 1}}}}")
    if values["tolerance_mm"]:
        scoring, faults = scoring_of(values)
    else:
        scoring, _ = scoring_of(values)
        scoring, faults = scoring_of({**values, "tolerance_mm": dict.fromkeys(scoring.labels.scored, _STAND_IN_MM)})
        scoring = replace(scoring, tolerance_mm={})
    raise_faults(f"Labels '{path}'", faults, ConfigError)
    return scoring

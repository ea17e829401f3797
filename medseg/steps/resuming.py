"""Whether an interrupted training can be gone on with: what it began with must still be so."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from medseg.bundle.split_file import CHOSE
from medseg.core.errors import DatalistError
from medseg.recipe.layers import Layer, Resolved, flatten, resolve
from medseg.recipe.yaml_file import read_yaml
from medseg.runs.folder import RunFolder
from medseg.steps.task import Task


def recipe_of_run(run: RunFolder) -> Resolved:
    """The recipe that a run began with.

    Raises:
        ConfigError: Its config.yaml is damaged.
        FileError: There is none.
    """
    return resolve([Layer("config.yaml of the run", flatten(read_yaml(run.config)))], f"Run '{run.root}'")


def choosers_of_run(record: Mapping[str, Any]) -> tuple[str, ...]:
    """Studies that had chosen the postprocessing of the bundle that a run began with, from its run.json."""
    return tuple(record["split"].get(CHOSE, ()))


def check_data(task: Task, record: Mapping[str, Any], root: Path) -> None:
    """Refuse to mix two cohorts.

    Args:
        task: The training as it would go on.
        record: The run.json of the run to go on with.
        root: Its folder.

    Raises:
        DatalistError: The files are not those that the run began with.
    """
    if record["data_digest"] != task.cohort.inspection.data_digest:
        raise DatalistError(
            f"The data in '{record['data']}' changed since run '{root}' began; going on would mix two cohorts. "
            "Put the files back, or start a new run."
        )


def check_same(task: Task, record: Mapping[str, Any], root: Path) -> None:
    """Refuse to go on with other data, another split or another number of processes.

    Args:
        task: The training as it would go on.
        record: The run.json of the run to go on with.
        root: Its folder.

    Raises:
        DatalistError: Something is not as it was.
    """
    check_data(task, record, root)
    split = {key: value for key, value in record["split"].items() if key != CHOSE}  # no one's part in the training
    if record["ranks"] != task.world.size or split != task.split.as_dict():
        raise DatalistError(
            f"Run '{root}' began with {record['ranks']} process(es) and a split that {task.world.size} process(es) "
            "and the data of now do not give again. Go on as it began, or start a new run."
        )

"""Tables by group: by the size of the structure always, and by any column of a table that is given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from medseg.metrics.evaluation import Evaluation
from medseg.metrics.strata import Groups, read_strata, size_terciles, stratify
from medseg.runs.evaluation_facts import StratumTable

SHOWN = ("dice", "hd95_mm")  # of each group; per_study.csv has the rest
SIZE = "size"


def strata_of(evaluation: Evaluation, table: Path | None) -> tuple[tuple[StratumTable, ...], tuple[str, ...]]:
    """Tables by group, and a sentence for each column that makes no groups.

    Args:
        evaluation: The scores.
        table: CSV file with a column of study ids; None where there is none.

    Raises:
        FileError: The table cannot be read.
        DatalistError: It has no column of study ids, or a study has no row.
    """
    tables = [one for name in evaluation.names for one in _tables(evaluation, name, SIZE, _sizes(evaluation, name))]
    if table is None:
        return tuple(tables), ()
    given = read_strata(table, [one.study for one in evaluation.studies])
    for column, groups in given.columns.items():
        tables += [one for name in evaluation.names for one in _tables(evaluation, name, column, groups)]
    notes = tuple(
        f"Column '{column}' of '{table}' has too many different values for groups and is left out."
        for column in given.skipped
    )
    return tuple(tables), notes


def _sizes(evaluation: Evaluation, name: str) -> Groups:
    return size_terciles(evaluation.values(name, "reference_ml"))


def _tables(evaluation: Evaluation, name: str, column: str, groups: Groups) -> Iterator[StratumTable]:
    if len(set(groups.values())) < 2:  # one group is the whole, which the main table shows
        return
    failed = {one.study for one in evaluation.failed}
    for metric in SHOWN:
        values = evaluation.values(name, metric)
        found = stratify(values, groups, seed=evaluation.seed, patients=evaluation.patients, failed=failed)
        yield StratumTable(column, name, metric, found)

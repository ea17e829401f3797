"""Scores by group: small, medium and large structures, or whatever a table says of the studies."""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medseg.core.errors import DatalistError, FileError, raise_faults
from medseg.metrics.summary import Summary, summarise

STUDY_COLUMNS = ("study", "study_id", "id")  # any one of these names the column of study ids
MAX_GROUPS = 12  # more columns of a table no one compares; a date or a name has one value a study
NOT_GIVEN = "not given"
ABSENT = "absent"
_SIZES = ("small", "medium", "large")
_LEVELS = ("low", "middle", "high")
_ORDER = {name: place for names in (_SIZES, _LEVELS) for place, name in enumerate(names)}
_MIN_SIZED = 3  # fewer structures make no three groups
_SEPARATORS = (",", ";", "\t")  # spreadsheets write ; where the decimal sign is a comma

Groups = Mapping[str, str]  # study to the name of its group
_Row = tuple[int, list[str]]  # line of the file, cells


@dataclass(frozen=True)
class Strata:
    """What a table says of the studies.

    Attributes:
        columns: Column to the group of each evaluated study.
        skipped: Columns with more than ``MAX_GROUPS`` different values: no groups.
    """

    columns: Mapping[str, Groups]
    skipped: tuple[str, ...]


def read_strata(path: Path, studies: Sequence[str]) -> Strata:
    """Read a CSV file with a column of study ids and any number of others.

    Rows of studies that are not evaluated are passed over. An empty cell is the group "not given". A column
    of numbers with more than ``MAX_GROUPS`` different values, an age for instance, is cut into thirds.

    Args:
        path: UTF-8, separated by comma, semicolon or tab.
        studies: Ids of the evaluated studies.

    Raises:
        FileError: The file cannot be read.
        DatalistError: There is no column of study ids or another fault; all are listed.
    """
    header, rows = _table(path)
    title = f"Strata '{path}': {len(rows)} rows"
    key = _study_column(header, title)
    raise_faults(title, _faults(header, rows, key, studies), DatalistError)
    by_study = {row[key]: row for _, row in rows}
    columns: dict[str, Groups] = {}
    skipped = []
    for place in (place for place in range(len(header)) if place != key):
        groups = _groups({study: by_study[study][place] for study in studies})
        if groups is None:
            skipped.append(header[place])
        else:
            columns[header[place]] = groups
    return Strata(columns, tuple(skipped))


def size_terciles(volumes_ml: Mapping[str, float]) -> dict[str, str]:
    """Group the studies by the size of a structure in the reference: three groups, as even as ties allow.

    Args:
        volumes_ml: Study to volume. Where it is 0 the group is "absent"; nan belongs to no group.

    Returns:
        Study to group. With fewer than three different sizes all are "any size".
    """
    sized = {study: ml for study, ml in volumes_ml.items() if ml > 0.0}
    absent = {study: ABSENT for study, ml in volumes_ml.items() if ml == 0.0}
    return _thirds(sized, _SIZES, "any size", " ml") | absent


def stratify(
    values: Mapping[str, float],
    groups: Groups,
    *,
    seed: int,
    patients: Mapping[str, str] | None = None,
    failed: Collection[str] = (),
) -> dict[str, Summary]:
    """Summarise a score group by group.

    Args:
        values: Study to score; nan where not scored.
        groups: Study to group; a study that is in none is left out.
        seed: Of the bootstrap.
        patients: Study to patient; None where each study is another patient.
        failed: Studies without a usable prediction.

    Returns:
        Group to summary: small before large, then by name, "absent" and "not given" last.
    """
    members: dict[str, list[str]] = {}
    for study in values:
        if study in groups:
            members.setdefault(groups[study], []).append(study)
    return {
        group: summarise(
            [values[study] for study in members[group]],
            seed=seed,
            patients=None if patients is None else [patients.get(study, study) for study in members[group]],
            failed=sum(study in failed for study in members[group]),
        )
        for group in sorted(members, key=_place)
    }


def _table(path: Path) -> tuple[list[str], list[_Row]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise FileError(f"Cannot read '{path}': {error.strerror or error}.") from None
    except UnicodeDecodeError:
        raise FileError(f"'{path}' is not UTF-8 text. Save it as CSV UTF-8.") from None
    filled = [(line, row) for line, row in _rows(text, path) if any(row)]
    if not filled:
        raise FileError(f"'{path}' is empty; give a header row and one row a study.")
    return filled[0][1], filled[1:]


def _rows(text: str, path: Path) -> Iterator[_Row]:
    first = text.lstrip().partition("\n")[0]
    cells = csv.reader(io.StringIO(text, newline=""), delimiter=max(_SEPARATORS, key=first.count))
    try:
        for row in cells:
            yield cells.line_num, [cell.strip() for cell in row]
    except csv.Error as error:
        raise FileError(
            f"'{path}' is no CSV table: line {cells.line_num}: {error}. "
            "Look for a quotation mark that is opened and not closed, and save the table again."
        ) from None


def _study_column(header: Sequence[str], title: str) -> int:
    keys = [place for place, name in enumerate(header) if name.casefold() in STUDY_COLUMNS]
    if len(keys) != 1:
        names, found = ", ".join(f"'{name}'" for name in header), len(keys) or "none"
        fault = f"one column must be called {' or '.join(STUDY_COLUMNS)}; {found} of {names} is"
        raise_faults(title, [fault], DatalistError)
    return keys[0]


def _faults(header: Sequence[str], rows: Sequence[_Row], key: int, studies: Sequence[str]) -> list[str]:
    faults = [f"column '{name}' is there {count} times" for name, count in Counter(header).items() if count > 1]
    for line, row in rows:
        if len(row) != len(header):
            faults.append(f"line {line} has {len(row)} cells, the header {len(header)}")
        elif not row[key]:
            faults.append(f"line {line} has no study id")
    ids = Counter(row[key] for _, row in rows if len(row) > key and row[key])
    faults += [f"study '{study}' has {count} rows; keep one" for study, count in ids.items() if count > 1]
    return faults + [f"study '{study}' is evaluated and has no row" for study in studies if study not in ids]


def _groups(cells: Mapping[str, str]) -> Groups | None:
    given = {study: cell for study, cell in cells.items() if cell}
    missing = {study: NOT_GIVEN for study, cell in cells.items() if not cell}
    if len(set(given.values())) <= MAX_GROUPS:
        return given | missing
    numbers = {study: _number(cell) for study, cell in given.items()}
    if any(math.isnan(number) for number in numbers.values()):
        return None
    return _thirds(numbers, _LEVELS, "any value", "") | missing


def _thirds(numbers: Mapping[str, float], names: tuple[str, str, str], undivided: str, unit: str) -> dict[str, str]:
    if len(set(numbers.values())) < _MIN_SIZED:
        return dict.fromkeys(numbers, undivided)
    low, high = np.quantile(list(numbers.values()), [1 / 3, 2 / 3])
    lower, upper = _told_apart(float(low), float(high))
    said = (f"up to {lower}", f"up to {upper}", f"above {upper}")
    titles = [f"{name} ({limit}{unit})" for name, limit in zip(names, said, strict=True)]
    return {study: titles[int(number > low) + int(number > high)] for study, number in numbers.items()}


def _told_apart(low: float, high: float) -> tuple[str, str]:
    """Both limits with three digits, or as many as it takes to see that they differ."""
    digits = next((count for count in range(3, 17) if f"{low:.{count}g}" != f"{high:.{count}g}" or low == high), 17)
    return f"{low:.{digits}g}", f"{high:.{digits}g}"


def _number(cell: str) -> float:
    try:
        number = float(cell.replace(",", "."))
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan


def _place(group: str) -> tuple[float, float, str]:
    """Sorts thirds by size, then what begins with a number by it, then by name."""
    if group in (ABSENT, NOT_GIVEN):
        return 9, 0.0, group
    word, _, limit = group.partition(" (")
    if limit and word in _ORDER:
        return _ORDER[word], 0.0, group
    number = re.match(r"\d+", group)
    return (3, float(number[0]), group) if number else (4, 0.0, group)

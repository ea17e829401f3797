from types import SimpleNamespace
from typing import Any

import pytest

from medseg.core.command import part_of
from medseg.core.errors import UsageError
from medseg.steps.jobs import Outcome, Worklist
from medseg.steps.sharing import ALL, Sharing

JOBS: Any = tuple(SimpleNamespace(id=f"s{n}") for n in (4, 0, 3, 1, 6))
LIST = Worklist(JOBS, tuple(Outcome(f"s{n}", None, "bad", 0.0, {}) for n in (5, 2)), ("Name",))


def ids(worklist: Worklist) -> set[str]:
    return {job.id for job in worklist.jobs} | {one.study for one in worklist.outcomes}


@pytest.mark.parametrize("parts", [1, 2, 3, 7, 9])
def test_the_parts_are_the_whole_and_no_study_is_in_two(parts: int) -> None:
    found = [Sharing((n + 1, parts)).of(LIST) for n in range(parts)]
    assert sum(len(ids(one)) for one in found) == 7
    assert set.union(*map(ids, found)) == ids(LIST)
    assert max(len(ids(one)) for one in found) - min(len(ids(one)) for one in found) <= 1
    assert all(one.identity == ("Name",) for one in found)


def test_the_whole_keeps_its_order() -> None:
    assert ALL.of(LIST) == LIST


def test_parts_have_records_of_their_own() -> None:
    assert (ALL.record, ALL.journal) == ("run.json", "studies.jsonl")
    assert (Sharing((2, 4)).record, Sharing((2, 4)).journal) == ("run-2-of-4.json", "studies-2-of-4.jsonl")


def test_a_part_is_read_from_its_text() -> None:
    assert part_of("2/4") == (2, 4)


@pytest.mark.parametrize("text", ["0/4", "5/4", "2", "a/b", "-1/3", "1/0", "2/4/8", ""])
def test_what_is_no_part_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="give K/N with K from 1 to N"):
        part_of(text)

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from medseg.core.errors import OutputError
from medseg.steps.cohort_flow import outcomes_of
from medseg.steps.jobs import Outcome


class Recorder:
    """Three steps that note when and in which thread they begin."""

    def __init__(self, *, broken: dict[str, str] | None = None, full_at: str = "") -> None:
        self.broken, self.full_at = broken or {}, full_at
        self.begun: list[tuple[str, str]] = []
        self.threads: dict[str, set[int]] = {"read": set(), "look": set(), "write": set()}

    def _step(self, name: str, given: Any) -> Any:
        if isinstance(given, Outcome):
            return given
        self.begun.append((name, given.id))
        self.threads[name].add(threading.get_ident())
        if self.broken.get(given.id) == name:
            return Outcome(given.id, None, f"broken in {name}", 0.0, {})
        return given

    def read(self, job: Any) -> Any:
        return self._step("read", job)

    def look(self, reading: Any) -> Any:
        return self._step("look", reading)

    def write(self, look: Any) -> Outcome:
        done = self._step("write", look)
        if isinstance(done, Outcome):
            return done
        if done.id == self.full_at:
            raise OutputError("no space left")
        return Outcome(done.id, f"{done.id}.nii.gz", None, 0.0, {})

    def outcome(self, job: Any) -> Outcome:
        return self.write(self.look(self.read(job)))


def jobs(count: int) -> Any:
    return [SimpleNamespace(id=f"s{n}") for n in range(count)]


@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_every_study_has_its_outcome_in_order(beside: bool, count: int) -> None:
    steps: Any = Recorder(broken={"s1": "read", "s3": "look"})
    found = list(outcomes_of(jobs(count), steps, beside=beside))
    assert [one.study for one in found] == [f"s{n}" for n in range(count)]
    reasons = [one.reason for one in found]
    assert reasons == [{1: "broken in read", 3: "broken in look"}.get(n) for n in range(count)]


def test_each_step_has_a_thread_of_its_own() -> None:
    steps: Any = Recorder()
    list(outcomes_of(jobs(4), steps, beside=True))
    assert all(len(threads) == 1 for threads in steps.threads.values())
    assert len(set.union(*steps.threads.values())) == 3
    assert steps.threads["look"] == {threading.get_ident()}  # the networks stay where signals are heard


def test_the_next_is_read_while_one_is_seen_and_no_further() -> None:
    steps: Any = Recorder()
    running = outcomes_of(jobs(9), steps, beside=True)
    for n in range(3):
        assert next(running).study == f"s{n}"
    assert {study for name, study in steps.begun if name == "read"} <= {f"s{n}" for n in range(6)}
    running.close()


@pytest.mark.parametrize("beside", [False, True])
def test_a_full_disk_ends_it(beside: bool) -> None:
    steps: Any = Recorder(full_at="s1")
    found = []
    with pytest.raises(OutputError, match="no space left"):
        found.extend(outcomes_of(jobs(6), steps, beside=beside))
    assert ("write", "s4") not in steps.begun


def test_a_study_is_read_and_another_written_while_one_is_seen() -> None:
    reading, writing = threading.Event(), threading.Event()

    class Meeting(Recorder):
        """The middle study is seen only once the next is being read and the one before written."""

        def read(self, job: Any) -> Any:
            if job.id == "s2":
                reading.set()
            return super().read(job)

        def look(self, given: Any) -> Any:
            if given.id == "s1":
                assert reading.wait(10)
                assert writing.wait(10)
            return super().look(given)

        def write(self, look: Any) -> Outcome:
            if look.id == "s0":
                writing.set()
            return super().write(look)

    steps: Any = Meeting()
    assert len(list(outcomes_of(jobs(3), steps, beside=True))) == 3

import threading
import weakref
from pathlib import Path

import numpy as np
import pytest

from medseg.core.errors import FileError
from medseg.core.volume import Volume
from medseg.steps import read_ahead
from medseg.steps.job_grid import Grid
from medseg.steps.jobs import Job, Scan, Worklist
from medseg.steps.read_ahead import wait_for_first

SHAPE = (2, 2, 2)


def ahead(worklist: Worklist, shape: tuple[int, ...] | None = SHAPE) -> Worklist:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(read_ahead, "grid_of", lambda _: None if shape is None else Grid(shape, np.eye(4)))
        return read_ahead.with_first_read_ahead(worklist, 1)


def job(name: str, read: object) -> Job:
    return Job(name, (Path(name),), {}, read, lambda *_: None)


def a_scan() -> Scan:
    return Scan(Volume(np.zeros((1, 2, 2, 2), np.float32), np.eye(4)), ())


def test_the_first_study_alone_is_read_before_it_is_asked_for_and_once() -> None:
    begun, calls = threading.Event(), []

    def read(name: str) -> Scan:
        calls.append(name)
        begun.set()
        return a_scan()

    jobs = ahead(Worklist((job("a", lambda: read("a")), job("b", lambda: read("b"))))).jobs
    assert begun.wait(10)
    assert jobs[0].read().volume.shape == (2, 2, 2)
    assert calls == ["a"]
    jobs[1].read()
    jobs[0].read()
    assert calls == ["a", "b", "a"]


def test_what_was_read_is_let_go() -> None:
    (first,) = ahead(Worklist((job("a", a_scan),))).jobs
    scan = first.read()
    gone = weakref.ref(scan.volume)
    del scan
    assert gone() is None


def test_what_fails_fails_where_it_is_read() -> None:
    def read() -> Scan:
        raise FileError("truncated")

    (first,) = ahead(Worklist((job("a", read),))).jobs
    with pytest.raises(FileError, match="truncated"):
        first.read()


def test_of_no_study_nothing_is_read() -> None:
    assert ahead(Worklist()) == Worklist()


@pytest.mark.parametrize("shape", [None, (4000, 4000, 4000)])
def test_what_is_large_or_unknown_is_not_read_ahead(shape: tuple[int, ...] | None) -> None:
    worklist = Worklist((job("a", a_scan),))
    assert ahead(worklist, shape) is worklist
    assert wait_for_first(worklist) is None


def test_its_shape_is_known_once_it_was_read() -> None:
    assert wait_for_first(ahead(Worklist((job("a", a_scan),)))) == SHAPE
    assert wait_for_first(Worklist()) is None


def test_what_could_not_be_read_has_no_shape_and_fails_where_it_is_read() -> None:
    def read() -> Scan:
        raise FileError("truncated")

    worklist = ahead(Worklist((job("a", read),)))
    assert wait_for_first(worklist) is None
    with pytest.raises(FileError, match="truncated"):
        worklist.jobs[0].read()

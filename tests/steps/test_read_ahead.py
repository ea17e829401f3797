import threading
import weakref
from pathlib import Path

import numpy as np
import pytest

from medseg.core.errors import FileError
from medseg.core.volume import Volume
from medseg.steps.jobs import Job, Scan, Worklist
from medseg.steps.read_ahead import with_first_read_ahead


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

    jobs = with_first_read_ahead(Worklist((job("a", lambda: read("a")), job("b", lambda: read("b"))))).jobs
    assert begun.wait(10)
    assert jobs[0].read().volume.shape == (2, 2, 2)
    assert calls == ["a"]
    jobs[1].read()
    jobs[0].read()
    assert calls == ["a", "b", "a"]


def test_what_was_read_is_let_go() -> None:
    (first,) = with_first_read_ahead(Worklist((job("a", a_scan),))).jobs
    scan = first.read()
    gone = weakref.ref(scan.volume)
    del scan
    assert gone() is None


def test_what_fails_fails_where_it_is_read() -> None:
    def read() -> Scan:
        raise FileError("truncated")

    (first,) = with_first_read_ahead(Worklist((job("a", read),))).jobs
    with pytest.raises(FileError, match="truncated"):
        first.read()


def test_of_no_study_nothing_is_read() -> None:
    assert with_first_read_ahead(Worklist()) == Worklist()

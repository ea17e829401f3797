"""Studies are prepared as a training needs them, and how long that takes is told without idle threads."""

import threading
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from medseg.steps import prepare
from medseg.steps.prepare import prepare_timed, size_gib
from medseg.transforms.prepared import Prepared


def prepared_of(name: str) -> Prepared:
    image, label = np.zeros((2, 8, 8, 8), np.float32), np.zeros((8, 8, 8), np.uint8)
    return Prepared(name, image, label, {}, (1.0, 1.0, 1.0))


@pytest.mark.parametrize(("at_once", "seconds"), [(1, 13.0), (2, 6.5), (8, 3.25)])
def test_a_large_study_among_small_ones_does_not_make_all_of_them_long(
    monkeypatch: pytest.MonkeyPatch, at_once: int, seconds: float
) -> None:
    clock = threading.local()

    def fake(study: Any, *_: object) -> Prepared:
        clock.now_s = clock.now_s + study.takes_s
        return prepared_of(study.id)

    def monotonic() -> float:
        clock.now_s = getattr(clock, "now_s", 0.0)
        return float(clock.now_s)

    monkeypatch.setattr(prepare, "prepare_study", fake)
    monkeypatch.setattr(prepare, "time", SimpleNamespace(monotonic=monotonic))
    monkeypatch.setattr(prepare, "studies_at_once", lambda: at_once)
    lengths: Mapping[str, float] = {"a": 10.0, "b": 1.0, "c": 1.0, "d": 1.0}
    studies: Any = [SimpleNamespace(id=name, takes_s=takes_s) for name, takes_s in lengths.items()]
    done, told_s = prepare_timed(studies, None, {})  # type: ignore[arg-type]
    assert [one.id for one in done] == list(lengths)
    assert told_s == pytest.approx(seconds)


def test_the_size_of_prepared_studies_is_that_of_their_voxels() -> None:
    assert size_gib([prepared_of("a"), prepared_of("b")]) == 2 * 512 * (2 * 4 + 1) / 2**30
    assert size_gib([]) == 0

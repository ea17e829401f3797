"""Pauses grow, end at a quarter of an hour, and start anew after success."""

from medseg.runs.pauses import Pauses


def test_pauses_double_up_to_sixteen_minutes() -> None:
    now = 0.0
    pauses = Pauses(lambda: now)
    waited = []
    for _ in range(7):
        assert pauses.due
        pauses.failed()
        start = now
        while not pauses.due:
            now += 60.0
        waited.append((now - start) / 60.0)
    assert waited == [1, 2, 4, 8, 16, 16, 16]


def test_success_forgets_the_pauses() -> None:
    now = 0.0
    pauses = Pauses(lambda: now)
    pauses.failed()
    now = 60.0
    pauses.failed()
    pauses.succeeded()
    assert pauses.due
    pauses.failed()
    now += 60.0
    assert pauses.due

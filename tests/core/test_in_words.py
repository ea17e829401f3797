import pytest

from medseg.core.in_words import counted, gigabytes, size, times


@pytest.mark.parametrize(
    ("gib", "text"),
    [(128.0, "128"), (100.04, "100"), (24.5, "24.5"), (8.41, "8.4"), (8.0, "8"), (300 / 1024, "0.29"), (0.5, "0.5")],
)
def test_memory_is_said_in_digits_alone(gib: float, text: str) -> None:
    assert gigabytes(gib) == text


def test_sides_are_joined() -> None:
    assert times((40, 56, 40)) == "40 x 56 x 40"


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (0, "patient", "0 patients"),
        (1, "patient", "1 patient"),
        (2, "patient", "2 patients"),
        (1, "study", "1 study"),
        (2, "study", "2 studies"),
        (2, "day", "2 days"),
    ],
)
def test_one_is_no_plural(number: int, noun: str, text: str) -> None:
    assert counted(number, noun) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 KiB"), (12 * 2**10, "12 KiB"), (5 * 2**20, "5 MiB"), (5.9 * 2**30, "5.9 GiB")]
)
def test_a_number_of_bytes_has_a_unit(count: float, text: str) -> None:
    assert size(count) == text

"""Keys, values and reasons as MLflow and people take them."""

import pytest

from medseg.runs.tracking_text import as_key, as_reason, as_value


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("optimizer.lr", "optimizer.lr"),
        ("dice/WT", "dice/WT"),
        ("dice core (necrotic)", "dice core _necrotic_"),
        ("a=b\n", "a_b_"),
        ("/a", "_a"),
        ("a//b", "a__b"),
        ("../x", "_.._x"),
        ("..", "_.."),
        ("", "_"),
        ("x" * 300, "x" * 250),
    ],
)
def test_every_name_becomes_a_key_that_mlflow_takes(name: str, key: str) -> None:
    from mlflow.utils.validation import path_not_unique, validate_param_and_metric_name

    assert as_key(name) == key
    assert validate_param_and_metric_name(key)
    assert not path_not_unique(key)


def test_long_values_are_cut() -> None:
    assert len(as_value("v" * 9000)) == 5000
    assert as_value("v" * 5000) == "v" * 5000


def test_values_read_as_they_are_written_in_yaml() -> None:
    assert [as_value(value) for value in (1e-3, (1, 2), "adamw")] == ["0.001", "[1, 2]", "adamw"]


def test_a_reason_is_short_and_holds_no_password() -> None:
    long = "Max retries exceeded: http://u:p@host/ " + "x" * 500
    assert as_reason(OSError(long)).startswith("Max retries exceeded: http://host/ xxx")
    assert len(as_reason(OSError(long))) == 200
    assert as_reason(OSError("[Errno 111] Connection refused by http://u:p@host")) == "connection refused"
    assert as_reason(TimeoutError()) == "TimeoutError"

from pathlib import Path

import pytest

from medseg.bundle.json_file import parse_json, read_json
from medseg.core.errors import ConfigError


def test_plain_values_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"ä": [1, 2.5, null, true, {"b": "c"}]}', encoding="utf-8")
    assert read_json(tmp_path / "a.json") == {"ä": [1, 2.5, None, True, {"b": "c"}]}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "line 1: Expecting value"),
        ('{"a": 1,\n}', "line 2: "),
        ("[1]", "holds list, not keys and values"),
        ("null", "holds NoneType"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "key 'c' is given twice"),
        ('{"a": NaN}', "NaN is no number of JSON"),
        ('{"a": -Infinity}', "-Infinity is no number of JSON"),
        ('{"a": ' + "9" * 100_000 + "}", "digits"),
        ('{"a": ' + "[" * 100_000, "cannot be read as JSON text"),
        ('{"a": ' * 100_000, "cannot be read as JSON text"),
    ],
)
def test_what_is_no_plain_json_is_refused_in_one_line(text: str, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_json(text, "metadata.json")
    assert str(caught.value).startswith("metadata.json: ")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_key_twice_among_many_is_found_at_once() -> None:
    text = ", ".join(f'"{n}": 0' for n in [*range(200_000), 199_999])
    with pytest.raises(ConfigError, match="key '199999' is given twice"):
        parse_json(f"{{{text}}}", "a.json")


def test_a_file_that_is_absent_or_no_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"a\.json: cannot be read as JSON text \(No such file"):
        read_json(tmp_path / "a.json")
    (tmp_path / "a.json").write_bytes(b'{"a": "\xff"}')
    with pytest.raises(ConfigError, match=r"a\.json: cannot be read as JSON text \(not UTF-8"):
        read_json(tmp_path / "a.json")

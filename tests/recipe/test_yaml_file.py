from pathlib import Path
from typing import Any

import pytest

from medseg.core.errors import ConfigError
from medseg.recipe.yaml_file import NUMBER_AS_TEXT, parse_scalar, parse_yaml, read_yaml


def test_a_mapping_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1\nb: {c: [2, ö]}\n", encoding="utf-8")
    assert read_yaml(tmp_path / "a.yaml") == {"a": 1, "b": {"c": [2, "ö"]}}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a: 1\nb: 2\na: 3\n", r"line 3: key 'a' is given twice"),
        (b"x: {a: 1, a: 2}\n", r"line 1: key 'a' is given twice"),
        (b"a: [1, 2\nb: 3\n", r"line 2"),
        (b"a: !!python/object/apply:os.system [id]\n", r"line 1: could not determine a constructor"),
        (b"- 1\n- 2\n", r"holds list, not keys and values"),
        (b"", r"holds NoneType, not keys and values"),
        (b"\xff\xfe\x00a", r"not UTF-8 text"),
        (b"a: \x00\n", r"not YAML"),
        (b"[" * 5000, r"not YAML"),
    ],
)
def test_what_is_no_recipe_is_refused_with_file_and_line(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_bytes(content)
    with pytest.raises(ConfigError, match=words) as caught:
        read_yaml(tmp_path / "bad.yaml")
    assert "bad.yaml" in str(caught.value)


def test_an_absent_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"Cannot read '.*absent\.yaml': No such file"):
        read_yaml(tmp_path / "absent.yaml")
    with pytest.raises(ConfigError, match="Is a directory"):
        read_yaml(tmp_path)


def test_merge_keys_are_read_as_yaml_says() -> None:
    assert parse_yaml("a: &a {x: 1}\nb: {<<: *a, y: 2}\n", "t")["b"] == {"x": 1, "y": 2}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("5E2", 500.0),
        ("0.5", 0.5),
        ("3", 3),
        ("no", "no"),
        ("On", "On"),
        ("true", True),
        ("null", None),
        ("[1, 2]", [1, 2]),
        ("adamw", "adamw"),
        ("[1, 2", "[1, 2"),
        ("", None),
    ],
)
def test_a_typed_value_is_read_as_one_expects(text: str, value: Any) -> None:
    assert parse_scalar(text) == value
    assert type(parse_scalar(text)) is type(value)


@pytest.mark.parametrize(("text", "is_number"), [("1e-3", True), (".5e3", True), ("1.e+2", True), ("e3", False)])
def test_numbers_that_yaml_takes_for_text_are_known(text: str, is_number: bool) -> None:
    assert bool(NUMBER_AS_TEXT.fullmatch(text)) is is_number

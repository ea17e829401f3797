import json
from typing import Any

import pytest
import yaml

from medseg.bundle.foreign_config import MOST_DEPTH, MOST_JSON, MOST_VALUES, MOST_YAML, ForeignConfig, config_of, walk

SHAPE = {
    "imports": ["$import glob"],
    "network_def": {"_target_": "UNet", "channels": [16, 32], "dropout": 0.5, "bias": True, "name": None},
    "train": {"lr": 1e-3, "texts": ["@a", "%b#c", "ü"]},
}
LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))
MERGES = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n}\n  <<: [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))


def read(text: str | bytes, name: str = "inference.yaml") -> ForeignConfig:
    return config_of(text if isinstance(text, bytes) else text.encode(), name)


def test_json_and_yaml_give_the_same_plain_values() -> None:
    assert read(json.dumps(SHAPE), "a.json").value == SHAPE
    assert read(yaml.safe_dump(SHAPE)).value == SHAPE


def test_anchors_and_merged_mappings_are_read_as_yaml_reads_them() -> None:
    text = "a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc: {<<: [*a, *b], x: 9}\nd: *a\n"
    found = read(text)
    assert found.value == yaml.safe_load(text)
    assert found.faults == ()


@pytest.mark.parametrize(
    ("text", "name", "fault"),
    [
        (LAUGHS, "a.yaml", f"unfolds to more than {MOST_VALUES} values"),
        (MERGES, "a.yaml", f"unfolds to more than {MOST_VALUES} values"),
        ("a: &a\n  b: *a\n", "a.yaml", f"is nested deeper than {MOST_DEPTH} levels, or a value in it holds itself"),
        ("a: &a [*a, *a]\n", "a.yaml", f"is nested deeper than {MOST_DEPTH} levels, or a value in it holds itself"),
        ("[" * 100_000, "a.yaml", f"is nested deeper than {MOST_DEPTH} levels"),
        ("- " * 50_000, "a.yaml", f"is nested deeper than {MOST_DEPTH} levels"),
        ("\n".join(" " * n + "a:" for n in range(600)), "a.yaml", f"is nested deeper than {MOST_DEPTH} levels"),
        ("[" * 1_000_000, "a.json", f"is nested deeper than {MOST_DEPTH} levels"),
        ("[" * 90 + "]" * 90, "a.json", f"is nested deeper than {MOST_DEPTH} levels"),
        ("[" + "1," * 300_000 + "1]", "a.json", f"unfolds to more than {MOST_VALUES} values"),
        (" " * (MOST_JSON + 1), "a.json", "has more than 4096 KiB, which is no configuration"),
        (" " * (MOST_YAML + 1), "a.yaml", "has more than 256 KiB, which is no configuration"),
        ('{"a": }', "a.json", "line 1: Expecting value"),
        ("a: [1\nb: 2", "a.yaml", "line 2: expected ',' or ']', but got ':'"),
        ("a: 1\n---\nb: 2\n", "a.yaml", "line 2: but found another document"),
        ("a: \x00", "a.yaml", "cannot be read"),
    ],
)
def test_what_cannot_be_read_has_its_reason_and_stays_text(text: str, name: str, fault: str) -> None:
    found = read(text, name)
    assert found.value is None
    assert found.text == text
    assert found.faults[0].startswith(fault)


@pytest.mark.parametrize(
    ("line", "value", "fault"),
    [
        ("a: " + "9" * 5000, "9" * 5000, "line 1: holds a number of 5000 digits"),
        ("a: 2001-99-99", "2001-99-99", "line 1: '2001-99-99' is no value of its kind"),
        ("a: !!int abc", "abc", "line 1: 'abc' is no value of its kind"),
        ("a: !!python/name:os.system x", "x", "line 1: asks for tag:yaml.org,2002:python/name:os.system"),
        ("a: !!binary '*'", "*", "line 1: asks for tag:yaml.org,2002:binary"),
    ],
)
def test_a_value_that_ends_other_readers_is_text_and_a_fault(line: str, value: str, fault: str) -> None:
    found = read(line)
    assert found.value == {"a": value}
    assert found.faults[0].startswith(fault)


def test_a_number_of_too_many_digits_is_text_in_json_too() -> None:
    found = read('{"a": ' + "9" * 5000 + "}", "a.json")
    assert found.value == {"a": "9" * 5000}
    assert found.faults == ("holds a number of 5000 digits",)


@pytest.mark.parametrize(
    ("text", "name"), [('{"a": "$first", "a": "last"}', "a.json"), ("a: $first\na: last\n", "a.yaml")]
)
def test_a_key_given_twice_is_told_and_both_values_are_kept(text: str, name: str) -> None:
    found = read(text, name)
    assert found.value == {"a": "last"}
    assert found.again == (("a", "$first"),)
    assert found.faults == ("key 'a' is given twice; the last one counts",)


def test_what_is_no_utf8_is_told_and_read() -> None:
    found = read(b"a: \xff$x\n")
    assert found.value == {"a": "\ufffd$x"}
    assert found.faults == ("is not UTF-8 text",)


def test_an_empty_file_has_no_value_and_no_fault() -> None:
    assert read("") == ForeignConfig("inference.yaml", values=1)


def test_keys_of_any_kind_are_kept() -> None:
    assert read("1: a\n[x, y]: b\nnull: c\n").value == {1: "a", "['x', 'y']": "b", None: "c"}


def test_values_are_walked_in_the_order_of_the_file_with_their_paths() -> None:
    value: Any = {"a": [1, {"b": 2}], "c": 3}
    assert [(".".join(path), one) for path, one in walk(value) if not isinstance(one, dict | list)] == [
        ("a.0", 1),
        ("a.1.b", 2),
        ("c", 3),
    ]

import json

import pytest

from medseg.bundle.foreign_config import ForeignConfig, config_of
from medseg.bundle.runnable import COPY, EXPRESSION, TARGET, Runnable, logging_runnables, runnables_of

CONFIG = {
    "imports": ["$import os"],
    "network_def": {"_target_": "UNet", "norm": "$'batch'", "cost": "5 $"},
    "train": {"dataset": {"_target_": "$@cls", "transform": "%valid#transform"}},
    "texts": ["@network_def", " $not_first", "100%"],
}


def told(found: list[Runnable]) -> list[tuple[str, str, str]]:
    return [(one.kind, one.path, one.text) for one in found]


def test_classes_expressions_and_copies_are_told_with_their_places() -> None:
    found = runnables_of(config_of(json.dumps(CONFIG).encode(), "configs/train.json"))
    assert told(found) == [
        (EXPRESSION, "imports.0", "$import os"),
        (TARGET, "network_def._target_", "UNet"),
        (EXPRESSION, "network_def.norm", "$'batch'"),
        (TARGET, "train.dataset._target_", "$@cls"),
        (EXPRESSION, "train.dataset._target_", "$@cls"),
        (COPY, "train.dataset.transform", "%valid#transform"),
    ]
    assert {one.file for one in found} == {"configs/train.json"}


def test_a_target_that_is_no_text_is_told() -> None:
    found = runnables_of(ForeignConfig("a.yaml", {"a": {"_target_": ["os", "system"]}}))
    assert told(found) == [(TARGET, "a._target_", "['os', 'system']")]


def test_what_the_last_of_two_equal_keys_replaces_is_told() -> None:
    found = runnables_of(config_of(b'{"run": ["$evil()"], "run": "fine"}', "a.json"))
    assert told(found) == [(EXPRESSION, "run (replaced).0", "$evil()")]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"a": "$os.system(\\"x\\")", "b": "$y"', ['$os.system(\\"x\\")', "$y"]),
        ("a: $os.system('x')", ["$os.system('x')"]),
        ("- '$a', '$b'", ["$a", "$b"]),
        ("a: {_target_: os.system, b: 1}", ["os.system"]),
        ('"_target_": "os.system",', ["os.system"]),
        ("a: costs 5$ and no more", []),
    ],
)
def test_a_text_that_is_no_configuration_is_searched(line: str, expected: list[str]) -> None:
    found = runnables_of(ForeignConfig("a.yaml", faults=("is no YAML",), text=f"\n{line}\n"))
    assert [one.text for one in found] == expected
    assert {one.path for one in found} <= {"line 2"}


def test_a_text_full_of_findings_ends_with_a_word_on_the_rest() -> None:
    found = runnables_of(ForeignConfig("a.json", faults=("too large",), text='"$x"' * 10_000))
    assert len(found) == 2001
    assert found[-1].text == "and more from here on, which is not listed"


def test_what_logging_evaluates_is_told() -> None:
    text = "[handler_a]\nclass=os.system\nlevel=INFO\nargs=(\n  1,)\n[formatter_b]\nformat=%(name)s\nkwargs={}\n"
    assert told(logging_runnables(text, "configs/logging.conf")) == [
        (EXPRESSION, "handler_a.class", "os.system"),
        (EXPRESSION, "handler_a.args", "(\n1,)"),
        (EXPRESSION, "formatter_b.kwargs", "{}"),
    ]


def test_a_logging_file_that_cannot_be_parsed_is_told_line_by_line() -> None:
    assert told(logging_runnables("class = x\n\nnoise\n", "a.conf")) == [(EXPRESSION, "line 1", "class = x")]

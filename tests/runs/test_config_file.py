"""config.yaml says each value and where it came from, and can be read again."""

import math
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from medseg.core.recipe import Recipe
from medseg.recipe.layers import Resolved, flatten
from medseg.recipe.yaml_file import read_yaml
from medseg.runs.config_file import format_config, format_value, write_config

VALUES: dict[str, Any] = {
    "seed": 0,
    "split.folds": 5,
    "optimizer.name": "adamw",
    "optimizer.lr": 1e-05,
    "optimizer.nested.deep": 3e-8,
    "optimizer.weight_decay": 1e22,
    "engine.channels_last": "yes",
    "engine.ema": 0.0,
    "length.budget_min": None,
    "loss.batch_dice": True,
    "sampling.patch": (96, 96, 64),
    "loss.deep_supervision": (),
    "augmentation.noise.range": (0.0, 1e-06),
}


def test_what_is_written_reads_back_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(format_config(VALUES, dict.fromkeys(VALUES, "bundle")))
    read = flatten(read_yaml(tmp_path / "config.yaml"))
    assert read == {key: list(value) if isinstance(value, tuple) else value for key, value in VALUES.items()}
    assert {key: type(value) for key, value in read.items() if key != "sampling.patch"} == {
        key: list if isinstance(value, tuple) else type(value)
        for key, value in VALUES.items()
        if key != "sampling.patch"
    }


def test_each_value_stands_before_its_origin() -> None:
    text = format_config({"seed": 7, "optimizer.lr": 1e-5}, {"seed": "bundle", "optimizer.lr": "--set"})
    lines = [line.split() for line in text.splitlines()[1:]]
    assert lines == [["seed:", "7", "#", "bundle"], ["optimizer:"], ["lr:", "1.0e-05", "#", "--set"]]


def test_an_origin_with_odd_characters_cannot_break_the_file() -> None:
    text = format_config({"seed": 7}, {"seed": "/data/a\nseed: 8 # x\udcff.yaml"})
    assert yaml.safe_load(text.encode()) == {"seed": 7}


@pytest.mark.parametrize(
    "value", ["no", "null", "1e-3", "a: b", "12", "", "x # y", "~", "[1]", 'say "a"', "ünder", "2026-01-02"]
)
def test_words_that_yaml_reads_otherwise_are_quoted(value: str) -> None:
    assert yaml.safe_load(format_value(value)) == value


@pytest.mark.parametrize("value", [1e-5, 1.5e-7, 1e16, -2e300, 0.1, 5.0, math.inf, -math.inf])
def test_every_float_stays_a_float(value: float) -> None:
    read = yaml.safe_load(format_value(value))
    assert isinstance(read, float)
    assert read == value


def test_a_recipe_is_written_with_its_origins(tmp_path: Path) -> None:
    resolved = Resolved(recipe=cast(Recipe, None), values=VALUES, origins=dict.fromkeys(VALUES, "--config a.yaml"))
    write_config(tmp_path / "run" / "config.yaml", resolved)
    assert (tmp_path / "run" / "config.yaml").read_text() == format_config(VALUES, resolved.origins)

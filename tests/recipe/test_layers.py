from typing import Any

import pytest

from medseg.core.errors import ConfigError, UsageError
from medseg.core.recipe import Recipe
from medseg.recipe.layers import Layer, flatten, leaves, parse_settings, resolve


def resolved(values: dict[str, Any], *more: Layer):
    return resolve([Layer("bundle", values), *more], "Bundle 'tiny'")


def test_a_whole_recipe_becomes_typed_values(values: dict[str, Any]) -> None:
    recipe = resolved(values).recipe
    assert isinstance(recipe, Recipe)
    assert recipe.sampling.patch == (16, 16, 16)
    assert recipe.augmentation.rotation.range == (-15.0, 15.0)
    assert recipe.loss.dice == 1.0
    assert isinstance(recipe.loss.dice, float)
    assert recipe.length.budget_min is None


def test_every_leaf_of_the_schema_is_a_key_of_the_recipe(values: dict[str, Any]) -> None:
    assert set(leaves()) == set(values)
    assert "augmentation.rotation.range" in leaves()


def test_later_layers_win_and_each_value_knows_its_origin(values: dict[str, Any]) -> None:
    one, two = Layer("my.yaml", {"seed": 1, "optimizer.lr": 0.1}), Layer("--set", {"seed": 2})
    result = resolved(values, one, two)
    assert (result.recipe.seed, result.recipe.optimizer.lr) == (2, 0.1)
    assert (result.origins["seed"], result.origins["optimizer.lr"]) == ("--set", "my.yaml")
    assert result.origins["loss.dice"] == "bundle"


def test_values_come_in_the_order_of_the_schema(values: dict[str, Any]) -> None:
    backwards = dict(reversed(values.items()))
    assert list(resolved(backwards).values) == list(leaves())


def test_all_faults_are_told_at_once_with_their_origin(values: dict[str, Any]) -> None:
    del values["seed"]
    with pytest.raises(ConfigError) as caught:
        resolved(values | {"optimizer.lr": "1e-3", "optimzer.lr": 0.1}, Layer("--set", {"engine.accumulate": 0}))
    lines = str(caught.value).splitlines()
    assert lines[0] == "Bundle 'tiny': 4 faults"
    assert "  optimizer.lr (bundle): '1e-3' is text; write 1.0e-3" in lines
    assert "  optimzer.lr (bundle): unknown key; did you mean 'optimizer.lr'?" in lines
    assert "  engine.accumulate (--set): 0 is out of range; it must be at least 1" in lines
    assert "  seed: missing" in lines


def test_an_empty_mapping_in_place_of_values_is_a_fault(values: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"optimizer \(my\.yaml\): unknown key"):
        resolved(values, Layer("my.yaml", flatten({"optimizer": {}})))


def test_nested_mappings_become_dotted_keys() -> None:
    assert flatten({"a": {"b": {"c": 1}, "d": [2]}, "e": None}) == {"a.b.c": 1, "a.d": [2], "e": None}


def test_settings_become_a_layer() -> None:
    layer = parse_settings(["optimizer.lr=1e-3", "sampling.patch=[8, 8, 1]", "length.budget_min = null", "seed=3"])
    assert layer.values == {
        "optimizer.lr": 1e-3,
        "sampling.patch": [8, 8, 1],
        "length.budget_min": None,
        "seed": 3,
    }


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("optimzer.lr", "optimizer.lr"),
        ("lr", "optimizer.lr"),
        ("sampling.pach", "sampling.patch"),
        ("patience", "validation.patience"),
    ],
)
def test_a_misspelt_setting_names_the_nearest_key(key: str, nearest: str) -> None:
    with pytest.raises(UsageError, match=f"{key}: unknown key; did you mean '{nearest}'"):
        parse_settings([f"{key}=1"])


def test_a_key_like_no_other_is_sent_to_the_list() -> None:
    with pytest.raises(UsageError, match="--print-config lists the keys"):
        parse_settings(["zzzzzz=1"])


def test_a_setting_without_a_value_shows_how_to_write_it() -> None:
    with pytest.raises(UsageError, match=r"'optimizer\.lr': write --set key=value"):
        parse_settings(["optimizer.lr"])


def test_all_wrong_settings_are_told_at_once() -> None:
    with pytest.raises(UsageError, match="--set: 2 faults"):
        parse_settings(["seed", "sed=1"])

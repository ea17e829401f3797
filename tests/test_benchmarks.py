"""What benchmarks change of a recipe are values that a recipe takes: hours of training begin with them."""

import importlib
import sys
from pathlib import Path

import pytest

from medseg.bundle.read import read_bundle
from medseg.recipe.layers import Layer, resolve
from medseg.steps.request import TrainRequest, resolve_recipe

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path.append(str(CHECKOUT / "benchmarks"))
CONTENDERS = importlib.import_module("dice_per_minute").CONTENDERS
ROWS = importlib.import_module("recipe_rows").ROWS


@pytest.mark.parametrize("name", CONTENDERS)
def test_every_contender_of_the_curve_has_a_recipe(name: str) -> None:
    one = CONTENDERS[name]
    bundle = read_bundle(CHECKOUT / "bundles" / one.bundle)
    settings = tuple("=".join(item) for item in one.changes.items())
    resolved = resolve_recipe(bundle, TrainRequest(bundle=one.bundle, settings=settings))
    assert {key for key, origin in resolved.origins.items() if origin == "--set"} == set(one.changes)


@pytest.mark.parametrize("name", ROWS)
def test_every_row_of_recipe_effects_has_a_recipe(name: str) -> None:
    values = read_bundle(CHECKOUT / "bundles" / "hippocampus_unet3d").train_values
    assert values is not None
    resolve([Layer("bundle", values), Layer("row", ROWS[name].changes)], name)
    assert ROWS[name].against in {None, *ROWS}

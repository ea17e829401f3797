import dataclasses
import typing

from medseg.core.recipe import Effect, Limits, Recipe


def schemas(schema: type = Recipe) -> list[type]:
    nested = [hint for hint in typing.get_type_hints(schema).values() if dataclasses.is_dataclass(hint)]
    return [schema, *(found for hint in nested for found in schemas(hint))]


def test_no_value_has_a_hidden_default() -> None:
    fields = [field for schema in schemas() for field in dataclasses.fields(schema)]
    assert all(field.default is dataclasses.MISSING for field in fields)
    assert all(field.default_factory is dataclasses.MISSING for field in fields)


def test_a_recipe_cannot_be_changed_once_it_stands() -> None:
    assert all(schema.__dataclass_params__.frozen for schema in schemas())


def test_every_number_but_the_range_of_an_effect_has_limits() -> None:
    free = [
        (schema.__name__, name)
        for schema in {*schemas()}
        for name, hint in typing.get_type_hints(schema, include_extras=True).items()
        if not dataclasses.is_dataclass(hint) and typing.get_origin(hint) is not typing.Annotated and hint is not bool
    ]
    assert free == [(Effect.__name__, "range")]


def test_limits_allow_anything_unless_told() -> None:
    assert (Limits().low, Limits().high, Limits().choices) == (float("-inf"), float("inf"), ())

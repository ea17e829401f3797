"""The search space: what may stand in its file, and every fault named at once."""

from pathlib import Path

import pytest

from medseg.core.errors import ConfigError
from medseg.recipe.space import Choices, Span, parse_space, read_space


def faults(**listed: object) -> str:
    """What is said of one key; "__" stands for the dot."""
    with pytest.raises(ConfigError) as refused:
        parse_space({key.replace("__", "."): value for key, value in listed.items()}, "Space")
    return str(refused.value)


def test_a_file_gives_lists_and_ranges_in_its_order(tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(
        "optimizer.lr: {low: 1.0e-4, high: 1.0e-2, log: true}\n"
        "sampling.patch: {values: [[32, 32, 32], [48, 48, 48]]}\n"
        "sampling.batch: {low: 1, high: 4}\n"
    )
    space = read_space(path)
    assert space.dimensions == {
        "optimizer.lr": Span(1e-4, 1e-2, log=True),
        "sampling.patch": Choices(((32, 32, 32), (48, 48, 48))),
        "sampling.batch": Span(1, 4, whole=True),
    }
    assert list(space.dimensions) == ["optimizer.lr", "sampling.patch", "sampling.batch"]
    assert space.size is None
    assert space.spans == ("optimizer.lr", "sampling.batch")


def test_steps_make_a_range_a_list_that_reaches_its_end() -> None:
    space = parse_space(
        {
            "sampling.foreground": {"low": 0.1, "high": 0.5, "step": 0.1},
            "sampling.batch": {"low": 1, "high": 6, "step": 2},
        },
        "Space",
    )
    assert space.dimensions["sampling.foreground"] == Choices((0.1, 0.2, 0.3, 0.4, 0.5), ordered=True)
    assert space.dimensions["sampling.batch"] == Choices((1, 3, 5), ordered=True)
    assert space.size == 15


def test_the_points_come_with_the_last_key_changing_fastest() -> None:
    space = parse_space({"sampling.batch": {"values": [2, 1]}, "loss.batch_dice": {"values": [False, True]}}, "Space")
    assert [(one["sampling.batch"], one["loss.batch_dice"]) for one in space.points()] == [
        (2, False),
        (2, True),
        (1, False),
        (1, True),
    ]


def test_a_space_knows_its_own_points() -> None:
    space = parse_space({"sampling.batch": {"low": 2, "high": 4}, "optimizer.name": {"values": ["sgd"]}}, "Space")
    assert space.holds({"sampling.batch": 2, "optimizer.name": "sgd"})
    assert not space.holds({"sampling.batch": 5, "optimizer.name": "sgd"})
    assert not space.holds({"sampling.batch": 3, "optimizer.name": "adamw"})
    with pytest.raises(ValueError, match=r"sampling\.batch"):
        next(space.points())


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        ({"optimiser__lr": {"values": [1.0]}}, "optimiser.lr: unknown key; did you mean 'optimizer.lr'?"),
        ({"lr": {"values": [1.0]}}, "did you mean 'optimizer.lr'?"),
        ({"optimizer": {"lr": {"values": [1.0]}}}, "is a section; write dotted keys, for example optimizer.name"),
        ({"optimizer__lr": {"values": ["1e-3"]}}, "'1e-3' is text; write 1.0e-3"),
        ({"optimizer__lr": {"values": [-1.0]}}, "-1 is out of range; it must be above 0"),
        ({"optimizer__lr": {"low": 0.0, "high": 1.0}}, "low: 0 is out of range"),
        ({"optimizer__lr": {"low": 1.0, "high": 0.1}}, "low 1 is not below high 0.1"),
        ({"optimizer__lr": {"low": 0.1}}, "high missing"),
        ({"optimizer__lr": {"low": 0.1, "high": 1.0, "step": 0}}, "step: 0 is not above 0"),
        ({"optimizer__lr": {"low": 0.1, "high": 1.0, "step": 1.0e-6}}, "1000 are the most"),
        ({"optimizer__lr": {"low": 0.1, "high": 1.0, "log": "yes"}}, "log: 'yes' is not true or false"),
        ({"optimizer__lr": {"low": 0.1, "high": 1.0, "log": True, "step": 0.1}}, "log beside step"),
        ({"loss__dice": {"low": 0.0, "high": 1.0, "log": True}}, "log: low 0 is not above 0"),
        ({"optimizer__lr": {"values": [0.1], "low": 0.1}}, "values beside low; give a list or a range"),
        ({"optimizer__lr": {"values": []}}, "no list of one value or more"),
        ({"optimizer__lr": {"values": [0.1, 0.1]}}, "0.1 stands twice"),
        ({"optimizer__lr": {"from": 0.1, "values": [0.1]}}, "unknown word 'from'; known are values, low, high"),
        ({"optimizer__lr": 0.1}, "says no space"),
        ({"optimizer__name": {"values": ["adam"]}}, "'adam' is not one of adamw, muon, sgd"),
        ({"sampling__patch": {"low": 8, "high": 16}}, "is no single number, so it has no range"),
        ({"sampling__batch": {"low": 1, "high": 4, "step": 0.5}}, "step: 0.5 is not a whole number"),
        ({"engine__clip_norm": {"low": None, "high": 1.0}}, "low: None is not a number"),
        ({"augmentation__gamma__range": {"values": [[1.5, 0.7]]}}, "write [low, high]"),
        ({"seed": {"values": [1, 2]}}, "cannot be searched: it decides who validates; give --seed"),
        ({"split__folds": {"values": [3, 5]}}, "cannot be searched: it decides who validates"),
        ({"length__epochs": {"values": [3, 5]}}, "give --budget or --epochs"),
        ({"validation__keep": {"values": ["best", "last"]}}, "trials are scored alike"),
        ({}, "holds no key"),
    ],
)
def test_what_is_unfit_is_named(listed: dict[str, object], said: str) -> None:
    assert said in faults(**listed)


def test_all_faults_are_told_at_once() -> None:
    text = faults(
        optimiser__lr={"values": [1.0]}, loss__dice={"low": 2, "high": 1}, sampling__batch={"values": [0, "a"]}
    )
    assert text.startswith("Space: 4 faults")

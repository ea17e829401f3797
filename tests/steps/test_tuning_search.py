"""What a search proposes: new points only, the same for the same seed, nearer to what scored well."""

import importlib.util

import pytest

from medseg.core.errors import ConfigError, UsageError
from medseg.recipe.space import Space, parse_space
from medseg.steps.tuning_search import Search, Tried, check_search, propose

GRID = {"sampling.batch": {"values": [1, 2, 4]}, "loss.batch_dice": {"values": [False, True]}}
MIXED = {
    "optimizer.lr": {"low": 1e-4, "high": 1e-1, "log": True},
    "sampling.batch": {"low": 1, "high": 4},
    "sampling.foreground": {"low": 0.2, "high": 0.8, "step": 0.2},
    "sampling.patch": {"values": [[16, 16, 16], [24, 24, 24]]},
}


def space(listed: dict[str, object]) -> Space:
    return parse_space(listed, "Space")


def searched(listed: dict[str, object], how: Search, count: int, *, seed: int = 0) -> list[Tried]:
    """Trials whose score falls with the distance of the learning rate from 1e-3, in powers of ten."""
    import math

    tried: list[Tried] = []
    where = space(listed)
    for _ in range(count):
        values = propose(where, how, tried, seed=seed)
        assert values is not None
        tried.append(Tried(values, 1.0 - abs(math.log10(float(values["optimizer.lr"])) + 3.0) / 4.0))
    return tried


def test_a_grid_goes_through_its_points_in_order_and_ends() -> None:
    tried: list[Tried] = []
    while (point := propose(space(GRID), "grid", tried, seed=0)) is not None:
        tried.append(Tried(point, 0.5))
    assert [one.values for one in tried] == list(space(GRID).points())


def test_a_grid_leaves_out_what_was_tried_as_the_own_recipe() -> None:
    own = Tried({"sampling.batch": 1, "loss.batch_dice": False}, 0.5)
    assert propose(space(GRID), "grid", [own], seed=0) == {"sampling.batch": 1, "loss.batch_dice": True}


@pytest.mark.parametrize("how", ["random", "optuna"])
def test_a_proposal_lies_in_the_space_and_is_written_as_a_person_would(how: Search) -> None:
    if how == "optuna":
        pytest.importorskip("optuna")
    for one in searched(MIXED, how, 12):
        assert space(MIXED).holds(one.values)
        assert len(f"{one.values['optimizer.lr']:.12g}".replace("0.", "").lstrip("0")) <= 7


@pytest.mark.parametrize("how", ["random", "optuna"])
def test_the_same_seed_proposes_the_same_also_after_a_stop(how: Search) -> None:
    if how == "optuna":
        pytest.importorskip("optuna")
    whole = searched(MIXED, how, 8)
    assert searched(MIXED, how, 8) == whole
    assert propose(space(MIXED), how, whole[:6], seed=0) == whole[6].values
    assert [one.values for one in searched(MIXED, how, 8, seed=1)] != [one.values for one in whole]


@pytest.mark.parametrize("how", ["random", "optuna"])
def test_no_point_is_tried_twice_and_a_small_space_comes_to_its_end(how: Search) -> None:
    if how == "optuna":
        pytest.importorskip("optuna")
    tried: list[Tried] = []
    while (point := propose(space(GRID), how, tried, seed=3)) is not None:
        tried.append(Tried(point, None if len(tried) == 1 else 0.5))
    assert sorted(map(str, (one.values for one in tried))) == sorted(map(str, space(GRID).points()))


def test_a_log_range_is_drawn_evenly_over_its_powers() -> None:
    drawn = [one.values["optimizer.lr"] for one in searched({"optimizer.lr": MIXED["optimizer.lr"]}, "random", 300)]
    shares = [sum(low <= value < 10 * low for value in drawn) / 300 for low in (1e-4, 1e-3, 1e-2)]
    assert shares == pytest.approx([1 / 3] * 3, abs=0.1)


def test_whole_numbers_include_both_ends() -> None:
    listed = {"sampling.batch": {"low": 1, "high": 3}, "optimizer.lr": {"low": 0.1, "high": 0.2}}
    assert {one.values["sampling.batch"] for one in searched(listed, "random", 40)} == {1, 2, 3}


def test_tpe_comes_nearer_to_what_scored_well_than_chance_does() -> None:
    pytest.importorskip("optuna")
    listed = {"optimizer.lr": MIXED["optimizer.lr"]}
    late = {how: sum(one.dice or 0 for one in searched(listed, how, 24)[12:]) / 12 for how in ("random", "optuna")}
    assert late["optuna"] > late["random"] + 0.05


def test_an_own_recipe_outside_the_space_does_not_disturb_tpe() -> None:
    pytest.importorskip("optuna")
    own = Tried({"sampling.batch": 9, "loss.batch_dice": False}, 0.9)
    assert propose(space(GRID), "optuna", [own], seed=0) is not None


def test_a_grid_counts_the_own_recipe_once() -> None:
    inside, outside = {"sampling.batch": 1, "loss.batch_dice": True}, {"sampling.batch": 8, "loss.batch_dice": True}
    assert check_search(space(GRID), "grid", trials=None, own=None) == 6
    assert check_search(space(GRID), "grid", trials=None, own=inside) == 6
    assert check_search(space(GRID), "grid", trials=9, own=outside) == 7


def test_a_grid_that_cannot_be_gone_through_is_refused() -> None:
    with pytest.raises(UsageError, match="6 points, which makes 6 trainings; --trials 5 is less"):
        check_search(space(GRID), "grid", trials=5, own=None)
    with pytest.raises(ConfigError, match=r"optimizer\.lr, sampling\.batch may be any number of a range. Give step"):
        check_search(space(MIXED), "grid", trials=None, own=None)


def test_a_search_without_an_end_wants_a_number_of_trials() -> None:
    with pytest.raises(UsageError, match="--search random has no end of its own; give --trials N"):
        check_search(space(MIXED), "random", trials=None, own=None)


def test_without_optuna_it_is_said_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"needs optuna: pip install 'medseg\[tune\]'"):
        check_search(space(MIXED), "optuna", trials=4, own=None)
    assert check_search(space(MIXED), "random", trials=4, own=None) == 4

import json
from pathlib import Path

import numpy as np
import pytest

from medseg.core.types import Affine
from medseg.engine.rehearsal import Costs
from medseg.steps import chain_costs
from medseg.steps.chain_costs import ChainCosts

ONE, THICK, OTHER = np.eye(4), np.diag([1.0, 1.0, 5.0, 1.0]), np.diag([2.0, 2.0, 2.0, 1.0])


def cost(prepare: float) -> Costs:
    return Costs((0, 1, 2), ((1.0, 0.0), (1.0, 0.0), (0.5, 2.0)), (prepare, 10.0), (2.0, 0.0))


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[Affine]:
    """What was measured; a scan costs as its slices are thick."""
    asked: list[Affine] = []

    def rehearse(predictor: object, channels: int, place: Affine) -> Costs:
        asked.append(place)
        return cost(float(place[2, 2]))

    monkeypatch.setattr(chain_costs, "rehearse", rehearse)
    return asked


def costs_of(folder: Path) -> ChainCosts:
    return ChainCosts(None, 1, "chain", folder / "m.json")  # type: ignore[arg-type]


def test_each_spacing_is_measured_once_and_remembered(tmp_path: Path, measured: list[Affine]) -> None:
    costs = costs_of(tmp_path)
    costs.learn([ONE, THICK, ONE])
    assert len(measured) == 2
    assert (costs.at(ONE), costs.at(THICK)) == (cost(1.0), cost(5.0))
    again = costs_of(tmp_path)
    again.learn([THICK])
    assert len(measured) == 2
    assert again.at(THICK) == cost(5.0)


def test_of_what_was_not_learnt_the_most_is_expected_and_nothing_measured(
    tmp_path: Path, measured: list[Affine]
) -> None:
    costs = costs_of(tmp_path)
    costs.learn([ONE, THICK])
    assert costs.at(OTHER) == cost(5.0)
    assert len(measured) == 2
    assert costs_of(tmp_path).at(OTHER).prepare[0] > 27


def test_many_spacings_are_not_all_measured(tmp_path: Path, measured: list[Affine]) -> None:
    costs_of(tmp_path).learn(np.diag([1.0, 1.0, 1.0 + n / 10, 1.0]) for n in range(50))
    assert len(measured) == chain_costs._MOST


def test_a_chain_that_fails_on_a_small_scan_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Costs:
        raise RuntimeError("too small")

    monkeypatch.setattr(chain_costs, "rehearse", fail)
    costs = costs_of(tmp_path)
    costs.learn([ONE])
    assert costs.at(ONE).prepare[0] > 27
    assert not (tmp_path / "m.json").exists()


def test_what_another_version_remembered_is_measured_again(tmp_path: Path, measured: list[Affine]) -> None:
    costs_of(tmp_path).learn([ONE])
    known = json.loads((tmp_path / "m.json").read_text())
    (tmp_path / "m.json").write_text(json.dumps({key: {"image": 1.0} for key in known}))
    costs_of(tmp_path).learn([ONE])
    assert len(measured) == 2

"""What is claimed of the weights that ship: their size, whom they saw, and that the card says what was measured."""

import json
from pathlib import Path
from typing import Any

import pytest

from medseg import evaluate
from medseg.bundle.build import build_network
from medseg.bundle.read import Bundle, read_bundle
from medseg.bundle.results import KEPT
from medseg.bundle.weights import load_weights

ROOT = Path(__file__).resolve().parents[2] / "bundles"
TRAINED = ("hippocampus_segresnet", "hippocampus_unet3d")
MOST_BYTES = 12_000_000  # a clone and a wheel carry them


@pytest.fixture(params=TRAINED)
def bundle(request: pytest.FixtureRequest) -> Bundle:
    return read_bundle(ROOT / str(request.param))


def test_these_and_no_others_have_weights() -> None:
    assert {path.parents[1].name for path in ROOT.glob("*/models/model.pt")} == set(TRAINED)


def test_weights_are_small_and_fit_the_network(bundle: Bundle) -> None:
    assert bundle.weights.stat().st_size < MOST_BYTES
    load_weights(build_network(bundle), bundle.weights)


def test_no_person_is_both_seen_and_held_out(bundle: Bundle) -> None:
    """Nor any study; hippocampus_001 and _002 are one person, and so on."""
    assert bundle.split is not None
    parts = [set(bundle.split[part]) for part in ("train", "validation", "holdout")]
    assert all(parts)
    assert len(set.union(*parts)) == sum(map(len, parts))
    persons = [{(int(study[-3:]) + 1) // 2 for study in part} for part in parts]
    assert len(set.union(*persons)) == sum(map(len, persons))


def test_results_are_of_every_study_that_was_held_out(bundle: Bundle) -> None:
    assert bundle.split is not None
    for name in bundle.labels.scored:
        for metric in KEPT:
            row = bundle.metadata["eval_metrics"][name][metric]
            assert row["n"] == len(bundle.split["holdout"])
            assert row["ci95"][0] < row["mean"] < row["ci95"][1]


def test_the_card_says_what_was_measured(bundle: Bundle) -> None:
    card = (bundle.root / "docs" / "README.md").read_text(encoding="utf-8")
    for name in bundle.labels.scored:
        assert f"| {name} | {_row(bundle.metadata['eval_metrics'][name])} |" in card


def test_the_page_of_the_shipped_models_and_the_card_tell_the_same_of_the_folds(bundle: Bundle) -> None:
    page = (ROOT.parent / "docs" / "reference" / "shipped-models.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("|")]
    first = next(n for n, line in enumerate(rows) if f"[{bundle.name}]" in line)
    card = (bundle.root / "docs" / "README.md").read_text(encoding="utf-8")
    for name, row in zip(bundle.labels.scored, rows[first:], strict=False):
        _, label, dice, hd95, _, surface = (cell.strip() for cell in row.strip("|").split("|"))
        assert label == name
        assert f"| {label} | {dice} | {hd95} | {surface} |" in card


def test_the_newest_version_tells_of_the_weights(bundle: Bundle) -> None:
    assert next(iter(bundle.metadata["changelog"])) == bundle.version
    assert "weights" in bundle.metadata["changelog"][bundle.version]
    assert "models/model.pt" in (bundle.root / "docs" / "data_license.txt").read_text(encoding="utf-8")


@pytest.mark.realdata
def test_the_weights_give_what_the_card_says(bundle: Bundle, real_data: Path, tmp_path: Path) -> None:
    words = ["--bundle", bundle.name, "--data", str(real_data / "Task04_Hippocampus"), "--output", str(tmp_path)]
    assert evaluate.main([*words, "--no-report", "--no-tracking"]) == 0
    found = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))["labels"]
    for name in bundle.labels.scored:
        claimed = bundle.metadata["eval_metrics"][name]
        for metric in KEPT:
            assert found[name][metric]["n"] == claimed[metric]["n"]
            # Another processor sums in another order; a voxel on the border may change.
            assert found[name][metric]["mean"] == pytest.approx(claimed[metric]["mean"], rel=2e-3)


def _row(metrics: dict[str, Any]) -> str:
    dice, hd95, nsd = metrics["dice"], metrics["hd95_mm"], metrics["nsd"]
    low, high = dice["ci95"]
    return f"{dice['mean']:.3f} ({low:.3f} to {high:.3f}) | {hd95['mean']:.2f} | {nsd['mean']:.3f}"

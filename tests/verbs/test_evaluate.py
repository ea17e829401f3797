import csv
import itertools
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import tiny

from medseg.io.nifti import write_labels
from medseg.metrics.metric import METRICS

GRID = (20, 20, 20)
LABELS = "labels:\n  liver: {value: 1}\n  tumour: {value: 2}\nregions:\n  all: [liver, tumour]\n"


def cubes(shift: int = 0, *, tumour: bool = True) -> np.ndarray:
    """A cube of 8 voxels' edge with one of 4 inside, moved along i."""
    maps = np.zeros(GRID, np.uint8)
    maps[4 + shift : 12 + shift, 6:14, 6:14] = 1
    if tumour:
        maps[6 + shift : 10 + shift, 8:12, 8:12] = 2
    return maps


def write(folder: Path, maps: Mapping[str, np.ndarray], affine: np.ndarray | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    for name, labels in maps.items():
        write_labels(folder / f"{name}.nii.gz", labels, np.eye(4) if affine is None else affine)
    return folder


@pytest.fixture
def references(tmp_path: Path) -> Path:
    return write(tmp_path / "references", {f"P{n}": cubes() for n in range(1, 7)})


@pytest.fixture
def predictions(tmp_path: Path) -> Path:
    """Each moved a voxel further than the one before, three at most."""
    return write(tmp_path / "predictions", {f"P{n}": cubes(n % 4) for n in range(1, 7)})


def evaluate(predictions: Path, references: Path, *words: object, report: bool = False) -> tiny.Answer:
    command = ["--prediction", predictions, "--reference", references, "--output", predictions.parent / "out"]
    return tiny.call("evaluate", *command, "--workers", 1, "--report" if report else "--no-report", *words)


def summary(predictions: Path) -> dict[str, object]:
    return dict(json.loads((predictions.parent / "out" / "summary.json").read_text()))


def mean(predictions: Path, name: str, metric: str) -> float:
    found: float = summary(predictions)["labels"][name][metric]["mean"]  # type: ignore[index]
    return found


def rows(predictions: Path, table: str = "per_study.csv") -> list[dict[str, str]]:
    with (predictions.parent / "out" / table).open(newline="") as stream:
        return list(csv.DictReader(stream))


# What is written


def test_every_study_is_scored_and_the_report_is_the_last_line(predictions: Path, references: Path) -> None:
    answer = evaluate(predictions, references, report=True)
    assert answer.code == 0, answer.err
    assert answer.last_line == str(predictions.parent / "out" / "report.html")
    assert Path(answer.last_line).is_file()
    # Shifts 1, 2, 3, 0, 1, 2 of 4 voxels.
    assert mean(predictions, "2", "dice") == pytest.approx((0.75 + 0.5 + 0.25 + 1 + 0.75 + 0.5) / 6)
    assert mean(predictions, "2", "hd_mm") == pytest.approx((1 + 2 + 3 + 0 + 1 + 2) / 6)
    assert [row["study"] for row in rows(predictions) if row["label"] == "2"] == [f"P{n}" for n in range(1, 7)]
    assert set(METRICS) <= set(rows(predictions)[0])
    assert list((predictions.parent / "out" / "figures").glob("*.png"))


def test_the_screen_shows_the_policy_and_the_worst_studies(predictions: Path, references: Path) -> None:
    answer = evaluate(predictions, references)
    assert "Policy 'default':" in answer.out
    assert "absent from one of them it scores 0" in answer.out
    worst = answer.out.split("Worst studies")[1].splitlines()[1:4]
    assert [line.split()[0] for line in worst] == ["P3", "P2", "P6"]
    assert "Dice 0.250" in worst[0]


def test_labels_and_regions_are_named_by_a_file(predictions: Path, references: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.yaml").write_text(LABELS)
    answer = evaluate(predictions, references, "--labels", tmp_path / "labels.yaml")
    assert answer.code == 0, answer.err
    assert list(summary(predictions)["labels"]) == ["all", "liver", "tumour"]  # type: ignore[call-overload]
    assert mean(predictions, "all", "dice") > mean(predictions, "tumour", "dice")


def test_json_is_one_line_with_the_means(predictions: Path, references: Path) -> None:
    answer = evaluate(predictions, references, "--json")
    found = json.loads(answer.last_line)
    assert found["labels"]["2"]["dice"]["mean"] == pytest.approx(0.625)
    assert found["output"] == str(predictions.parent / "out")


def test_without_a_report_no_old_one_stays(predictions: Path, references: Path) -> None:
    evaluate(predictions, references, report=True)
    answer = evaluate(predictions, references)
    assert answer.last_line == str(predictions.parent / "out" / "summary.json")
    assert not (predictions.parent / "out" / "report.html").exists()


def test_the_same_maps_give_the_same_tables(predictions: Path, references: Path) -> None:
    tables = []
    for _ in range(2):
        evaluate(predictions, references)
        kept = summary(predictions)
        kept.pop("made")
        tables.append([kept, rows(predictions), rows(predictions, "per_lesion.csv")])
    assert tables[0] == tables[1]


def test_several_processes_give_what_one_gives(
    predictions: Path, references: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate(predictions, references)
    alone = rows(predictions)
    monkeypatch.setattr("medseg.steps.evaluation_scoring._WORTH_A_PROCESS_S", 0.0)
    answer = evaluate(predictions, references, "--workers", 2)
    assert answer.code == 0, answer.err
    assert rows(predictions) == alone


# What is missing or wrong


def test_a_missing_prediction_is_a_failure_scored_as_missed(predictions: Path, references: Path) -> None:
    (predictions / "P4.nii.gz").unlink()
    answer = evaluate(predictions, references)
    assert answer.code == 3
    assert mean(predictions, "2", "dice") == pytest.approx((0.75 + 0.5 + 0.25 + 0 + 0.75 + 0.5) / 6)
    assert list(summary(predictions)["studies"]["failed"]) == ["P4"]  # type: ignore[index]
    assert "P4" in answer.out.split("Worst studies")[1]
    (lost,) = [row for row in rows(predictions) if row["study"] == "P4" and row["label"] == "2"]
    assert (lost["state"], lost["prediction_ml"]) == ("missing", "")
    assert float(lost["hd95_mm"]) == pytest.approx(np.sqrt(3) * 20)


@pytest.mark.parametrize("damage", ["cut", "grid", "value"])
def test_a_prediction_that_cannot_be_used_is_a_failure_with_its_reason(
    damage: str, predictions: Path, references: Path
) -> None:
    path = predictions / "P4.nii.gz"
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-30])
    if damage == "grid":
        write_labels(path, cubes(), np.diag([1.0, 1.0, 1.1, 1.0]))
    if damage == "value":
        write_labels(path, cubes() * 7, np.eye(4))
    answer = evaluate(predictions, references)
    assert answer.code == 3, answer.err
    (reason,) = summary(predictions)["studies"]["failed"].values()  # type: ignore[index]
    assert {"cut": "truncated", "grid": "grid", "value": "7"}[damage] in reason
    assert reason in answer.out


def test_a_reference_that_cannot_be_used_is_left_out_and_named(predictions: Path, references: Path) -> None:
    path = references / "P4.nii.gz"
    path.write_bytes(path.read_bytes()[:-30])
    answer = evaluate(predictions, references)
    assert answer.code == 3
    assert "P4" not in {row["study"] for row in rows(predictions)}
    assert any("P4" in sentence for sentence in summary(predictions)["studies"]["left_out"])  # type: ignore[index]


def test_a_prediction_without_reference_is_listed(predictions: Path, references: Path) -> None:
    (references / "P4.nii.gz").unlink()
    answer = evaluate(predictions, references)
    assert answer.code == 0
    assert "P4" in answer.out.split("Not evaluated:")[1]


def test_missing_more_of_ten_lesions_never_looks_better(tmp_path: Path) -> None:
    """Ten studies with a lesion each; k of them are not found."""
    tumour = np.where(cubes() == 2, 2, 0).astype(np.uint8)
    moved = np.roll(tumour, 1, axis=0)
    found = []
    for k in range(11):
        place = tmp_path / str(k)
        place.mkdir()
        references = write(place / "references", {f"P{n}": tumour for n in range(10)})
        predictions = write(place / "predictions", {f"P{n}": moved * (n >= k) for n in range(10)})
        assert evaluate(predictions, references).code == 0
        row = summary(predictions)["labels"]["2"]  # type: ignore[index]
        assert row["hd95_mm"]["both_exist"]["n"] == 10 - k
        found.append((row["dice"]["mean"], row["hd95_mm"]["mean"], row["lesion_f1"]["mean"]))
    dice, hd95, f1 = zip(*found, strict=True)
    assert all(a > b for a, b in itertools.pairwise(dice))
    assert all(a < b for a, b in itertools.pairwise(hd95))
    assert all(a > b for a, b in itertools.pairwise(f1))
    assert hd95[10] == pytest.approx(np.sqrt(3) * 20)


# Gates, groups, comparison


def test_a_gate_that_is_not_met_ends_with_its_own_code(predictions: Path, references: Path) -> None:
    answer = evaluate(predictions, references, "--min", "dice.1=0.5", "--max", "hd_mm.2=1")
    assert answer.code == 4
    assert "at least 0.5 is demanded: met" in answer.out
    assert "HD of 2: 1.5 mm; at most 1 mm is demanded: not met." in answer.out
    assert evaluate(predictions, references, "--max", "hd_mm.2=2").code == 0


def test_two_models_are_compared(predictions: Path, references: Path, tmp_path: Path) -> None:
    evaluate(predictions, references)
    (tmp_path / "out").rename(tmp_path / "first")
    better = write(tmp_path / "better", {f"P{n}": cubes() for n in range(1, 7)})
    answer = evaluate(better, references, "--against", tmp_path / "first")
    assert answer.code == 0, answer.err
    assert "cannot be told apart with n = 6" in answer.out  # one of six pairs is equal
    rows = summary(better)["comparison"]["differences"]  # type: ignore[index]
    assert next(row["mean"] for row in rows if (row["label"], row["metric"]) == ("2", "dice")) == pytest.approx(0.375)


def test_a_model_is_no_better_than_itself(references: Path, tmp_path: Path) -> None:
    """Thirds have no end in decimals; tables that round would make each study a little better or worse."""
    thin = {f"P{n}": cubes(1) * (np.arange(20)[:, None, None] != 4 + n) for n in range(1, 7)}
    predictions = write(tmp_path / "predictions", thin)
    evaluate(predictions, references)
    (tmp_path / "out").rename(tmp_path / "first")
    assert evaluate(predictions, references, "--against", tmp_path / "first").code == 0
    rows = summary(predictions)["comparison"]["differences"]  # type: ignore[index]
    assert {(row["mean"], row["p"]) for row in rows} == {(0.0, 1.0)}


def test_files_of_the_user_in_the_output_stay(predictions: Path, references: Path, tmp_path: Path) -> None:
    (tmp_path / "out" / "figures").mkdir(parents=True)
    for name in ("my_mri.png", "dice.png"):
        (tmp_path / "out" / "figures" / name).write_bytes(b"")
    assert evaluate(predictions, references).code == 0
    assert [path.name for path in (tmp_path / "out" / "figures").iterdir()] == ["my_mri.png"]


def test_the_references_given_twice_are_noticed(references: Path) -> None:
    answer = evaluate(references, references)
    assert answer.code == 0, answer.err
    assert "The prediction of 6 of 6 studies are their references, byte for byte." in answer.out


def test_another_policy_refuses_to_be_compared_before_anything_is_scored(
    predictions: Path, references: Path, tmp_path: Path
) -> None:
    evaluate(predictions, references)
    (tmp_path / "out").rename(tmp_path / "first")
    answer = evaluate(predictions, references, "--against", tmp_path / "first", "--policy", "brats")
    assert answer.code == 1
    assert "different policies" in answer.err
    assert not (tmp_path / "out").exists()


def test_groups_of_a_table_are_in_the_summary(predictions: Path, references: Path, tmp_path: Path) -> None:
    table = tmp_path / "sites.csv"
    table.write_text("study,site\n" + "".join(f"P{n},{'north' if n < 4 else 'south'}\n" for n in range(1, 7)))
    assert evaluate(predictions, references, "--strata", table).code == 0
    strata = summary(predictions)["strata"]
    (north,) = [one["groups"]["north"] for one in strata if (one["label"], one["metric"]) == ("2", "dice")]  # type: ignore[attr-defined, index]
    assert north["mean"] == pytest.approx(0.5)


def test_maps_that_exist_need_neither_torch_nor_monai(predictions: Path, references: Path) -> None:
    script = (
        "import sys; from medseg.evaluate import main; "
        f"code = main(['--prediction', {str(predictions)!r}, '--reference', {str(references)!r}, "
        f"'--output', {str(predictions.parent / 'out')!r}]); "
        "assert code == 0; assert not {'torch', 'monai', 'mlflow'} & set(sys.modules), sorted(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tiny.CHECKOUT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-800:]

"""metrics.csv: one row an epoch, whole after a kill, cut back on resume."""

import math
from pathlib import Path

import pytest

from medseg.core.errors import FileError, OutputError
from medseg.runs.metrics_log import MetricsLog, columns_for, read_metrics

COLUMNS = columns_for(["WT", "TC"])


def _filled(path: Path, epochs: int) -> MetricsLog:
    log = MetricsLog(path, COLUMNS)
    for epoch in range(1, epochs + 1):
        log.append({"epoch": epoch, "step": 1_000_000 * epoch, "loss": 1 / epoch, "dice WT": 0.5})
    return log


def test_the_columns_name_every_score() -> None:
    assert " ".join(columns_for(["WT"])) == "epoch step lr loss dice WT seconds data_wait memory_gib"


def test_rows_read_back_with_gaps_as_nan(tmp_path: Path) -> None:
    _filled(tmp_path / "metrics.csv", 2)
    rows = read_metrics(tmp_path / "metrics.csv")
    assert [row["step"] for row in rows] == [1_000_000, 2_000_000]
    assert rows[1]["loss"] == 0.5
    assert math.isnan(rows[0]["dice TC"])
    assert (tmp_path / "metrics.csv").read_text().splitlines()[1] == "1,1000000,,1,0.5,,,,"


def test_each_row_is_on_the_disk_at_once(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "metrics.csv", COLUMNS)
    assert read_metrics(tmp_path / "metrics.csv") == []
    log.append({"epoch": 1})
    assert len(read_metrics(tmp_path / "metrics.csv")) == 1


def test_a_resumed_run_drops_the_epochs_its_checkpoint_does_not_know(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    _filled(path, 4)
    MetricsLog(path, COLUMNS, resume_epoch=2).append({"epoch": 3, "loss": 9.0})
    assert [(row["epoch"], row["loss"]) for row in read_metrics(path)] == [(1, 1.0), (2, 0.5), (3, 9.0)]


def test_a_row_cut_short_by_a_kill_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    _filled(path, 2)
    path.write_text(path.read_text()[:-3])
    assert [row["epoch"] for row in read_metrics(path)] == [1]
    MetricsLog(path, COLUMNS, resume_epoch=1).append({"epoch": 2})
    assert [row["epoch"] for row in read_metrics(path)] == [1, 2]


def test_a_new_run_starts_a_new_file(tmp_path: Path) -> None:
    _filled(tmp_path / "metrics.csv", 4)
    _filled(tmp_path / "metrics.csv", 1)
    assert len(read_metrics(tmp_path / "metrics.csv")) == 1


def test_a_resume_without_the_file_writes_one(tmp_path: Path) -> None:
    MetricsLog(tmp_path / "metrics.csv", COLUMNS, resume_epoch=3)
    assert read_metrics(tmp_path / "metrics.csv") == []


def test_a_resume_with_other_labels_is_refused(tmp_path: Path) -> None:
    _filled(tmp_path / "metrics.csv", 1)
    with pytest.raises(OutputError, match=r"dice TC.*this run writes .*Resume with the bundle"):
        MetricsLog(tmp_path / "metrics.csv", columns_for(["ET"]), resume_epoch=1)


def test_a_column_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="dice ET"):
        MetricsLog(tmp_path / "metrics.csv", COLUMNS).append({"epoch": 1, "dice ET": 0.1})


def test_a_label_with_a_comma_keeps_its_column(tmp_path: Path) -> None:
    columns = columns_for(["core, necrotic"])
    MetricsLog(tmp_path / "m.csv", columns).append({"epoch": 1, "dice core, necrotic": 0.25})
    assert read_metrics(tmp_path / "m.csv")[0]["dice core, necrotic"] == 0.25


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n"])
def test_another_file_is_no_metrics(tmp_path: Path, content: str) -> None:
    (tmp_path / "m.csv").write_text(content)
    with pytest.raises(FileError, match="first column is not 'epoch'"):
        read_metrics(tmp_path / "m.csv")


def test_a_disk_that_takes_no_more_is_named(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "metrics.csv", COLUMNS)
    log.path = Path("/dev/full")
    with pytest.raises(OutputError, match=r"No space left on device\. Free space and --resume"):
        log.append({"epoch": 1})

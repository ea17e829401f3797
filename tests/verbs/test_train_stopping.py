"""`medseg train` killed, told to stop, and gone on with: nothing is lost and nothing changes."""

import json
import shutil
import signal
from pathlib import Path

import pytest
import tiny
import torch
from run_facts import assert_equal, assert_same_end, record, rows, wait

EPOCHS = 10  # long enough to be stopped in
LENGTH = ("--epochs", EPOCHS, "--seed", 7, "--workers", 0, "--set", "sampling.patches_per_study=4")


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, tiny_bundle: Path, tiny_cohort: Path) -> Path:
    """A run to its end, never stopped."""
    output = tmp_path_factory.mktemp("whole")
    words = ("--bundle", tiny_bundle, "--data", tiny_cohort, "--output", output, "--no-tracking", *LENGTH)
    answer = tiny.call("train", *words)
    assert answer.code == 0, answer.err
    return Path(answer.last_line)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory, tiny_bundle: Path, tiny_cohort: Path) -> Path:
    """The same run, killed after its second epoch; copy it before going on."""
    output = tmp_path_factory.mktemp("killed")
    words = ("--bundle", tiny_bundle, "--data", tiny_cohort, "--output", output, "--name", "it", "--no-tracking")
    run = output / "hippocampus_unet3d" / "it"
    process = tiny.start("train", *words, *LENGTH)
    wait(lambda: len(rows(run)) >= 2 and (run / "last.pt").is_file(), process)
    process.kill()
    tiny.finish(process)
    return run


def test_a_killed_run_is_resumed_bit_for_bit(killed: Path, uninterrupted: Path, tmp_path: Path) -> None:
    assert record(killed)["outcome"] == "running"
    assert len(rows(killed)) < EPOCHS
    run = Path(shutil.copytree(killed, tmp_path / "it"))
    answer = tiny.call("train", "--resume", run)
    assert answer.code == 0, answer.err
    assert f"Output: {run} (going on after epoch " in answer.out
    assert_same_end(run, uninterrupted)
    assert [row.split(",")[0] for row in rows(run)] == [str(n) for n in range(1, EPOCHS + 1)]
    assert record(run)["earlier"][0]["outcome"] == "running"


def test_a_run_from_a_bundle_with_chosen_postprocessing_is_gone_on_with(killed: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(killed, tmp_path / "it"))
    found = record(run)
    found["split"]["chose_postprocessing"] = found["split"]["train"]
    (run / "run.json").write_text(json.dumps(found))
    answer = tiny.call("train", "--resume", run)
    assert answer.code == 0, answer.err
    assert record(run)["split"] == found["split"]


def test_the_best_weights_never_regress_on_resume(killed: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(killed, tmp_path / "it"))
    best = torch.load(run / "best.pt", weights_only=True)
    torch.save({**best, "score": 0.999}, run / "best.pt")  # nothing the rest of the run can reach
    assert tiny.call("train", "--resume", run).code == 0
    assert_equal(torch.load(run / "bundle" / "models" / "model.pt", weights_only=True), best["network"])
    assert torch.load(run / "best.pt", weights_only=True)["score"] == 0.999


def test_data_that_changed_is_not_mixed_into_a_resumed_run(killed: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(killed, tmp_path / "it"))
    data = Path(shutil.copytree(tiny_cohort, tmp_path / "data"))
    shutil.copy(data / "imagesTr" / "phantom_000.nii.gz", data / "imagesTr" / "phantom_001.nii.gz")
    shutil.copy(data / "labelsTr" / "phantom_000.nii.gz", data / "labelsTr" / "phantom_001.nii.gz")
    found = record(run)
    found["request"]["data"] = str(data)
    (run / "run.json").write_text(json.dumps(found))
    before = (run / "last.pt").read_bytes()
    answer = tiny.call("train", "--resume", run)
    assert answer.code == 1
    assert "changed since run" in answer.err
    assert (run / "last.pt").read_bytes() == before
    assert record(run)["outcome"] == "running"


def test_a_finished_run_has_nothing_left_to_do(tiny_run: Path) -> None:
    before = (tiny_run / "last.pt").read_bytes(), (tiny_run / "run.json").read_bytes()
    answer = tiny.call("train", "--resume", tiny_run)
    assert answer.code == 0
    assert answer.out.splitlines() == [f"Run '{tiny_run}' is finished; nothing is left to do.", str(tiny_run)]
    assert ((tiny_run / "last.pt").read_bytes(), (tiny_run / "run.json").read_bytes()) == before


@pytest.mark.parametrize("sent", [pytest.param(signal.SIGTERM, marks=pytest.mark.slow), signal.SIGINT])
def test_a_signal_finishes_the_step_saves_and_says_how_to_go_on(
    sent: signal.Signals, tiny_bundle: Path, tiny_cohort: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    from mlflow.tracking import MlflowClient

    tracked = sent is signal.SIGTERM  # one of the two is enough: opening a database takes seconds
    words = ("--bundle", tiny_bundle, "--data", tiny_cohort, "--output", tmp_path, "--name", "it")
    run = tmp_path / "hippocampus_unet3d" / "it"
    process = tiny.start("train", *words, *LENGTH, *(() if tracked else ("--no-tracking",)))
    wait(lambda: len(rows(run)) >= 1, process)
    process.send_signal(sent)
    answer = tiny.finish(process)
    assert answer.code == 130, answer.err
    assert f"Go on with: python -m medseg.train --resume {run}" in answer.out
    assert "Traceback" not in answer.err
    assert record(run)["outcome"] == "interrupted"
    client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}") if tracked else None
    run_id = torch.load(run / "last.pt", weights_only=True)["run_id"]
    if client is not None:
        assert client.get_run(run_id).info.status == "KILLED"
    assert tiny.call("train", "--resume", run).code == 0
    assert_same_end(run, uninterrupted)
    if client is not None:
        assert client.get_run(run_id).info.status == "FINISHED"
        assert len(client.search_runs([client.get_run(run_id).info.experiment_id])) == 1

"""Which studies of a fold are segmented, and what the folder of all folds says; the segmenting itself is the verb's."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import tiny

from medseg.bundle.read import Bundle
from medseg.bundle.split_file import CHOSE
from medseg.core.errors import DatalistError
from medseg.core.files import write_json
from medseg.runs.folder import RunFolder
from medseg.runs.record import read_record
from medseg.steps import folds_predictions
from medseg.steps.folds_predictions import segment_fold


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Which studies were segmented, call by call; study "c" fails."""
    calls: list[list[str]] = []

    def segment(bundle: Bundle, data: Path, ids: Sequence[str], *, output: Path, **_: Any) -> None:
        calls.append(list(ids))
        told = []
        for study in ids:
            file = output / f"{study}.nii.gz"
            good = study != "c"
            if good:
                file.write_bytes(study.encode())
            files = [str(file)] if good else []
            reason = None if good else "no scan"
            told.append({"study": study, "prediction": files[0] if good else None, "outputs": files, "reason": reason})
        record = {"verb": "infer", "outcome": "finished", "bundle": {"name": bundle.name, "digest": "1a"}}
        write_json(output / "run.json", {**record, "studies": told})

    monkeypatch.setattr(folds_predictions, "segment_studies", segment)
    return calls


def fold(root: Path, name: str, *holdout: str) -> RunFolder:
    tiny.write_tiny_bundle(root / name / "bundle")
    write_json(root / name / "run.json", {"split": {"holdout": list(holdout)}})
    return RunFolder(root / name)


def test_the_folds_share_a_folder_that_names_the_fold_of_each_study(tmp_path: Path, asked: list[list[str]]) -> None:
    output = tmp_path / "predictions"
    for one in (fold(tmp_path, "fold0", "b", "c"), fold(tmp_path, "fold1", "a")):
        segment_fold(one, tmp_path, output, device="cpu", say=print)
    record = read_record(output / "run.json")
    assert [(one["study"], one["fold"], one["reason"]) for one in record["studies"]] == [
        ("b", "fold0", None),
        ("c", "fold0", "no scan"),
        ("a", "fold1", None),
    ]
    assert {one["prediction"] for one in record["studies"]} == {None, *(str(output / f"{x}.nii.gz") for x in "ab")}
    assert tiny.files_below(output) == {"a.nii.gz", "b.nii.gz", "run.json"}
    assert record["bundle"] == {"name": "hippocampus_unet3d", "digest": None}


def test_what_is_segmented_is_not_segmented_again(tmp_path: Path, asked: list[list[str]]) -> None:
    one = fold(tmp_path, "fold0", "a", "c")
    for _ in range(2):
        segment_fold(one, tmp_path, tmp_path / "predictions", device="cpu", say=print)
    assert asked == [["a", "c"]]


def test_a_fold_of_which_only_a_part_is_known_is_segmented_whole(tmp_path: Path, asked: list[list[str]]) -> None:
    output = tmp_path / "predictions"
    segment_fold(fold(tmp_path, "fold0", "a"), tmp_path, output, device="cpu", say=print)
    segment_fold(fold(tmp_path, "fold1", "a", "b"), tmp_path, output, device="cpu", say=print)
    assert [one["study"] for one in read_record(output / "run.json")["studies"]] == ["a", "b"]
    assert asked == [["a"], ["a", "b"]]


def test_label_maps_that_chose_the_postprocessing_are_not_made_again(tmp_path: Path, asked: list[list[str]]) -> None:
    one = fold(tmp_path, "fold0", "a")
    write_json(one.record, {"split": {"holdout": ["a"], CHOSE: ["a"]}})
    with pytest.raises(DatalistError, match=r"fold0' in '\S+predictions' are gone.*Start the cross-validation anew"):
        segment_fold(one, tmp_path, tmp_path / "predictions", device="cpu", say=print)
    assert asked == []

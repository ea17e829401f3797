"""The label maps of all folds choose the end of the postprocessing, which is written into every fold's bundle."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nibabel
import numpy as np
import pytest
import tiny

from medseg.bundle.read import Bundle, read_bundle
from medseg.bundle.split_file import CHOSE
from medseg.core.errors import OutputError
from medseg.core.files import write_json
from medseg.runs.folder import RunFolder
from medseg.runs.record import read_record
from medseg.steps import folds_postprocessing
from medseg.steps.folds_postprocessing import affordable, choose_for_folds
from medseg.steps.postprocessing_trials import LabelledStudy

STUDIES = 22
AFFINE = np.diag([1.0, 1.0, 2.0, 1.0])


def _save(path: Path, labels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(labels, AFFINE), path)


def _write_maps(folder: Path, *, island: bool) -> None:
    """References of two blocks; predictions lack a layer, and have a far island too much where asked for."""
    for number in range(STUDIES):
        labels = np.zeros((14, 10, 8), np.uint8)
        labels[2 : 6 + number % 2, 3:8, 2:6] = 1
        labels[6 + number % 2 : 10, 3:8, 2:6] = 2
        _save(folder / "references" / f"s{number}.nii.gz", labels)
        labels[:, 3] = 0
        labels[11:, 8:, 6:] = 1 if island else 0
        _save(folder / "predictions" / f"s{number}.nii.gz", labels)


def _task(bundle: Bundle, references: Path) -> Any:
    cohort = SimpleNamespace(dataset=SimpleNamespace(root=references))
    return SimpleNamespace(bundle=bundle, cohort=cohort, recipe=SimpleNamespace(seed=0))


def _evaluation(*failed: str) -> Any:
    names = [f"s{n}" for n in range(STUDIES)]
    return SimpleNamespace(studies=[SimpleNamespace(study=s, failure="no scan" if s in failed else "") for s in names])


@pytest.fixture
def chosen(hippocampus: Bundle, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Choose with two folds below ``tmp_path``."""

    def choose(said: list[str], *failed: str, island: bool = True) -> dict[str, Any]:
        _write_maps(tmp_path, island=island)
        folds = [RunFolder(tmp_path / name) for name in ("fold0", "fold1")]
        for fold in folds:
            tiny.write_tiny_bundle(fold.bundle)
            write_json(fold.record, {"split": {"train": ["t"]}})
        task, evaluation = _task(hippocampus, tmp_path / "references"), _evaluation(*failed)
        return choose_for_folds(task, evaluation, tmp_path / "predictions", folds, say=said.append)

    return choose


def _steps(folder: Path) -> list[str]:
    return [step["_target_"] for step in read_bundle(folder).inference["postprocessing"]["transforms"]]


def test_what_is_kept_stands_in_the_bundle_of_every_fold(
    chosen: Callable[..., dict[str, Any]], tmp_path: Path, said: list[str]
) -> None:
    before = _steps(tiny.write_tiny_bundle(tmp_path / "before"))
    told = chosen(said)
    kept = [trial["step"] for trial in told["trials"] if trial["kept"]]
    assert told["written"]
    assert kept
    assert (told["patients"], told["studies"]) == (STUDIES, STUDIES)
    assert told["hd95_mm"]["after"] < told["hd95_mm"]["before"]
    for fold in ("fold0", "fold1"):
        steps = _steps(tmp_path / fold / "bundle")
        assert len(steps) == len(before) + len(kept)
        assert steps[: len(before) - 1] + steps[-1:] == before
        split = read_record(tmp_path / fold / "run.json")["split"]
        assert split["train"] == ["t"]
        assert sorted(split[CHOSE]) == sorted(f"s{n}" for n in range(STUDIES))
    assert any(line.startswith("Written into the bundles of all 2 folds. The scores above are") for line in said)


def test_where_nothing_helps_the_bundles_stay_as_they_are(
    chosen: Callable[..., dict[str, Any]], tmp_path: Path, said: list[str]
) -> None:
    before = _steps(tiny.write_tiny_bundle(tmp_path / "before"))
    told = chosen(said, island=False)
    assert not told["written"]
    assert _steps(tmp_path / "fold0" / "bundle") == before
    assert read_record(tmp_path / "fold0" / "run.json") == {"split": {"train": ["t"]}}
    assert "nothing: no step is better than chance" in told["note"]


def test_a_study_whose_prediction_failed_does_not_choose_and_too_few_choose_nothing(
    chosen: Callable[..., dict[str, Any]], said: list[str]
) -> None:
    told = chosen(said, "s0", "s1", "s2")
    assert (told["studies"], told["trials"], told["written"]) == (STUDIES - 3, [], False)
    assert any("Nothing is chosen on 19 patients" in line for line in said)


def test_a_bundle_that_cannot_be_edited_stays_and_is_told_of(
    chosen: Callable[..., dict[str, Any]], said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from medseg.core.errors import BundleError

    written: list[Path] = []

    def refuse(bundle: Path, _: object) -> None:
        if bundle.parent.name == "fold1":  # the second: the first must not be written either
            raise BundleError("'inference.yaml' is no list")

    kept = SimpleNamespace(kept=("any",), table=lambda: "", record=dict)
    monkeypatch.setattr(folds_postprocessing, "choose_postprocessing", lambda *_, **__: kept)
    monkeypatch.setattr(folds_postprocessing, "check_postprocessing", refuse)
    monkeypatch.setattr(folds_postprocessing, "write_postprocessing", lambda bundle, _: written.append(bundle))
    assert not chosen(said)["written"]
    assert written == []
    assert said[-1] == "It could not be written into the bundles of the folds: 'inference.yaml' is no list"


def test_of_very_many_voxels_whole_patients_are_drawn_the_same_ones_each_time() -> None:
    def study(number: int) -> LabelledStudy:
        return LabelledStudy(f"s{number}", f"p{number % 10}", lambda: pytest.fail("not to be read"))

    large = [folds_postprocessing.Counted(study(n), folds_postprocessing.MOST_VOXELS // 10) for n in range(20)]
    drawn = affordable(large, seed=3)
    assert drawn == affordable(large, seed=3)
    assert len(drawn) == 10
    assert len({one.study.patient for one in drawn}) == 5
    assert len(affordable([dataclasses.replace(one, voxels=1) for one in large], seed=3)) == len(large)
    huge = [dataclasses.replace(one, voxels=folds_postprocessing.MOST_VOXELS) for one in large]
    assert len({one.study.patient for one in affordable(huge, seed=3)}) == 1


def test_who_chose_is_on_record_before_any_bundle_changes(
    chosen: Callable[..., dict[str, Any]], said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: object) -> None:
        raise OutputError("no space left")

    kept = SimpleNamespace(kept=("any",), table=lambda: "", record=dict)
    monkeypatch.setattr(folds_postprocessing, "choose_postprocessing", lambda *_, **__: kept)
    monkeypatch.setattr(folds_postprocessing, "check_postprocessing", lambda *_: None)
    monkeypatch.setattr(folds_postprocessing, "write_postprocessing", full_disk)
    with pytest.raises(OutputError):
        chosen(said)
    assert read_record(tmp_path / "fold0" / "run.json")["split"][CHOSE]

import os
from pathlib import Path

import pytest

from medseg.bundle.find import find_bundle, known_bundles, search_folders
from medseg.core.errors import BundleError


def _make(folder: Path, name: str) -> Path:
    (folder / name / "configs").mkdir(parents=True)
    (folder / name / "configs" / "metadata.json").write_text("{}", encoding="utf-8")
    return folder / name


def test_a_name_is_found_in_every_folder_of_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "first").mkdir()
    wanted = _make(tmp_path / "second", "lesion")
    monkeypatch.setenv("MEDSEG_BUNDLES", os.pathsep.join([str(tmp_path / "first"), str(tmp_path / "second")]))
    assert find_bundle("lesion") == wanted


def test_a_name_is_found_in_the_bundles_folder_of_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = _make(tmp_path / "bundles", "lesion")
    monkeypatch.chdir(tmp_path)
    assert find_bundle("lesion") == wanted


def test_shipped_bundles_are_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_bundle("brats_unet3d").name == "brats_unet3d"


def test_where_two_share_a_name_the_variable_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = _make(tmp_path / "mine", "brats_unet3d")
    monkeypatch.setenv("MEDSEG_BUNDLES", str(tmp_path / "mine"))
    assert known_bundles()["brats_unet3d"] == wanted


def test_an_absent_search_folder_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDSEG_BUNDLES", str(tmp_path / "absent"))
    assert "brats_unet3d" in known_bundles()


def test_an_empty_variable_adds_no_folder() -> None:
    assert search_folders({"MEDSEG_BUNDLES": ""}) == search_folders({})


def test_a_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    wanted = _make(tmp_path, "with space and #")
    assert find_bundle(str(wanted)) == wanted


def test_a_run_stands_for_the_bundle_it_holds(tmp_path: Path) -> None:
    wanted = _make(tmp_path / "run", "bundle")
    (tmp_path / "run" / "run.json").write_text("{}", encoding="utf-8")
    assert find_bundle(str(tmp_path / "run")) == wanted


def test_a_run_that_ended_early_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}", encoding="utf-8")
    with pytest.raises(BundleError, match="holds no complete bundle"):
        find_bundle(str(tmp_path))


def test_a_misspelt_name_brings_the_nearest_and_all_known_names() -> None:
    with pytest.raises(BundleError, match=r"Did you mean 'brats_unet3d'\? Known names: .*hippocampus_unet2d"):
        find_bundle("brats_unet")


@pytest.mark.parametrize("text", ["", "  ", "a" * 5000, "nul\0byte", "no/such/folder"])
def test_whatever_is_no_bundle_is_refused_by_its_text(text: str) -> None:
    with pytest.raises(BundleError, match="No bundle"):
        find_bundle(text)


def test_another_file_is_no_bundle(tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(b"")
    with pytest.raises(BundleError, match="is a file"):
        find_bundle(str(tmp_path / "model.pt"))


def test_a_folder_of_something_else_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"holds neither configs/metadata.json nor a run.json"):
        find_bundle(str(tmp_path))


def test_a_cross_validation_names_the_runs_of_its_folds(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    for fold in ("fold0", "fold1"):
        (tmp_path / fold / "bundle").mkdir(parents=True)
    with pytest.raises(BundleError, match=r"holds a model for each fold: \S*fold0, \S*fold1\."):
        find_bundle(str(tmp_path))

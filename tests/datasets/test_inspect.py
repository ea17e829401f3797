from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from medseg.core.labels import Label, LabelSet
from medseg.core.study import ChannelFile, Dataset, Study
from medseg.datasets.detect import read_dataset
from medseg.datasets.inspect import Inspection, inspect_dataset

Write = Callable[..., Path]
LABELS = LabelSet((Label("NCR", 1), Label("ED", 2), Label("ET", 4)))
SHIFTED = np.eye(4) + np.eye(4, k=3) * 0.5


def inspect(*studies: Study, need_labels: bool = True, names: dict[int, str] | None = None) -> Inspection:
    dataset = Dataset("a test", Path("/data"), studies, tuple(studies[0].channels), names)
    return inspect_dataset(dataset, LABELS, need_labels=need_labels, cache=None)


@pytest.fixture
def study(tmp_path: Path, scan: Write, label: Write) -> Study:
    files = {name: ChannelFile(scan(tmp_path / f"{name}.nii")) for name in ("t1", "flair")}
    return Study("s", "s", files, label(tmp_path / "seg.nii", 1, 2, 2))


def test_a_sound_study_gives_its_facts(study: Study) -> None:
    inspection = inspect(study)
    assert inspection.faults == ()
    (facts,) = inspection.studies
    assert (facts.shape, facts.spacing_mm, facts.voxels) == ((5, 4, 3), (1.0, 1.0, 1.0), {0: 57, 1: 1, 2: 2})


def test_the_digest_follows_the_voxels_and_not_the_folder(study: Study, tmp_path: Path, scan: Write) -> None:
    before = inspect(study).data_digest
    moved = tmp_path / "elsewhere.nii"
    study.channels["t1"].path.rename(moved)
    same = Study("s", "s", {**study.channels, "t1": ChannelFile(moved)}, study.label)
    assert inspect(same).data_digest == before
    scan(moved, np.zeros((5, 4, 3), np.int16))
    assert inspect(same).data_digest != before


def test_all_faults_of_all_studies_are_told_at_once(study: Study, tmp_path: Path, scan: Write, label: Write) -> None:
    half = scan(tmp_path / "half.nii.gz", np.random.default_rng(0).random((9, 9, 9)))
    half.write_bytes(half.read_bytes()[:2000])
    nan = scan(tmp_path / "nan.nii", np.full((5, 4, 3), np.nan, np.float32))
    bad_label = label(tmp_path / "bad.nii", 7, 7, 1, affine=SHIFTED)
    inspection = inspect(
        study,
        Study("files", "p", {"t1": ChannelFile(half), "flair": ChannelFile(nan)}, tmp_path / "none.nii"),
        Study("label", "p", study.channels, bad_label),
        Study("same", "p", {"t1": study.channels["t1"], "flair": study.channels["t1"]}, None),
    )
    assert [facts.id for facts in inspection.studies] == ["s"]
    assert set(inspection.faults_of) == {"files", "label", "same"}
    files, label_faults, same = inspection.faults_of.values()
    assert [fault.split("': ")[1][:12] for fault in files] == ["truncated; t", "60 voxels ar", "no such file"]
    assert label_faults == (
        f"study 'label': label '{bad_label}' lies on another grid than channel t1: "
        "corners lie 0.5 mm apart (limit 0.001 mm); register and resample them onto one grid",
        f"'{bad_label}': label value 7 in 2 voxels; the bundle knows 1 NCR, 2 ED, 4 ET",
    )
    path = study.channels["t1"].path
    assert same == (
        f"study 'same': channel t1 and channel flair are the same file '{path}'",
        "study 'same': has no label file",
    )
    assert len(inspection.faults) == 7


def test_channels_on_different_grids_are_a_fault(study: Study, tmp_path: Path, scan: Write) -> None:
    other = scan(tmp_path / "other.nii", np.zeros((5, 4, 4), np.int16))
    (fault,) = inspect(Study("s", "s", {**study.channels, "flair": ChannelFile(other)}, study.label)).faults
    assert "channel flair lies on another grid than channel t1: shape 5x4x3 against 5x4x4" in fault


def test_studies_may_lie_on_different_grids(study: Study, tmp_path: Path, scan: Write) -> None:
    other = scan(tmp_path / "other.nii", np.zeros((5, 4, 4), np.int16), np.diag([1, 1, 5, 1]))
    second = Study(
        "t",
        "t",
        {
            "t1": ChannelFile(other),
            "flair": ChannelFile(scan(tmp_path / "o2.nii", np.ones((5, 4, 4)), np.diag([1, 1, 5, 1]))),
        },
    )
    assert inspect(study, second, need_labels=False).faults == ()


def test_the_fourth_axis_must_hold_the_channels_named(study: Study, tmp_path: Path, scan: Write) -> None:
    path = scan(tmp_path / "two.nii", np.zeros((2, 5, 4, 3), np.int16))
    assert inspect(Study("s", "s", {"a": ChannelFile(path, 0), "b": ChannelFile(path, 1)}, study.label)).faults == ()
    (fault,) = inspect(Study("s", "s", {"a": ChannelFile(path, 0), "b": ChannelFile(path, 2)}, study.label)).faults
    assert fault == f"'{path}': holds 2 channel(s); b would be number 3"
    (fault,) = inspect(Study("s", "s", {"a": ChannelFile(path)}, study.label)).faults
    assert fault == f"'{path}': holds 2 channels; one is expected"


def test_labels_are_left_alone_where_they_are_not_needed(study: Study, tmp_path: Path) -> None:
    unlabelled = Study("s", "s", study.channels, tmp_path / "none.nii")
    inspection = inspect(unlabelled, need_labels=False)
    assert inspection.faults == ()
    assert inspection.studies[0].voxels is None


def test_label_names_of_the_data_decide_what_a_value_means(study: Study, tmp_path: Path, label: Write) -> None:
    newer = Study("s", "s", study.channels, label(tmp_path / "new.nii", 3))
    assert inspect(newer, names={1: "NCR", 2: "ED", 3: "ET"}).faults == ()
    (fault,) = inspect(newer, names={1: "cyst"}).faults
    assert fault == "the data calls label 1 'cyst'; the bundle knows NCR, ED, ET"


@pytest.mark.realdata
def test_the_real_brats_studies_have_no_fault(real_data: Path, tmp_path: Path) -> None:
    inspection = inspect_dataset(
        read_dataset(real_data / "BraTS2021"), LABELS, need_labels=True, cache=tmp_path / "cache.json"
    )
    assert inspection.faults == ()
    assert {facts.shape for facts in inspection.studies} == {(240, 240, 155)}
    without_et = {facts.id[-5:] for facts in inspection.studies if 4 not in (facts.voxels or {})}
    assert without_et == {"01477", "01480", "01483"}

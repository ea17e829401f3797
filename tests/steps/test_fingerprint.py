"""A data set is read through and measured; whatever is wrong with it is said at once, by file."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import plan_data
import pytest
from plan_data import image_of, image_path, label_of, label_path, save, write_cohort

from medseg.core.errors import DatalistError
from medseg.steps.fingerprint import Found, take_fingerprint


@pytest.fixture
def warned() -> list[str]:
    """Collects warnings: give ``warned.append`` for ``warn``."""
    return []


def fingerprint(folder: Path, modality: str | None = None, *, warn: Callable[[str], None] = pytest.fail) -> Found:
    return take_fingerprint(folder, modality=modality, folder=None, warn=warn)


def refusal(folder: Path, *, warn: Callable[[str], None] = pytest.fail) -> str:
    with pytest.raises(DatalistError) as caught:
        fingerprint(folder, warn=warn)
    return str(caught.value)


def test_a_sound_data_set_says_what_it_holds(tmp_path: Path) -> None:
    found = fingerprint(write_cohort(tmp_path))
    data = found.fingerprint
    assert (data.studies, data.patients, data.source.title) == (5, 5, "Invented")
    assert data.source.channels == ("MRI",)
    assert dict(data.source.labels) == {1: "head", 2: "tail"}
    assert (data.source.modality, data.source.modality_from) == ("MR", "the names of the channels")
    assert set(data.shapes) == {plan_data.SHAPE}
    assert data.labels[1].ml == pytest.approx((0.064,) * 3)  # 4 x 4 x 4 voxels of 1 mm


def test_the_order_of_axes_in_the_files_does_not_matter(tmp_path: Path) -> None:
    """The same bodies, stored from front to back and from right to left."""
    plain, turned = write_cohort(tmp_path / "plain"), write_cohort(tmp_path / "turned")
    affine = np.array([[0.0, -1, 0, 13], [-1, 0, 0, 17], [0, 0, 1, 0], [0, 0, 0, 1]])
    for number in range(5):
        for path, array in ((image_path(turned, number), image_of(number)), (label_path(turned, number), label_of())):
            save(path, np.flip(array.transpose(1, 0, 2), (0, 1)), affine)
    one, other = fingerprint(plain), fingerprint(turned)
    assert [one.measures[f"P{n}"].digest for n in range(5)] == [other.measures[f"P{n}"].digest for n in range(5)]
    assert one.fingerprint.mirroring == other.fingerprint.mirroring
    assert (dict(one.fingerprint.orientations), dict(other.fingerprint.orientations)) == ({"RAS": 5}, {"PLS": 5})


def test_an_axis_along_which_labels_follow_each_other_is_not_mirrored(tmp_path: Path) -> None:
    left_right, back_front, _ = fingerprint(write_cohort(tmp_path)).fingerprint.mirroring
    assert not back_front.allowed
    assert "from head to tail" in back_front.reason
    assert left_right.allowed  # labels in its middle, images of noise


def test_the_same_image_under_two_patients_is_a_fault_that_names_both_files(tmp_path: Path) -> None:
    save(image_path(write_cohort(tmp_path), 3), image_of(1))
    message = refusal(tmp_path)
    assert f"'{image_path(tmp_path, 1)}' and '{image_path(tmp_path, 3)}' hold the same image" in message


def test_a_copied_image_is_named_also_where_the_label_beside_it_does_not_fit(tmp_path: Path) -> None:
    write_cohort(tmp_path)
    save(image_path(tmp_path, 1), image_of(1, (20, 18, 12)))
    save(image_path(tmp_path, 3), image_of(1, (20, 18, 12)))
    save(label_path(tmp_path, 1), label_of((20, 18, 12)))
    message = refusal(tmp_path)
    assert f"label '{label_path(tmp_path, 3)}' lies on another grid" in message
    assert f"'{image_path(tmp_path, 1)}' and '{image_path(tmp_path, 3)}' hold the same image" in message


def test_two_images_of_one_patient_may_be_the_same(tmp_path: Path) -> None:
    save(image_path(write_cohort(tmp_path), 3), image_of(1))
    words = json.loads((tmp_path / "dataset.json").read_text())
    for number, entry in enumerate(words["training"]):
        entry.update(id=f"P{number}", patient="A" if number in (1, 3) else f"patient{number}")
    (tmp_path / "list.json").write_text(json.dumps(words))
    found = fingerprint(tmp_path / "list.json")
    assert (found.fingerprint.studies, found.fingerprint.patients) == (5, 4)


def test_nearly_the_same_image_under_two_patients_is_a_warning_that_names_both_files(
    tmp_path: Path, warned: list[str]
) -> None:
    noise = np.random.default_rng(9).normal(0, 2, plan_data.SHAPE).astype(np.float32)  # a tenth of the deviation
    save(image_path(write_cohort(tmp_path), 3), image_of(1) + noise)
    fingerprint(tmp_path, warn=warned.append)
    (warning,) = warned
    assert warning.startswith("possible leakage: ")
    assert f"'{image_path(tmp_path, 1)}' and '{image_path(tmp_path, 3)}' are nearly the same image" in warning


def test_every_fault_is_told_at_once_and_warnings_too(tmp_path: Path, warned: list[str]) -> None:
    write_cohort(tmp_path)
    save(image_path(tmp_path, 3), image_of(1))
    label = label_of()
    label[0, 0, :3] = 7
    save(label_path(tmp_path, 2), label)
    save(label_path(tmp_path, 4), label_of(), np.diag([1.0, 1.0, 2.0, 1.0]))
    save(image_path(tmp_path, 0), image_of(1) + 0.5 * np.sin(image_of(7)))
    message = refusal(tmp_path, warn=warned.append)
    assert "3 faults" in message
    assert all("possible leakage" in warning and "P0.nii.gz" in warning for warning in warned)
    assert len(warned) == 2  # like P1 and its copy
    assert f"'{image_path(tmp_path, 1)}' and '{image_path(tmp_path, 3)}' hold the same image" in message
    assert f"'{label_path(tmp_path, 2)}': label value 7 in 3 voxels; the data declares 0 background, 1 head" in message
    assert f"label '{label_path(tmp_path, 4)}' lies on another grid" in message


def test_a_label_in_one_study_alone_that_nothing_declares_is_a_warning(tmp_path: Path, warned: list[str]) -> None:
    label = label_of()
    label[0, 0, 0] = 7
    save(label_path(write_cohort(tmp_path, declared=False), 2), label)
    found = fingerprint(tmp_path, "MR", warn=warned.append)
    (warning,) = warned
    assert f"label value 7 is in 1 of 5 studies alone ('{label_path(tmp_path, 2)}')" in warning
    assert dict(found.fingerprint.source.labels) == {1: "label1", 2: "label2", 7: "label7"}


def test_a_label_that_is_declared_and_absent_is_a_warning(tmp_path: Path, warned: list[str]) -> None:
    write_cohort(tmp_path)
    words = json.loads((tmp_path / "dataset.json").read_text())
    words["labels"]["3"] = "horn"
    (tmp_path / "dataset.json").write_text(json.dumps(words))
    fingerprint(tmp_path, warn=warned.append)
    (warning,) = warned
    assert "label 3 'horn' is declared, and in no study" in warning


@pytest.mark.parametrize(("one", "other"), [("CD3+", "CD3-"), ("Head", "head")])
def test_labels_whose_names_mean_the_same_are_a_fault(tmp_path: Path, one: str, other: str) -> None:
    write_cohort(tmp_path)
    words = json.loads((tmp_path / "dataset.json").read_text())
    words["labels"] = {"0": "background", "1": one, "2": other}
    (tmp_path / "dataset.json").write_text(json.dumps(words))
    message = refusal(tmp_path)
    assert f"labels 1 '{one}' and 2 '{other}' differ only in signs or capitals; rename one" in message


def test_one_undeclared_label_is_the_foreground(tmp_path: Path) -> None:
    write_cohort(tmp_path, declared=False)
    for number in range(5):
        save(label_path(tmp_path, number), (label_of() > 0).astype(np.uint8))
    assert dict(fingerprint(tmp_path).fingerprint.source.labels) == {1: "foreground"}


@pytest.mark.parametrize(("single", "refused"), [(4, True), (3, True), (2, False), (5, False)])
def test_single_slices_among_volumes_are_a_fault_where_they_are_the_most(
    tmp_path: Path, single: int, refused: bool
) -> None:
    write_cohort(tmp_path)
    shape = (*plan_data.SHAPE[:2], 1)
    for number in range(single):
        save(image_path(tmp_path, number), image_of(number, shape))
        save(label_path(tmp_path, number), label_of()[:, :, 5:6])
    if not refused:
        assert fingerprint(tmp_path).fingerprint.thin_axis == (2 if single == 5 else None)
        return
    message = refusal(tmp_path)
    assert f"{single} of 5 studies are one voxel thick along bottom-top, others are not" in message
    assert f"('{image_path(tmp_path, 4)}' has 12): plan them apart" in message


def test_two_patients_are_too_few(tmp_path: Path) -> None:
    assert "2 patients with a label cannot be split" in refusal(write_cohort(tmp_path, 2))


def test_data_without_labels_is_refused(tmp_path: Path) -> None:
    write_cohort(tmp_path)
    words = json.loads((tmp_path / "dataset.json").read_text())
    words = {**words, "training": [], "test": [entry["image"] for entry in words["training"]]}
    (tmp_path / "dataset.json").write_text(json.dumps(words))
    assert "none of the 5 studies has a label file to plan from" in refusal(tmp_path)


def test_label_maps_that_are_all_background_are_refused(tmp_path: Path) -> None:
    write_cohort(tmp_path)
    for number in range(5):
        save(label_path(tmp_path, number), np.zeros(plan_data.SHAPE, np.uint8))
    assert "no study has a labelled voxel" in refusal(tmp_path)


def test_studies_without_a_label_are_left_out_with_a_note(tmp_path: Path) -> None:
    write_cohort(tmp_path)
    words = json.loads((tmp_path / "dataset.json").read_text())
    words["test"] = [words["training"].pop(0)["image"]]
    (tmp_path / "dataset.json").write_text(json.dumps(words))
    found = fingerprint(tmp_path)
    assert found.fingerprint.studies == 4
    assert any("1 studies without a label are left out" in note for note in found.notes)


@pytest.mark.parametrize(
    ("channel", "modality"),
    [
        ("MRI", "MR"),
        ("FLAIR", "MR"),
        ("CT", "CT"),
        ("PET", "PT"),
        ("fluorescence microscopy", "microscopy"),
        ("x", "unknown"),
    ],
)
def test_the_modality_is_what_the_channels_are_called(tmp_path: Path, channel: str, modality: str) -> None:
    write_cohort(tmp_path, 3)
    words = json.loads((tmp_path / "dataset.json").read_text())
    (tmp_path / "dataset.json").write_text(json.dumps({**words, "modality": {"0": channel}}))
    assert fingerprint(tmp_path).fingerprint.source.modality == modality


def test_what_the_user_calls_the_modality_counts_more(tmp_path: Path) -> None:
    source = fingerprint(write_cohort(tmp_path), "CT").fingerprint.source
    assert (source.modality, source.modality_from) == ("CT", "--modality")


def test_several_files_of_a_study_are_told_apart_by_their_endings(tmp_path: Path) -> None:
    for place, patient in enumerate(("BraTS2021_00001", "BraTS2021_00002", "BraTS2021_00003")):
        for number, name in enumerate(("t1", "t1ce", "t2", "flair")):
            save(tmp_path / patient / f"{patient}_{name}.nii.gz", image_of(10 * place + number))
        label = label_of()
        label[4, 4, 4] = 4
        save(tmp_path / patient / f"{patient}_seg.nii.gz", label)
    source = fingerprint(tmp_path).fingerprint.source
    assert source.channels == ("t1", "t1c", "t2", "flair")
    assert source.endings == ("_t1", "_t1ce", "_t2", "_flair")


def test_a_description_with_signs_that_monai_takes_for_code_is_made_plain(tmp_path: Path) -> None:
    write_cohort(tmp_path)
    words = json.loads((tmp_path / "dataset.json").read_text())
    (tmp_path / "dataset.json").write_text(json.dumps({**words, "name": "$import os\n#1 @home", "licence": "CC0"}))
    source = fingerprint(tmp_path).fingerprint.source
    assert (source.title, source.licence) == ("import os 1 home", "CC0")

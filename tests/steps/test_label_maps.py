"""Label maps are found in every folder they may lie in; two for one study, or none at all, is told."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from clinic import t1_study
from label_files import boxes, masks_of, nifti, run_json, seg

from medseg.core.errors import DatalistError
from medseg.core.study import ChannelFile
from medseg.steps.label_maps import LabelFile, find_label_maps

NAMES = {"necrosis": 1, "edema": 2, "enhancing": 4}


def some_seg(path: Path) -> Path:
    return seg(path, masks_of(boxes(), NAMES))


def test_a_folder_of_nifti_files_has_a_map_for_each(tmp_path: Path) -> None:
    for name in ("P2.nii", "P1.nii.gz", "._P1.nii.gz"):
        nifti(tmp_path / name)
    (tmp_path / "notes.txt").write_text("not a map")
    found = find_label_maps(tmp_path)
    assert list(found.files) == ["P1", "P2"]
    assert found.files["P1"] == LabelFile("P1", tmp_path / "P1.nii.gz", "nifti", "P1")
    assert (found.layout, found.label_names, found.single) == ("folder of label maps", None, False)


def test_two_files_for_one_study_are_refused_all_at_once(tmp_path: Path) -> None:
    for name in ("P1.nii", "P1.nii.gz", "P2.nii.gz"):
        nifti(tmp_path / name)
    for name in ("P3/a.dcm", "P3/b.dcm", "P4.dcm"):
        some_seg(tmp_path / name)
    with pytest.raises(DatalistError) as caught:
        find_label_maps(tmp_path)
    assert str(caught.value).splitlines() == [
        f"'{tmp_path}': 2 faults",
        "  study 'P1' has 2 label maps (P1.nii, P1.nii.gz); keep one",
        "  study 'P3' has 2 label maps (P3/a.dcm, P3/b.dcm); keep one",
    ]


def test_segs_are_told_from_images_and_reports_by_their_class(tmp_path: Path) -> None:
    some_seg(tmp_path / "P1.dcm")
    some_seg(tmp_path / "P2" / "2019" / "result")  # no ending, in any depth
    t1_study(tmp_path / "P2" / "images")
    t1_study(tmp_path / "P3")
    found = find_label_maps(tmp_path)
    assert {study: (file.path.name, file.kind) for study, file in found.files.items()} == {
        "P1": ("P1.dcm", "seg"),
        "P2": ("result", "seg"),
    }


def test_a_damaged_file_is_a_map_where_the_study_has_no_other(tmp_path: Path) -> None:
    (tmp_path / "P1.dcm").write_bytes(b"no DICOM at all")
    some_seg(tmp_path / "P2" / "seg.dcm")
    (tmp_path / "P2" / "sr.dcm").write_bytes(b"")
    nifti(tmp_path / "P3.nii.gz")
    (tmp_path / "P3").mkdir()
    (tmp_path / "P3" / "seg.dcm").write_bytes(b"")
    found = find_label_maps(tmp_path)
    assert {study: file.path.name for study, file in found.files.items()} == {
        "P1": "P1.dcm",
        "P2": "seg.dcm",
        "P3": "P3.nii.gz",
    }
    assert found.notes == ()


def test_what_an_inference_wrote_is_read_with_the_reasons_of_its_failures(tmp_path: Path) -> None:
    nifti(tmp_path / "P1.nii.gz")
    some_seg(tmp_path / "P1" / "seg.dcm")
    (tmp_path / "P1" / "report.html").write_text("<html></html>")
    some_seg(tmp_path / "P2" / "seg.dcm")
    studies = [
        {"study": "P1", "reason": None, "labels": {"1": 9, "2": 8, "3": 0}, "label_names": {"1": "ED", "3": "ET"}},
        {"study": "P2", "reason": None, "labels": {}},
        {"study": "P3", "reason": "slices 41 and 42 are\n10.0 mm apart", "labels": {}},
    ]
    run_json(tmp_path, studies)
    found = find_label_maps(tmp_path)
    assert {study: file.kind for study, file in found.files.items()} == {"P1": "nifti", "P2": "seg"}
    assert found.files["P1"].written == (1, 2, 3)
    assert found.files["P1"].names == {1: "ED", 3: "ET"}
    assert found.files["P2"].names is None
    assert found.absent == {"P3": "inference failed: slices 41 and 42 are 10.0 mm apart"}
    assert found.layout == "folder that medseg infer wrote"
    assert found.notes == (f"'{tmp_path}': 1 study has a NIfTI file and a DICOM SEG; NIfTI is read",)


def test_an_inference_in_which_all_failed_says_so(tmp_path: Path) -> None:
    run_json(tmp_path, [{"study": "P1", "reason": "no memory"}], outcome="interrupted")
    found = find_label_maps(tmp_path)
    assert (found.files, found.absent) == ({}, {"P1": "inference failed: no memory"})
    assert "did not finish" in found.notes[0]


def test_a_file_of_a_study_that_failed_is_an_older_one_and_not_read(tmp_path: Path) -> None:
    nifti(tmp_path / "P1.nii.gz")
    some_seg(tmp_path / "P2" / "seg.dcm")
    nifti(tmp_path / "P3.nii.gz")
    run_json(tmp_path, [{"study": "P1", "reason": "no memory"}, {"study": "P2", "reason": "slices are missing"}])
    found = find_label_maps(tmp_path)
    assert list(found.files) == ["P3"]
    assert found.absent == {"P1": "inference failed: no memory", "P2": "inference failed: slices are missing"}
    assert [note.partition(":")[0] for note in found.notes] == [
        f"'{tmp_path / 'P1.nii.gz'}' is not read",
        f"'{tmp_path / 'P2' / 'seg.dcm'}' is not read",
    ]


def test_a_record_of_something_else_or_a_damaged_one_changes_nothing(tmp_path: Path) -> None:
    nifti(tmp_path / "P1.nii.gz")
    run_json(tmp_path, [{"study": "P2", "reason": "x"}], verb="train")
    assert find_label_maps(tmp_path).absent == {}
    (tmp_path / "run.json").write_text("{")
    assert "unknown" in find_label_maps(tmp_path).notes[0]


def test_a_dataset_gives_labels_patients_names_and_the_last_channel(phantom_brats: Path) -> None:
    found = find_label_maps(phantom_brats)
    one = next(iter(found.files.values()))
    assert found.label_names == {1: "NCR", 2: "ED", 4: "ET"}
    assert one.path.name == f"{one.study}_seg.nii.gz"
    assert one.image is not None
    assert one.image.path.name == f"{one.study}_flair.nii.gz"
    assert len(found.files) == 4


def test_a_datalist_says_whose_a_study_is_and_which_study_has_no_label(tmp_path: Path) -> None:
    for name in ("a.nii.gz", "b.nii.gz", "label.nii.gz"):
        nifti(tmp_path / name)
    entries = [{"image": "a.nii.gz", "label": "label.nii.gz", "patient": "X"}]
    listed = {"training": entries, "test": [{"image": "b.nii.gz"}], "labels": {"1": "liver"}}
    (tmp_path / "list.json").write_text(json.dumps(listed))
    found = find_label_maps(tmp_path / "list.json")
    file = LabelFile("a", tmp_path / "label.nii.gz", "nifti", "X", ChannelFile(tmp_path / "a.nii.gz"))
    assert found.files == {"a": file}
    assert found.absent == {"b": f"'{tmp_path / 'list.json'}' has no label for it"}
    assert found.label_names == {1: "liver"}


def test_a_dataset_without_labels_is_no_folder_of_references(tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    nifti(tmp_path / "images" / "a.nii.gz")
    with pytest.raises(DatalistError, match="none of its 1 studies has a label"):
        find_label_maps(tmp_path)


def test_names_of_labels_beside_the_maps_are_read(tmp_path: Path) -> None:
    nifti(tmp_path / "P1.nii.gz")
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": {"background": 0, "liver": 1}}))
    assert find_label_maps(tmp_path).label_names == {1: "liver"}
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": {"whole": [1, 2]}}))
    found = find_label_maps(tmp_path)
    assert found.label_names is None
    assert "not used" in found.notes[0]


@pytest.mark.parametrize("name", ["P1.nii.gz", "P1.dcm"])
def test_one_file_is_one_study(tmp_path: Path, name: str) -> None:
    (nifti if name.endswith(".gz") else some_seg)(tmp_path / name)
    found = find_label_maps(tmp_path / name)
    assert found.single
    assert list(found.files) == ["P1"]


def test_a_path_without_a_label_map_says_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "P1").mkdir()
    with pytest.raises(DatalistError, match=r"holds no label map. Found: P1/. Looked for: STUDY.nii.gz"):
        find_label_maps(tmp_path)
    with pytest.raises(DatalistError, match="does not exist"):
        find_label_maps(tmp_path / "absent")
    (tmp_path / "text.txt").write_text("hello")
    with pytest.raises(DatalistError, match="is no label map"):
        find_label_maps(tmp_path / "text.txt")


def test_what_is_found_goes_to_other_processes(tmp_path: Path) -> None:
    nifti(tmp_path / "P1.nii.gz", np.zeros((2, 2, 2), np.uint8))
    found = find_label_maps(tmp_path)
    assert pickle.loads(pickle.dumps(found)) == found


@pytest.mark.realdata
def test_real_datasets_give_the_label_files_of_their_folders(real_data: Path) -> None:
    dataset, folder = (find_label_maps(real_data / "Task04_Hippocampus" / name) for name in (".", "labelsTr"))
    assert {study: file.path.name for study, file in dataset.files.items()} == {
        study: file.path.name for study, file in folder.files.items()
    }
    assert dataset.label_names is not None
    assert list(dataset.label_names) == [1, 2]
    assert find_label_maps(real_data / "BraTS2021").label_names == {1: "NCR", 2: "ED", 4: "ET"}

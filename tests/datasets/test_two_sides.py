import json
from itertools import combinations
from pathlib import Path

import nibabel
import numpy as np
import pytest

from medseg.core.split import split_by_patient
from medseg.core.study import Dataset, Study
from medseg.datasets.decathlon import read_decathlon
from medseg.datasets.nnunet import read_nnunet
from medseg.datasets.two_sides import NOTE, with_two_sides

TASK04 = {"name": "Hippocampus", "description": "Left and right hippocampus segmentation"}


def dataset(*ids: str, patient: str | None = None) -> Dataset:
    return Dataset("", Path(), tuple(Study(name, patient or name, {}) for name in ids), ("t1",))


def test_neighbours_are_one_person() -> None:
    found = with_two_sides(dataset("hippocampus_001", "hippocampus_002", "hippocampus_003", "hippocampus_100"), TASK04)
    assert [study.patient[-3:] for study in found.studies] == ["001", "001", "002", "050"]
    assert found.notes == (NOTE,)


@pytest.mark.parametrize("description", [{"name": "Dataset004_Hippocampus"}, {"description": TASK04["description"]}])
def test_other_copies_of_it_are_known_too(description: dict[str, str]) -> None:
    assert with_two_sides(dataset("hippocampus_001"), description).notes == (NOTE,)


@pytest.mark.parametrize(
    ("ids", "description"),
    [
        (("hippocampus_001", "liver_001"), TASK04),
        (("hippocampus_001", "hippocampus_002"), {"name": "Ours"}),
        (("hippocampus_0001",), TASK04),
        (("patient_001", "patient_002"), TASK04),
    ],
)
def test_any_other_data_stays_as_it_is(ids: tuple[str, ...], description: dict[str, str]) -> None:
    assert with_two_sides(dataset(*ids), description) == dataset(*ids)


def test_a_patient_that_the_list_names_stays() -> None:
    named = dataset("hippocampus_001", patient="someone")
    assert with_two_sides(named, TASK04) == named


def test_no_person_is_on_two_parts_of_a_split() -> None:
    studies = with_two_sides(dataset(*(f"hippocampus_{n:03d}" for n in range(1, 100))), TASK04).studies
    for fold in range(5):
        split = split_by_patient(studies, fold=fold, folds=5, validation_share=0.1, seed=0)
        parts = [
            {(int(name[-3:]) + 1) // 2 for name in part} for part in (split.train, split.validation, split.holdout)
        ]
        assert not any(one & other for one, other in combinations(parts, 2))


@pytest.mark.parametrize("layout", ["decathlon", "nnunet"])
def test_both_layouts_of_it_know_them(layout: str, tmp_path: Path) -> None:
    ending = "" if layout == "decathlon" else "_0000"
    image = nibabel.Nifti1Image(np.zeros((2, 2, 2), np.uint8), np.eye(4))
    names = ("hippocampus_003", "hippocampus_004")
    for name in names:
        for path in (tmp_path / "imagesTr" / f"{name}{ending}.nii.gz", tmp_path / "labelsTr" / f"{name}.nii.gz"):
            path.parent.mkdir(exist_ok=True)
            nibabel.save(image, path)
    listed = [{"image": f"imagesTr/{name}.nii.gz", "label": f"labelsTr/{name}.nii.gz"} for name in names]
    description = TASK04 | {"labels": {"background": 0, "x": 1}, "channel_names": {"0": "T1"}, "file_ending": ".nii.gz"}
    if layout == "decathlon":
        description = TASK04 | {"labels": {"0": "background", "1": "x"}, "modality": {"0": "T1"}, "training": listed}
    (tmp_path / "dataset.json").write_text(json.dumps(description))
    found = (read_decathlon if layout == "decathlon" else read_nnunet)(tmp_path)
    assert {study.patient for study in found.studies} == {"hippocampus_person_002"}


@pytest.mark.realdata
def test_the_files_show_who_belongs_together(real_data: Path) -> None:
    """Both crops of a scan were scaled alike, so their stored values lie on steps of one length."""
    steps = {}
    for path in sorted((real_data / "Task04_Hippocampus" / "imagesTr").glob("hippocampus_*.nii.gz")):
        values = np.asanyarray(nibabel.load(path).dataobj)
        if values.dtype == np.float32:
            steps[int(path.name[12:15])] = float(np.median(np.diff(np.unique(values).astype(np.float64))))
    alike = {pair: abs(steps[pair[0]] / steps[pair[1]] - 1) < 1e-4 for pair in combinations(sorted(steps), 2)}
    together = [pair for pair in alike if (pair[0] + 1) // 2 == (pair[1] + 1) // 2]
    assert len(together) > 40
    assert all(alike[pair] for pair in together)
    assert sum(alike.values()) - len(together) < len(alike) / 1000

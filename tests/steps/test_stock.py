"""What lies at a path: series, files, results and litter, with verdicts, as a table and as JSON."""

import json
from pathlib import Path

import clinic
import nibabel
import numpy as np
import pytest

from medseg.steps.stock import Item, Stock, table, take_stock

_KEYS = ["study", "series", "description", "modality", "shape", "spacing_mm", "verdict", "code", "reason", "warnings"]


def _nifti(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(clinic.scan().array[0], clinic.AXIAL), path)
    return path


def test_a_series_stands_with_its_geometry_and_verdict(tmp_path: Path) -> None:
    (item,) = take_stock(clinic.t1_study(tmp_path)).items
    assert (item.study, item.number, item.description, item.modality) == ("1.2.3.1", 1, "T1 MPRAGE", "MR")
    assert item.shape == clinic.SHAPE
    assert item.spacing_mm == pytest.approx((1, 1, 2))
    assert item.verdict.accepted
    assert item.study_name.startswith("study-")


def test_json_has_the_promised_keys_and_plain_values(tmp_path: Path) -> None:
    clinic.t1_study(tmp_path / "dicom")
    _nifti(tmp_path / "nifti" / "a.nii.gz")
    (tmp_path / "nifti" / "b.nii.gz").write_bytes(b"hello")
    for item in take_stock(tmp_path).items:
        values = json.loads(json.dumps(item.as_json()))
        assert list(values) == _KEYS
        assert values["verdict"] in ("accepted", "refused")
        assert (values["shape"] is None) == (values["verdict"] == "refused")


def test_a_refused_series_says_why(tmp_path: Path) -> None:
    stock = take_stock(clinic.lose_slice(clinic.t1_study(tmp_path)))
    values = stock.items[0].as_json()
    assert (values["verdict"], values["code"]) == ("refused", "slice_missing")
    assert "1 slice missing" in values["reason"]
    assert not stock.sound


def test_pixels_are_looked_at_too(tmp_path: Path) -> None:
    path = clinic.t1_study(tmp_path) / "IM0005.dcm"
    path.write_bytes(path.read_bytes()[:-300])
    stock = take_stock(tmp_path)
    assert stock.items[0].verdict.code == "truncated"
    assert not stock.sound


def test_results_are_listed_and_not_counted(tmp_path: Path) -> None:
    clinic.t1_study(tmp_path / "t1")
    clinic.add_results(tmp_path / "results")
    stock = take_stock(tmp_path)
    assert [(item.modality, item.is_image) for item in stock.items] == [("MR", True), ("SEG", False), ("SR", False)]
    assert {item.verdict.code for item in stock.items if not item.is_image} == {"result_object"}
    assert stock.sound


def test_results_alone_are_nothing_to_segment(tmp_path: Path) -> None:
    assert not take_stock(clinic.add_results(tmp_path)).sound


def test_litter_is_counted_and_refuses_nothing(tmp_path: Path) -> None:
    clinic.t1_study(tmp_path / "t1")
    (tmp_path / "letter.txt").write_text("dear colleague")
    (tmp_path / "page.html").write_text("<p>")
    (tmp_path / "done").touch()
    stock = take_stock(tmp_path)
    assert stock.sound
    assert stock.damaged == ()
    assert [note for note in stock.notes if "2 files left out: neither DICOM nor NIfTI" in note]
    assert [note for note in stock.notes if "done': empty file" in note]


def test_a_damaged_dicom_file_alone_makes_the_folder_unsound(tmp_path: Path) -> None:
    clinic.t1_study(tmp_path / "good")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "x").write_bytes((tmp_path / "good" / "IM0001.dcm").read_bytes()[:200])
    stock = take_stock(tmp_path)
    assert len(stock.damaged) == 1
    assert not stock.sound
    assert [line for line in table(stock) if line.startswith("refused [")]


def test_an_empty_nifti_file_is_told_of_once(tmp_path: Path) -> None:
    _nifti(tmp_path / "a.nii.gz")
    (tmp_path / "b.nii.gz").touch()
    (tmp_path / "c.txt").write_text("x")
    stock = take_stock(tmp_path)
    assert [(item.series, item.verdict.code) for item in stock.items] == [
        ("a.nii.gz", "accepted"),
        ("b.nii.gz", "nifti_unreadable"),
    ]
    assert stock.damaged == ()
    assert stock.notes == ("1 file left out: neither DICOM nor NIfTI",)


def test_an_empty_nifti_file_beside_slices_does_not_upset_the_count(tmp_path: Path) -> None:
    clinic.t1_study(tmp_path)
    (tmp_path / "b.nii.gz").touch()
    (tmp_path / "c.txt").write_text("x")
    assert take_stock(tmp_path).notes == ("1 file left out: neither DICOM nor NIfTI",)


def test_links_that_lead_upward_end(tmp_path: Path) -> None:
    _nifti(tmp_path / "a" / "x.nii.gz")
    for name in ("one", "two", "three"):
        (tmp_path / name).symlink_to(tmp_path, target_is_directory=True)
    assert len(take_stock(tmp_path).items) == 1


def test_one_file_is_looked_at_alone(tmp_path: Path) -> None:
    (item,) = take_stock(_nifti(tmp_path / "a.nii.gz")).items
    assert item.verdict.accepted
    clinic.t1_study(tmp_path / "t1")
    (item,) = take_stock(tmp_path / "t1" / "IM0001.dcm").items
    assert item.verdict.code == "too_few_slices"


def test_select_and_tilt_are_passed_on(tmp_path: Path) -> None:
    clinic.tilt(clinic.t1_study(tmp_path / "tilted"))
    assert take_stock(tmp_path).items[0].verdict.code == "tilt"
    assert take_stock(tmp_path, resample_tilt=True).sound


def test_the_table_groups_by_study_and_gives_every_reason_a_line(tmp_path: Path) -> None:
    clinic.t1_study(tmp_path / "a", study="1.2.3.5")
    clinic.lose_slice(clinic.t1_study(tmp_path / "b", study="1.2.3.6"))
    _nifti(tmp_path / "c" / "x.nii.gz")
    lines = list(table(take_stock(tmp_path)))
    heads = [line for line in lines if not line.startswith(" ")]
    assert [head.split()[-1] for head in heads] == ["1.2.3.5", "1.2.3.6", str(tmp_path / "c")]
    assert [line for line in lines if line.startswith("      [slice_missing] series 1 'T1 MPRAGE' (MR): gap of 4 mm")]
    assert [line for line in lines if "x.nii.gz" in line and "24x28x20" in line and "1 x 1 x 2 mm" in line]


def test_an_empty_folder_holds_nothing(tmp_path: Path) -> None:
    stock = take_stock(tmp_path)
    assert stock == Stock((), (), ())
    assert list(table(stock)) == []
    assert not stock.sound


def test_numpy_spacing_becomes_plain_numbers() -> None:
    from medseg.core.verdict import Verdict

    spacing = tuple(np.float32([0.1, 1, 2]))
    item = Item("1", "study-1", "2", None, "", "MR", (1, 2, 3), spacing, Verdict())
    assert json.loads(json.dumps(item.as_json()))["spacing_mm"] == [0.1, 1.0, 2.0]

"""Volumes are read from reports of other makers, in their units; what is no report is refused."""

from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
from dicom_results import ALGORITHM, EDEMA, NECROSIS, small_series
from pydicom import Dataset

from medseg.core.errors import FileError, OutputError
from medseg.io.dicom_sr import write_sr
from medseg.io.dicom_sr_read import read_sr_volumes, verify_sr


def report(folder: Path, edit: Callable[[Dataset], None]) -> Path:
    path = folder / "sr.dcm"
    write_sr(path, small_series(folder / "ct"), None, [(EDEMA, 2.5), (NECROSIS, 1.0)], algorithm=ALGORITHM)
    dataset = pydicom.dcmread(path)
    edit(dataset)
    dataset.save_as(path)
    return path


def items_of(dataset: Dataset, name: str) -> list[Dataset]:
    found = []
    for item in dataset.get("ContentSequence") or ():
        found += [item] if item.ConceptNameCodeSequence[0].CodeValue == name else items_of(item, name)
    return found


def in_unit(unit: str) -> Callable[[Dataset], None]:
    def edit(dataset: Dataset) -> None:
        for item in items_of(dataset, "118565006"):
            item.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue = unit

    return edit


@pytest.mark.parametrize(("unit", "factor"), [("mm3", 1e-3), ("ml", 1), ("dm3", 1e3)])
def test_units_become_millilitres(tmp_path: Path, unit: str, factor: float) -> None:
    read = read_sr_volumes(report(tmp_path, in_unit(unit)))
    assert read == pytest.approx({"edema": 2.5 * factor, "necrosis": factor})


def test_an_unknown_unit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="A volume in 'mm2'; known are cm3"):
        read_sr_volumes(report(tmp_path, in_unit("mm2")))


def test_two_volumes_of_one_name_are_refused(tmp_path: Path) -> None:
    def edit(dataset: Dataset) -> None:
        for item in items_of(dataset, "112039"):
            item.TextValue = "tumour"

    with pytest.raises(FileError, match="two volumes of 'tumour'"):
        read_sr_volumes(report(tmp_path, edit))


def test_a_group_without_tracking_goes_by_its_finding(tmp_path: Path) -> None:
    def edit(dataset: Dataset) -> None:
        for group in items_of(dataset, "125007"):
            group.ContentSequence = [
                item for item in group.ContentSequence if item.ConceptNameCodeSequence[0].CodeValue != "112039"
            ]

    assert list(read_sr_volumes(report(tmp_path, edit))) == ["Edema", "Necrosis"]


def test_what_is_no_report_is_refused(tmp_path: Path) -> None:
    small_series(tmp_path / "ct")
    with pytest.raises(FileError, match="not a structured report, its modality is 'CT'"):
        read_sr_volumes(tmp_path / "ct" / "IM0001.dcm")
    (tmp_path / "text.dcm").write_bytes(b"no DICOM at all")
    with pytest.raises(FileError, match="cannot be read as DICOM"):
        read_sr_volumes(tmp_path / "text.dcm")


@pytest.mark.realdata
def test_a_report_of_dcmqi_is_read(real_data: Path) -> None:
    path = real_data / "dicom" / "seg_sr_dcmqi" / "data" / "sr-example" / "sr.dcm"
    assert read_sr_volumes(path) == pytest.approx({"primary tumor": 33.5824})


def test_a_report_just_written_agrees_with_its_volumes(tmp_path: Path) -> None:
    verify_sr(report(tmp_path, lambda _: None), {"edema": 2.5, "necrosis": 1.0})


def test_a_volume_that_changed_on_its_way_is_found(tmp_path: Path) -> None:
    def edit(dataset: Dataset) -> None:
        items_of(dataset, "118565006")[0].MeasuredValueSequence[0].NumericValue = "2.51"

    with pytest.raises(OutputError, match=r"2\.51 ml of 'edema', not 2\.5 ml"):
        verify_sr(report(tmp_path, edit), {"edema": 2.5, "necrosis": 1.0})


def test_a_structure_that_is_not_reported_is_found(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="reports edema, necrosis, not edema, necrosis, tumour"):
        verify_sr(report(tmp_path, lambda _: None), {"edema": 2.5, "necrosis": 1.0, "tumour": 3.5})


@pytest.mark.parametrize("volume_ml", [0.0, 1 / 3, 1e-9 / 3, 1234567.891234567, 2 / 3 * 1e7])
def test_no_volume_loses_more_digits_than_a_decimal_string_must(tmp_path: Path, volume_ml: float) -> None:
    path = tmp_path / "sr.dcm"
    write_sr(path, small_series(tmp_path / "ct"), None, [(EDEMA, volume_ml)], algorithm=ALGORITHM)
    verify_sr(path, {"edema": volume_ml})

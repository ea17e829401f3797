"""The phantom study looks as a scanner's would: four sequences, one study, one place."""

from pathlib import Path

import numpy as np
import pydicom
import pytest

from medseg.core.errors import OutputError, UsageError
from medseg.datasets.phantom_dicom import write_phantom_study


@pytest.fixture(scope="module")
def brain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_phantom_study(tmp_path_factory.mktemp("study") / "brain", seed=3)


def headers(folder: Path) -> dict[str, pydicom.Dataset]:
    return {part.name: pydicom.dcmread(part / "IM0001.dcm") for part in folder.iterdir()}


def test_the_brain_tumour_has_four_sequences_that_their_headers_tell_apart(brain: Path) -> None:
    found = headers(brain)
    assert found.keys() == {"t1", "t1c", "t2", "flair"}
    assert [name for name, header in found.items() if "ContrastBolusAgent" in header] == ["t1c"]
    assert [name for name, header in found.items() if "InversionTime" in header] == ["flair"]
    assert found["flair"].ScanningSequence == ["SE", "IR"]
    assert (found["flair"].RepetitionTime, found["flair"].EchoTime, found["flair"].InversionTime) == (9000, 90, 2500)
    assert (found["t2"].RepetitionTime, found["t2"].EchoTime) == (4000, 90)
    assert (found["t1"].RepetitionTime, found["t1"].EchoTime) == (500, 10)


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "FrameOfReferenceUID", "ImagePositionPatient", "PatientID"])
def test_its_series_share_study_and_place(brain: Path, keyword: str) -> None:
    assert len({str(header[keyword].value) for header in headers(brain).values()}) == 1
    assert len({header.SeriesInstanceUID for header in headers(brain).values()}) == 4


def test_it_is_oblique_axial_with_the_top_last(brain: Path) -> None:
    first, last = (pydicom.dcmread(sorted((brain / "t1").iterdir())[n]) for n in (0, -1))
    cosines = np.array(first.ImageOrientationPatient, float)
    assert cosines[0] > 0.9
    assert cosines[4] > 0.9
    assert np.abs(cosines).max() < 0.999
    assert last.ImagePositionPatient[2] > first.ImagePositionPatient[2]


def test_the_hippocampus_is_one_series_of_whole_numbers(tmp_path: Path) -> None:
    found = headers(write_phantom_study(tmp_path / "study", kind="hippocampus"))
    assert found.keys() == {"t1"}
    assert "RescaleSlope" not in found["t1"]
    assert len(list((tmp_path / "study" / "t1").iterdir())) >= 30
    assert found["t1"].pixel_array.max() > 500


def test_given_attributes_stand_in_every_series(tmp_path: Path) -> None:
    folder = write_phantom_study(tmp_path / "a", kind="hippocampus", attributes={"PatientName": "Planted^Name"})
    assert {str(header.PatientName) for header in headers(folder).values()} == {"Planted^Name"}


def test_the_same_seed_is_the_same_study_and_another_another(tmp_path: Path) -> None:
    paths = [
        write_phantom_study(tmp_path / name, kind="hippocampus", seed=seed) / "t1" / "IM0010.dcm"
        for name, seed in [("a", 1), ("b", 1), ("c", 2)]
    ]
    first, again, other = (path.read_bytes() for path in paths)
    assert first == again != other
    assert pydicom.dcmread(paths[0]).StudyInstanceUID != pydicom.dcmread(paths[2]).StudyInstanceUID


def test_a_kind_that_is_not_there_and_a_full_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="hippocampus"):
        write_phantom_study(tmp_path / "new", kind="liver")
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(OutputError, match="new folder"):
        write_phantom_study(tmp_path)

"""Sources of every kind are referenced by their own instances and frames, and left as they were."""

import copy
import dataclasses
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_results import (
    AFFINE,
    ALGORITHM,
    CODED,
    by_dcmqi,
    dciodvfy_errors,
    label_map,
    numbered,
    small_series,
)

from medseg.core.errors import OutputError
from medseg.io.dicom import find_series
from medseg.io.dicom_seg import write_seg
from medseg.io.dicom_seg_verify import verify_seg


def test_writing_leaves_the_series_as_it_was(tmp_path: Path) -> None:
    series = small_series(tmp_path / "ct")
    before = copy.deepcopy([one.header for one in series.slices])
    write_seg(tmp_path / "seg.dcm", label_map(), series, CODED, algorithm=ALGORITHM)
    assert [one.header for one in series.slices] == before


def test_identity_that_is_absent_or_malformed_hinders_nothing(tmp_path: Path) -> None:
    series = small_series(tmp_path / "ct")
    for one in series.slices:
        one.header.PatientSex, one.header.StudyDate = "unknown", "2020-01-02"
        for keyword in ("PatientName", "PatientBirthDate", "AccessionNumber", "StudyID", "StudyTime"):
            delattr(one.header, keyword)
    write_seg(tmp_path / "seg.dcm", label_map(), series, CODED, algorithm=ALGORITHM)
    seg = pydicom.dcmread(tmp_path / "seg.dcm")
    assert (seg.PatientSex, seg.StudyDate, str(seg.PatientName), seg.ContentDate) == ("", "", "", "19000101")


def test_frames_of_one_object_are_referenced_by_their_number(tmp_path: Path) -> None:
    series = small_series(tmp_path / "ct")
    shared = series.slices[0].header
    order = [6, 5, 4, 3, 2, 1, 0]  # the last slice is the first frame
    slices = [
        dataclasses.replace(one, header=shared, frame=frame) for one, frame in zip(series.slices, order, strict=True)
    ]
    framed = dataclasses.replace(series, slices=tuple(slices))
    facts = write_seg(tmp_path / "seg.dcm", label_map(), framed, CODED, algorithm=ALGORITHM)
    seg = pydicom.dcmread(tmp_path / "seg.dcm")
    assert len(seg.ReferencedSeriesSequence[0].ReferencedInstanceSequence) == 1
    places = np.array([one.position_lps for one in slices])
    for frame in seg.PerFrameFunctionalGroupsSequence:
        away = np.linalg.norm(places - np.array(frame.PlanePositionSequence[0].ImagePositionPatient, float), axis=1)
        source = frame.DerivationImageSequence[0].SourceImageSequence[0]
        assert source.ReferencedFrameNumber == order[int(np.argmin(away))] + 1
    verify_seg(tmp_path / "seg.dcm", label_map(), framed, facts)


def test_a_tilted_series_carries_the_straight_grid(tmp_path: Path) -> None:
    series = dataclasses.replace(small_series(tmp_path / "ct"), tilt_mm=(0.0, 1.3))
    straight, labels = AFFINE.copy(), np.zeros((11, 15, 7), np.uint8)
    straight[:3, 3] += straight[:3, 1] * -2
    labels[2:4, 12:14, 5] = 2
    with pytest.raises(OutputError, match="tell on which straight grid"):
        write_seg(tmp_path / "seg.dcm", labels, series, CODED, algorithm=ALGORITHM)
    facts = write_seg(tmp_path / "seg.dcm", labels, series, CODED, algorithm=ALGORITHM, affine_ras=straight)
    verify_seg(tmp_path / "seg.dcm", labels, series, facts, affine_ras=straight)
    seg = pydicom.dcmread(tmp_path / "seg.dcm")
    assert (seg.Rows, seg.Columns) == (15, 11)
    expected = (straight @ [0, 0, 5, 1])[:3] * [-1, -1, 1]
    position = seg.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0].ImagePositionPatient
    assert np.allclose(position, expected, atol=1e-9)


@pytest.mark.realdata
@pytest.mark.external
@pytest.mark.parametrize(
    ("folder", "select"),
    [
        ("mr_braintumor_4seq", {}),  # oblique, four series
        ("mr_sag_HFS", {}),
        ("mr_enh_philips_b0", {"EchoTime": "1.52"}),  # enhanced multi-frame, as is the next
        ("mr_enh_xa10_4d", {"TemporalPositionIndex": "1"}),
    ],
)
def test_real_series_carry_a_seg_that_dcmqi_and_dciodvfy_take(
    real_data: Path, tmp_path: Path, folder: str, select: dict[str, str]
) -> None:
    found = find_series(real_data / "dicom" / folder, select=select).series
    assert found
    for n, series in enumerate(found):
        assert series.shape is not None
        assert series.affine_ras is not None
        labels, path = np.zeros(series.shape, np.uint8), tmp_path / f"{n}.dcm"
        labels[10:19, 5:19, 1:4], labels[25:33, 5:8, 2:], labels[0, -1, -1] = 1, 2, 4
        facts = write_seg(path, labels, series, CODED, algorithm=ALGORITHM)
        verify_seg(path, labels, series, facts)
        assert dciodvfy_errors(path) == []
        assert np.array_equal(by_dcmqi(path, tmp_path / f"{n}", labels.shape, series.affine_ras), numbered(labels))
        references = pydicom.dcmread(path).ReferencedSeriesSequence[0].ReferencedInstanceSequence
        assert len(references) == len(series.files)

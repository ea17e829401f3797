"""Coded labels become segments; what has no code, or one that DICOM cannot hold, is refused."""

import dataclasses
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_results import (
    ALGORITHM,
    CODED,
    KIDNEY,
    WHOLE,
    label_map,
    small_series,
)

from medseg.core.coding import CodedLabel
from medseg.core.errors import OutputError
from medseg.io.dicom_seg import write_seg


def test_a_value_without_a_code_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"values \[4\] have no coded label; coded are \[1, 2, 7\]"):
        write_seg(
            tmp_path / "seg.dcm",
            label_map(),
            small_series(tmp_path / "ct"),
            [one for one in CODED if one is not KIDNEY],
            algorithm=ALGORITHM,
        )


def test_regions_alone_make_no_seg(tmp_path: Path) -> None:
    series, nothing = small_series(tmp_path / "ct"), np.zeros_like(label_map())
    with pytest.raises(OutputError, match="no label of one value is coded"):
        write_seg(tmp_path / "seg.dcm", nothing, series, [WHOLE], algorithm=ALGORITHM)


def test_codes_that_dicom_cannot_hold_are_all_named(tmp_path: Path) -> None:
    long = CodedLabel("x" * 65, (2,), KIDNEY.category, dataclasses.replace(KIDNEY.type, meaning="y" * 65))
    coded = [CODED[0], long, dataclasses.replace(KIDNEY, category=dataclasses.replace(KIDNEY.category, value=""))]
    with pytest.raises(OutputError, match=r"3 faults(.|\n)*1 to 64 letters(.|\n)*too long(.|\n)*lacks code value"):
        write_seg(tmp_path / "seg.dcm", label_map(), small_series(tmp_path / "ct"), coded, algorithm=ALGORITHM)


def test_the_first_of_two_names_for_a_value_is_the_segment(tmp_path: Path) -> None:
    series, again = small_series(tmp_path / "ct"), dataclasses.replace(CODED[0], name="core")
    facts = write_seg(tmp_path / "seg.dcm", label_map(), series, [*CODED, again], algorithm=ALGORITHM)
    assert [one.name for one in facts.segments] == ["necrosis", "edema", "left kidney", "cyst"]


def test_each_part_of_the_algorithm_is_one_parameter_whatever_signs_it_holds(tmp_path: Path) -> None:
    parts = (("member 1", "a 1 sha256 0a"), ("mirrored axes", "0, with = sign"))
    made = dataclasses.replace(ALGORITHM, parts=parts)
    write_seg(tmp_path / "seg.dcm", label_map(), small_series(tmp_path / "ct"), CODED, algorithm=made)
    segment = pydicom.dcmread(tmp_path / "seg.dcm").SegmentSequence[0]
    told = segment.SegmentationAlgorithmIdentificationSequence[0].AlgorithmParameters
    assert dict(one.split("=") for one in told.split(",")) == {
        "bundle_sha256": ALGORITHM.digest,
        "member_1": "a 1 sha256 0a",
        "mirrored_axes": "0; with : sign",
    }

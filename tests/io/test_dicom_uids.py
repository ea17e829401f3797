"""The same parts give the same UID, others another; a series that cannot be referenced is refused."""

import dataclasses
from pathlib import Path

import pytest
from dicom_results import small_series

from medseg.core.errors import DicomError
from medseg.io.dicom_uids import derived_uid, instances_of, require_uids


def test_a_uid_is_valid_repeatable_and_tells_parts_apart() -> None:
    uid = derived_uid("seg", "ab", "c")
    assert uid == derived_uid("seg", "ab", "c")
    assert uid != derived_uid("seg", "a", "bc")
    assert uid.startswith("2.25.")
    assert len(uid) <= 64
    assert int(uid.removeprefix("2.25.")) < 2**128


def test_instances_are_named_in_the_order_of_slices_with_their_frames(tmp_path: Path) -> None:
    series = small_series(tmp_path)
    uids = [one.header.SOPInstanceUID for one in series.slices]
    assert instances_of(series) == " ".join(uids)
    framed = dataclasses.replace(series, slices=tuple(dataclasses.replace(one, frame=3) for one in series.slices))
    assert instances_of(framed).split()[0] == f"{uids[0]}#3"


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SOPInstanceUID", "SOPClassUID", "FrameOfReferenceUID"])
def test_a_series_without_uids_is_refused_by_name(tmp_path: Path, keyword: str) -> None:
    series = small_series(tmp_path)
    setattr(series.slices[2].header, keyword, "")
    with pytest.raises(DicomError, match=f"DICOM output impossible, the source has no {keyword} in 1 of 7") as refused:
        require_uids(series)
    assert refused.value.code == "no_uids"

from collections.abc import Callable
from pathlib import Path

import pytest

from medseg.core.errors import DatalistError
from medseg.core.study import ChannelFile
from medseg.datasets.datalist import is_datalist, read_datalist

Write = Callable[..., Path]


def test_paths_are_relative_to_the_list_and_patients_are_kept(tmp_path: Path, scan: Write, description: Write) -> None:
    for name in ("a_t1", "a_t2", "b_t1", "b_t2", "seg"):
        scan(tmp_path / "scans" / f"{name}.nii")
    path = description(
        tmp_path / "lists" / "list.json",
        training=[
            {
                "image": ["../scans/a_t1.nii", "../scans/a_t2.nii"],
                "label": "../scans/seg.nii",
                "patient": "P",
                "fold": 0,
            }
        ],
        testing=[{"image": ["../scans/b_t1.nii", str(tmp_path / "scans" / "b_t2.nii")]}],
    )
    assert is_datalist(path)
    dataset = read_datalist(path)
    first, second = dataset.studies
    assert (first.id, first.patient, second.id, second.patient) == ("a", "P", "b", "b")
    assert first.channels["channel1"] == ChannelFile(tmp_path / "scans" / "a_t2.nii")
    assert (first.label, second.label) == (tmp_path / "scans" / "seg.nii", None)
    assert dataset.channel_names == ("channel0", "channel1")
    assert dataset.notes == ("the 'fold' numbers of the list are not used; medseg splits by patient itself",)
    assert dataset.root == path


def test_one_image_is_called_image_and_given_names_count(tmp_path: Path, scan: Write, description: Write) -> None:
    scan(tmp_path / "a.nii")
    entry = {"image": "a.nii", "label": "a.nii", "id": "study-1"}
    assert read_datalist(description(tmp_path / "1.json", training=[entry])).channel_names == ("image",)
    named = read_datalist(description(tmp_path / "2.json", training=[entry], channel_names={"0": "flair"}))
    assert named.channel_names == ("flair",)
    assert named.studies[0].id == "study-1"


def test_equal_file_names_are_told_apart_by_their_folders(tmp_path: Path, scan: Write, description: Write) -> None:
    for patient in ("P1", "P2"):
        scan(tmp_path / patient / "mr.nii")
    listed = [{"image": f"{p}/mr.nii"} for p in ("P1", "P2")]
    assert [s.id for s in read_datalist(description(tmp_path / "l.json", test=listed)).studies] == ["P1_mr", "P2_mr"]


@pytest.mark.parametrize(
    ("training", "fault"),
    [
        ([{"label": "a.nii"}], r"training\[0\]: no image path"),
        ([{"image": []}], r"training\[0\]: no image path"),
        ([3], r"training\[0\]: no image path"),
        ([{"image": "a.nii", "label": ["a.nii"]}], "one path is wanted"),
        (
            [{"image": ["a.nii"] * n, "label": "a.nii"} for n in (2, 3)],
            r"training\[0\]: 2 image files; the list names 3",
        ),
        ([{"image": "a.jpg", "label": "a.nii"}], r"a\.jpg' has an unknown file format"),
        ({"image": "a.nii"}, "'training' is a dict; a list of studies"),
    ],
)
def test_entries_that_cannot_be_read_are_named(
    tmp_path: Path, scan: Write, description: Write, training: object, fault: str
) -> None:
    scan(tmp_path / "a.nii")
    (tmp_path / "a.jpg").touch()
    with pytest.raises(DatalistError, match=fault):
        read_datalist(description(tmp_path / "list.json", training=training))

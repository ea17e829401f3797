from collections.abc import Callable
from pathlib import Path

import pytest

from medseg.core.errors import DatalistError
from medseg.datasets.detect import DATASETS, read_dataset

Write = Callable[..., Path]


def brats(folder: Path, scan: Write, label: Write, description: Write) -> Path:
    for part in ("t1", "t1ce", "t2", "flair", "seg"):
        scan(folder / "A" / f"A_{part}.nii.gz")
    return folder


def decathlon(folder: Path, scan: Write, label: Write, description: Write) -> Path:
    scan(folder / "imagesTr" / "a.nii.gz")
    label(folder / "labelsTr" / "a.nii.gz", 1)
    listed = [{"image": "imagesTr/a.nii.gz", "label": "labelsTr/a.nii.gz"}]
    return description(folder / "dataset.json", modality={"0": "CT"}, training=listed).parent


def datalist(folder: Path, scan: Write, label: Write, description: Write) -> Path:
    scan(folder / "a.nii.gz")
    return description(folder / "list.json", test=["a.nii.gz"])


def nnunet(folder: Path, scan: Write, label: Write, description: Write) -> Path:
    scan(folder / "imagesTr" / "a_0000.nii.gz")
    label(folder / "labelsTr" / "a.nii.gz", 1)
    return description(folder / "dataset.json", channel_names={"0": "CT"}, labels={"background": 0}).parent


def pairs(folder: Path, scan: Write, label: Write, description: Write) -> Path:
    scan(folder / "images" / "a.nii.gz")
    label(folder / "labels" / "a.nii.gz", 1)
    return folder


def files(folder: Path, scan: Write, label: Write, description: Write) -> Path:
    return scan(folder / "a.nii.gz").parent


EXAMPLES = {
    "brats": brats,
    "decathlon": decathlon,
    "datalist": datalist,
    "nnunet": nnunet,
    "pairs": pairs,
    "files": files,
}


@pytest.mark.parametrize("name", DATASETS)
def test_each_layout_is_recognised_by_itself_alone(
    tmp_path: Path, scan: Write, label: Write, description: Write, name: str
) -> None:
    path = EXAMPLES[name](tmp_path, scan, label, description)
    assert [row for row, layout in DATASETS.items() if layout.recognise(path)] == [name]
    dataset = read_dataset(path)
    assert (dataset.root, len(dataset.studies)) == (path, 1)


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatalistError, match="none' does not exist"):
        read_dataset(tmp_path / "none")


def test_where_nothing_fits_the_message_says_what_was_found_and_sought(tmp_path: Path, scan: Write) -> None:
    scan(tmp_path / "images" / "a.nii.gz")
    scan(tmp_path / "masks" / "a.nii.gz")
    (tmp_path / "readme.txt").touch()
    with pytest.raises(DatalistError) as caught:
        read_dataset(tmp_path)
    message = str(caught.value)
    assert "Found: images/, masks/, 1 .txt file" in message
    assert all(layout.looks_like in message for layout in DATASETS.values())
    assert "Rename masks/ to labels/" in message


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    with pytest.raises(DatalistError, match=r"a\.jpg': not a file medseg reads"):
        read_dataset(tmp_path / "a.jpg")


@pytest.mark.parametrize("content", [{"training": []}, {}])
def test_an_empty_list_is_an_error(tmp_path: Path, description: Write, content: dict[str, object]) -> None:
    with pytest.raises(DatalistError, match="holds no study"):
        read_dataset(description(tmp_path / "list.json", **content))


def test_an_id_used_twice_and_an_id_that_is_no_file_name_are_errors(
    tmp_path: Path, scan: Write, description: Write
) -> None:
    for name in ("a", "b", "c"):
        scan(tmp_path / f"{name}.nii")
    listed = [{"image": "a.nii", "id": "x"}, {"image": "b.nii", "id": "x"}, {"image": "c.nii", "id": "../c"}]
    with pytest.raises(DatalistError, match=r"2 faults(.|\n)*'x' is used 2 times(.|\n)*'\.\./c' cannot be a file name"):
        read_dataset(description(tmp_path / "list.json", test=listed))


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "studies", "channels"),
    [
        ("BraTS2021", 8, ("t1", "t1c", "t2", "flair")),
        ("Task04_Hippocampus", 208, ("MRI",)),
        ("spinalcord", 4, ("MR",)),
        ("dsb2018", 122, ("microscopy",)),
    ],
)
def test_real_folders_are_recognised(real_data: Path, name: str, studies: int, channels: tuple[str, ...]) -> None:
    dataset = read_dataset(real_data / name)
    assert (len(dataset.studies), dataset.channel_names) == (studies, channels)
    assert all(study.label for study in dataset.studies)

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medseg.core.study import ChannelFile, Dataset
from medseg.datasets.detect import read_dataset
from medseg.datasets.inspect import inspect_dataset
from medseg.datasets.matching import match_channels
from medseg.datasets.pictures import are_colours, with_colours
from medseg.io.study import read_study

RGB = [("red", "R"), ("green", "G"), ("blue", "B")]


def picture(path: Path, *, rgb: bool = False, value: int | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(len(path.name)).integers(0, 256, (4, 6, 3) if rgb else (4, 6), dtype=np.uint8)
    Image.fromarray(pixels if value is None else np.full_like(pixels, value)).save(path)
    return path


def faults(dataset: Dataset) -> tuple[str, ...]:
    return inspect_dataset(dataset, None, need_labels=False, cache=None).faults


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.tif", rgb=True)
    return tmp_path


def test_grey_pictures_are_one_channel(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    dataset = read_dataset(tmp_path)
    assert with_colours(dataset) == dataset
    assert read_study(dataset.studies[0]).shape == (6, 4, 1)
    assert faults(dataset) == ()


def test_among_rgb_pictures_a_grey_one_is_three_equal_channels_with_a_note(mixed: Path) -> None:
    dataset = with_colours(read_dataset(mixed))
    assert dataset.channel_names == ("red", "green", "blue")
    assert dataset.notes == ("1 of 2 pictures are grey: read as red, green, blue alike",)
    grey, rgb = (read_study(study).array[..., 0] for study in dataset.studies)
    assert np.array_equal(grey, np.stack([np.asarray(Image.open(mixed / "a.png")).T] * 3))
    assert np.array_equal(rgb, np.asarray(Image.open(mixed / "b.tif")).transpose(2, 1, 0))
    assert faults(dataset) == ()


def test_a_bundle_of_rgb_pictures_takes_grey_ones_too(mixed: Path) -> None:
    dataset = match_channels(read_dataset(mixed / "a.png"), RGB)
    assert dict(dataset.studies[0].channels) == {
        name: ChannelFile(mixed / "a.png", n, grey=True) for n, name in enumerate(("red", "green", "blue"))
    }
    assert faults(dataset) == ()


def test_a_bundle_of_grey_pictures_takes_no_rgb_one_and_the_others_are_not_stopped(mixed: Path) -> None:
    dataset = match_channels(read_dataset(mixed), [("microscopy",)])
    assert faults(dataset) == (f"'{mixed / 'b.tif'}': holds 3 channels; one is expected; save it as grey",)


def test_colours_that_the_data_name_are_matched_by_place(mixed: Path) -> None:
    listed = '[{"image": "a.png"}, {"image": "b.tif"}]'
    (mixed / "list.json").write_text(f'{{"test": {listed}, "channel_names": {{"0": "R", "1": "G", "2": "B"}}}}')
    for dataset in (match_channels(read_dataset(mixed / "list.json"), RGB), with_colours(read_dataset(mixed))):
        assert [channel.grey for study in dataset.studies for channel in study.channels.values()] == [True] * 3 + [
            False
        ] * 3
        assert faults(dataset) == ()


def test_three_channels_that_are_no_colours_are_never_made_of_a_grey_picture(mixed: Path) -> None:
    (mixed / "list.json").write_text('{"test": [{"image": "a.png"}], "channel_names": ["dapi", "gfp", "phase"]}')
    dataset = with_colours(read_dataset(mixed / "list.json"))
    assert any("holds 1 channel(s); gfp would be number 2" in fault for fault in faults(dataset))


def test_an_nnunet_folder_may_hold_rgb_in_one_file(tmp_path: Path) -> None:
    picture(tmp_path / "imagesTr" / "a_0000.png", rgb=True)
    picture(tmp_path / "labelsTr" / "a.png", value=1)
    (tmp_path / "dataset.json").write_text(
        '{"channel_names": {"0": "R", "1": "G", "2": "B"}, "labels": {"background": 0, "cell": 1}, '
        '"file_ending": ".png"}'
    )
    dataset = with_colours(read_dataset(tmp_path))
    assert [channel.index for channel in dataset.studies[0].channels.values()] == [0, 1, 2]
    assert inspect_dataset(dataset, None, need_labels=True, cache=None).faults == ()


def test_a_picture_that_cannot_be_read_is_told_of_by_the_look_at_its_pixels(mixed: Path) -> None:
    (mixed / "a.png").write_bytes(b"no picture")
    assert "no PNG file" in faults(with_colours(read_dataset(mixed)))[0]


def test_pictures_beside_volumes_are_no_studies(tmp_path: Path, scan: object) -> None:
    picture(tmp_path / "preview.png")
    scan(tmp_path / "P1.nii.gz")  # type: ignore[operator]
    assert [study.id for study in read_dataset(tmp_path).studies] == ["P1"]


def test_images_and_labels_without_a_description_are_paired(tmp_path: Path) -> None:
    picture(tmp_path / "imagesTr" / "a.png")
    picture(tmp_path / "labelsTr" / "a.tif", value=1)
    dataset = read_dataset(tmp_path)
    assert dataset.layout == "imagesTr/ and labelsTr/"
    assert inspect_dataset(dataset, None, need_labels=True, cache=None).studies[0].voxels == {1: 24}


def test_colours_are_known_by_name_or_alias_in_their_order() -> None:
    assert are_colours(RGB)
    assert are_colours([("R",), ("g",), ("B",)])
    assert not are_colours([("blue",), ("green",), ("red",)])
    assert not are_colours([("red",)])


@pytest.mark.realdata
def test_nuclei_are_read_as_colours_and_one_label(real_data: Path) -> None:
    dataset = with_colours(read_dataset(real_data / "dsb2018"))
    assert dataset.channel_names == ("red", "green", "blue")
    assert "116 of 122 pictures are grey: read as red, green, blue alike" in dataset.notes
    inspection = inspect_dataset(dataset, None, need_labels=True, cache=None)
    assert inspection.faults == ()
    assert {value for study in inspection.studies for value in study.voxels or {}} == {0, 1}

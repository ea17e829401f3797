from pathlib import Path

import pytest

from medseg.core.errors import DatalistError
from medseg.datasets.dataset_json import (
    channel_names_of,
    description_in,
    instances_of,
    label_names_of,
    read_description,
)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b'{"training": [', "not JSON; line 1"),
        (b"[]", "holds a list; a mapping"),
        (b"\xff\xfe\x00", "not UTF-8 text"),
    ],
)
def test_a_damaged_description_is_refused(tmp_path: Path, content: bytes, fault: str) -> None:
    (tmp_path / "dataset.json").write_bytes(content)
    with pytest.raises(DatalistError, match=fault):
        description_in(tmp_path)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert read_description(tmp_path / "a.json") == {"a": 1}


def test_channels_come_in_the_order_of_their_numbers() -> None:
    many = {str(n): f"c{n}" for n in (10, 2, *range(2), *range(3, 10))}
    assert channel_names_of({"channel_names": many}) == tuple(f"c{n}" for n in range(11))
    assert channel_names_of({"modality": "MRI"}) == ("MRI",)
    assert channel_names_of({"modality": ["T1", "T2"]}) == ("T1", "T2")
    assert channel_names_of({}) == ()


def test_channels_not_numbered_from_0_are_refused() -> None:
    with pytest.raises(DatalistError, match="number them from 0"):
        channel_names_of({"modality": {"1": "T1", "2": "T2"}})


def test_labels_are_read_in_both_directions() -> None:
    assert label_names_of({"labels": {"0": "background", "2": "b", "1": "a"}}) == {1: "a", 2: "b"}
    assert label_names_of({"labels": {"background": 0, "a": 1, "b": "2"}}) == {1: "a", 2: "b"}
    assert label_names_of({}) is None


@pytest.mark.parametrize(
    ("labels", "fault"),
    [
        ({"whole": [1, 2]}, "joins the values"),
        ({"n<9": "nucleus"}, "label 'nucleus' has the value 'n<9'"),
        ({"n>0": "nucleus", "1": "cell"}, "labels are nucleus, cell; name exactly one"),
        ({"a": 300}, "has the value 300"),
        ({"a": 1.5}, r"has the value 1\.5"),
        ({"a": 1, "b": 1}, "value 1 is given to both 'a' and 'b'"),
    ],
)
def test_labels_that_are_no_values_are_refused(labels: dict[str, object], fault: str) -> None:
    with pytest.raises(DatalistError, match=fault):
        label_names_of({"labels": labels})


@pytest.mark.parametrize("labels", [{"0": "background", "n>0": "nucleus"}, {"background": 0, "nucleus": "> 0"}])
def test_a_value_above_0_says_that_values_number_objects(labels: dict[str, object]) -> None:
    assert instances_of({"labels": labels})
    assert label_names_of({"labels": labels}) == {1: "nucleus"}


@pytest.mark.parametrize("labels", [{"0": "background", "n>0": "nucleus"}, {"background": 0, "nucleus": 1}])
def test_numbered_objects_are_one_label_of_value_1(labels: dict[str, object]) -> None:
    assert label_names_of({"labels": labels, "instances": True}) == {1: "nucleus"}


def test_values_number_no_objects_unless_it_is_said() -> None:
    assert not instances_of({"labels": {"0": "background", "1": "nucleus"}})
    assert not instances_of({})
    with pytest.raises(DatalistError, match="'instances' is 'yes'; write true"):
        instances_of({"instances": "yes"})

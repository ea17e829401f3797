from collections.abc import Callable
from pathlib import Path

import pytest

from medseg.core.errors import DatalistError
from medseg.core.labels import Label, LabelSet
from medseg.core.study import ChannelFile, Dataset, Study
from medseg.datasets.decathlon import read_decathlon
from medseg.datasets.inspect import inspect_dataset
from medseg.datasets.instances import as_instances
from medseg.datasets.nnunet import read_nnunet

Write = Callable[..., Path]
NUCLEI = {"0": "background", "1": "nucleus"}


def dataset(names: dict[int, str] | None) -> Dataset:
    study = Study("s", "s", {"image": ChannelFile(Path("s.nii"))}, Path("label.nii"))
    return Dataset("a test", Path("/data"), (study,), ("image",), names)


def test_all_values_become_the_one_label_with_a_note() -> None:
    found = as_instances(dataset({3: "nucleus"}))
    assert all(study.instances for study in found.studies)
    assert found.label_names == {1: "nucleus"}
    assert found.notes == ("label values number objects; all above 0 are read as 1 nucleus",)
    assert as_instances(found) is found


def test_a_label_without_a_name_stays_so() -> None:
    found = as_instances(dataset(None))
    assert found.label_names is None
    assert found.notes == ("label values number objects; all above 0 are read as 1",)


def test_objects_of_two_labels_cannot_be_numbered() -> None:
    with pytest.raises(DatalistError, match="names the labels a, b; only the objects of a single label"):
        as_instances(dataset({1: "a", 2: "b"}))


@pytest.fixture
def numbered(tmp_path: Path, scan: Write, label: Write) -> Path:
    """A study whose label map numbers three objects, in files for the Decathlon's layout and nnU-Net's."""
    scan(tmp_path / "imagesTr" / "a_0000.nii.gz")
    label(tmp_path / "labelsTr" / "a.nii.gz", 0, 1, 2, 7)
    return tmp_path


@pytest.mark.parametrize("said", [{"labels": NUCLEI, "instances": True}, {"labels": {"n>0": "nucleus"}}])
def test_a_dataset_json_says_that_values_number_objects(
    numbered: Path, description: Write, said: dict[str, object]
) -> None:
    listed = [{"image": "imagesTr/a_0000.nii.gz", "label": "labelsTr/a.nii.gz"}]
    description(numbered / "dataset.json", **said, training=listed)
    decathlon = read_decathlon(numbered)
    description(numbered / "dataset.json", **said, channel_names={"0": "image"})
    for found in (decathlon, read_nnunet(numbered)):
        inspection = inspect_dataset(found, LabelSet((Label("nucleus", 1),)), need_labels=True, cache=None)
        assert inspection.faults == ()
        assert inspection.studies[0].voxels == {0: 57, 1: 3}


def test_without_that_the_values_are_faults_that_name_the_cure(numbered: Path, description: Write) -> None:
    description(numbered / "dataset.json", labels=NUCLEI, channel_names={"0": "image"})
    found = read_nnunet(numbered)
    faults = inspect_dataset(found, LabelSet((Label("nucleus", 1),)), need_labels=True, cache=None).faults
    assert [fault.split(": ", 1)[1] for fault in faults] == [
        f"label value {value} in 1 voxels; the bundle knows 1 nucleus; where values number objects of one label, say "
        "so: \"instances\": true in dataset.json, or instances: true beside the label's value in the bundle's "
        "evaluate.yaml"
        for value in (2, 7)
    ]


def test_a_look_at_objects_is_remembered_apart_from_a_look_at_values(numbered: Path, description: Write) -> None:
    description(numbered / "dataset.json", labels=NUCLEI, channel_names={"0": "image"})
    found, cache = read_nnunet(numbered), numbered / "cache.json"
    for one, voxels in ((found, {0: 57, 1: 1, 2: 1, 7: 1}), (as_instances(found), {0: 57, 1: 3})) * 2:
        assert inspect_dataset(one, None, need_labels=True, cache=cache).studies[0].voxels == voxels

"""A planned bundle, read and built as any other."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from monai.data import MetaTensor

from medseg.bundle.build import (
    build_inferer,
    build_network,
    build_postprocessing,
    build_preprocessing,
    network_faults,
)
from medseg.bundle.metadata import metadata_faults
from medseg.bundle.read import read_bundle
from medseg.core.errors import OutputError
from medseg.core.recipe import Recipe
from medseg.planning.card import bundle_files, data_license, postprocessing_candidates
from medseg.planning.fingerprint import Fingerprint
from medseg.planning.measures import LabelMeasures
from medseg.planning.networks import NETWORKS
from medseg.planning.plan import Plan
from medseg.planning.spacing import resampled
from medseg.recipe.layers import Layer, resolve

Print = Callable[..., Fingerprint]
Planned = Callable[..., Plan]
BRATS = {1: "NCR", 2: "ED", 4: "ET"}
DATA: dict[str, dict[str, Any]] = {
    "hippocampus": {},
    "brats": {
        "channels": ("t1", "t1ce", "t2", "flair"),
        "labels": BRATS,
        "endings": ("_t1", "_t1ce", "_t2", "_flair"),
        "study": {"shape": (240, 240, 155), "box": (40, 48, 40), "zero_share": 0.8},
    },
    "thick": {"study": {"shape": (96, 96, 12), "spacing_mm": (0.5, 0.5, 4.0)}, "labels": {1: "cord"}},
    "ct": {"modality": "CT", "labels": {1: "liver", 3: "tumour: large"}},
    "slices": {"study": {"shape": (200, 200, 1), "box": (200, 200, 1)}, "labels": {1: "lv"}},
    "pictures": {
        "study": {"shape": (256, 256, 1), "box": (256, 256, 1)},
        "channels": ("red", "green", "blue"),
        "labels": {1: "nucleus"},
        "modality": "microscopy",
        "pictures": True,
        "instances": True,
    },
}
KINDS = pytest.mark.parametrize("kind", sorted(DATA))


@pytest.fixture
def written(tmp_path: Path, planned: Planned, fingerprint: Print) -> Callable[..., Path]:
    def write(kind: str, **options: Any) -> Path:
        for name, text in bundle_files(planned(fingerprint(**DATA[kind]), **options)).items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path

    return write


@KINDS
def test_a_planned_bundle_reads_and_its_recipe_is_whole(written: Callable[..., Path], kind: str) -> None:
    bundle = read_bundle(written(kind))
    assert bundle.name == "invented"
    assert metadata_faults(bundle.metadata) == []
    assert bundle.train_values is not None
    assert isinstance(resolve([Layer("bundle", bundle.train_values)], "train.yaml").recipe, Recipe)
    assert bundle.takes_pictures is (kind == "pictures")


@KINDS
def test_a_planned_bundle_builds_and_keeps_its_promise(written: Callable[..., Path], kind: str) -> None:
    bundle = read_bundle(written(kind))
    assert network_faults(bundle, build_network(bundle)) == []
    preprocessing = build_preprocessing(bundle)
    build_postprocessing(bundle, preprocessing)
    build_inferer(bundle)
    assert all(str(value).startswith(("monai.", "torch.nn.")) for value in targets(bundle.inference))


@pytest.mark.parametrize("network", sorted(NETWORKS))
@pytest.mark.parametrize("kind", ["hippocampus", "thick", "slices"])
def test_any_network_can_be_asked_for(written: Callable[..., Path], kind: str, network: str) -> None:
    bundle = read_bundle(written(kind, network=network))
    assert network_faults(bundle, build_network(bundle)) == []


@KINDS
def test_equal_data_gives_equal_bytes(planned: Planned, fingerprint: Print, kind: str) -> None:
    assert bundle_files(planned(fingerprint(**DATA[kind]))) == bundle_files(planned(fingerprint(**DATA[kind])))


def test_labels_keep_their_values_and_regions_are_scored(written: Callable[..., Path]) -> None:
    bundle = read_bundle(written("brats"))
    assert [(label.name, label.value) for label in bundle.labels.labels] == [("NCR", 1), ("ED", 2), ("ET", 4)]
    assert bundle.scoring.tolerance_mm.keys() == {"WT", "TC", "ET"}
    assert [channel.name for channel in bundle.channels] == ["t1", "t1ce", "t2", "flair"]


def test_classes_become_the_values_of_the_data_on_the_inputs_grid(written: Callable[..., Path]) -> None:
    bundle = read_bundle(written("ct"))
    preprocessing = build_preprocessing(bundle)
    image = MetaTensor(torch.full((1, 12, 10, 8), 50.0), affine=torch.diag(torch.tensor([-2.0, 2.0, 1.0, 1.0])))
    item = preprocessing({"image": image})
    sizes = resampled([(12, 10, 8)], [(2.0, 2.0, 1.0)], (1.0, 1.0, 1.0))
    assert [tuple(item["image"].shape[1:])] == sizes
    assert item["image"].shape == (1, 23, 19, 8)  # voxels of 2 x 2 x 1 mm become 1 mm between the outer centres
    logits = torch.zeros(3, 23, 19, 8)
    logits[2] = 9.0
    item["pred"] = MetaTensor(logits, meta=item["image"].meta)
    found = build_postprocessing(bundle, preprocessing)(item)["pred"]
    assert found.shape == (1, 12, 10, 8)
    assert set(found.unique().tolist()) == {3.0}


def test_ct_is_scaled_as_planned(written: Callable[..., Path], planned: Planned, fingerprint: Print) -> None:
    chosen = planned(fingerprint(**DATA["ct"])).normalisation
    preprocessing = build_preprocessing(read_bundle(written("ct")))
    image = torch.tensor([-2000.0, chosen.clip[0], 100.0, chosen.clip[1], 3000.0]).reshape(1, 5, 1, 1)
    scaled = preprocessing({"image": MetaTensor(image, affine=torch.eye(4))})["image"].flatten().tolist()
    low, high = chosen.scaled
    assert scaled == pytest.approx([low, low, 0.0, high, high], abs=1e-2)  # 100 is the mean of the labelled voxels


def test_postprocessing_is_proposed_for_labels_of_one_part(
    planned: Planned, fingerprint: Print, label: Callable[..., LabelMeasures]
) -> None:
    plan = planned(fingerprint(study={"labels": {1: label(), 2: label(parts=3)}}))
    found = postprocessing_candidates(plan)
    assert found["head"] == {"keep_largest": True, "single_part_share": 1.0}
    assert found["tail"] == {"keep_largest": False, "single_part_share": 0.0}
    assert not postprocessing_candidates(planned(fingerprint(instances=True)))["head"]["keep_largest"]


def test_a_silent_licence_is_no_licence(planned: Planned, fingerprint: Print) -> None:
    assert "Licence: CC0." in data_license(planned())
    assert "not stated by the data" in data_license(planned(fingerprint(licence="")))


def test_a_value_that_json_lacks_is_refused(planned: Planned, fingerprint: Print) -> None:
    data = replace(fingerprint(), zero_share=float("nan"))
    with pytest.raises(OutputError, match="JSON"):
        bundle_files(planned(data))


def targets(value: Any) -> Iterator[str]:
    """Every class that a configuration names."""
    if isinstance(value, dict):
        yield from (value[key] for key in value if key == "_target_")
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from targets(item)

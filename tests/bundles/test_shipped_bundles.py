from collections.abc import Callable, Iterator
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow
from monai.data import MetaTensor
from monai.utils import set_determinism

from medseg.bundle.build import (
    build_inferer,
    build_network,
    build_postprocessing,
    build_preprocessing,
    network_faults,
)
from medseg.bundle.find import find_bundle
from medseg.bundle.metadata import metadata_faults
from medseg.bundle.read import Bundle, read_bundle
from medseg.bundle.safety import PARTS
from medseg.core.recipe import Recipe
from medseg.recipe.layers import Layer, resolve

ROOT = Path(__file__).resolve().parents[2] / "bundles"
FILES = (
    "LICENSE",
    "configs/metadata.json",
    "configs/inference.yaml",
    "configs/train.yaml",
    "configs/evaluate.yaml",
    "configs/series.yaml",
    "docs/README.md",
    "docs/data_license.txt",
)


def _bundle(name: str) -> Bundle:
    return read_bundle(ROOT / name)


def _recipe(name: str) -> Recipe:
    values = _bundle(name).train_values
    assert values is not None
    return resolve([Layer("bundle", values)], f"Bundle '{name}'").recipe


def test_a_bundle_has_every_file_and_is_found_by_its_name(name: str) -> None:
    assert [file for file in FILES if not (ROOT / name / file).is_file()] == []
    assert _bundle(name).name == name
    assert find_bundle(name) == ROOT / name


def test_metadata_is_right_without_asking_a_network(name: str) -> None:
    assert metadata_faults(_bundle(name).metadata) == []


def test_the_network_maps_the_declared_shapes(name: str) -> None:
    bundle = _bundle(name)
    assert network_faults(bundle, build_network(bundle)) == []


def test_the_four_parts_hold_no_code(name: str) -> None:
    text = (ROOT / name / "configs" / "inference.yaml").read_text(encoding="utf-8")
    parts = text.split("imports:")[0]
    assert all(f"\n{part}:" in parts for part in PARTS)
    assert "$" not in parts


def test_the_recipe_holds_every_value_and_no_code(name: str) -> None:
    assert "$" not in (ROOT / name / "configs" / "train.yaml").read_text(encoding="utf-8")
    assert _recipe(name).seed == 0


@pytest.mark.parametrize("file", ["inference", "train", "evaluate", "series"])
def test_a_configuration_opens_with_what_source_result_time_and_command(name: str, file: str) -> None:
    lines = (ROOT / name / "configs" / f"{file}.yaml").read_text(encoding="utf-8").splitlines()
    assert [line.split()[1] for line in lines[:5]] == ["What", "Source", "Expected", "Time", "Command"]


def test_every_value_of_the_recipe_has_a_comment(name: str) -> None:
    lines = (ROOT / name / "configs" / "train.yaml").read_text(encoding="utf-8").splitlines()
    values = [line for line in lines if line.startswith("  ") and not line.lstrip().startswith("#")]
    assert [line for line in values if " # " not in line] == []


def test_the_window_is_the_training_patch(name: str) -> None:
    inferer = _bundle(name).inference["inferer"]
    patch = list(_recipe(name).sampling.patch)
    if "spatial_dim" in inferer:
        assert patch.pop(inferer["spatial_dim"]) == 1
    assert inferer["roi_size"] == patch


def test_every_output_of_the_network_has_a_weight_in_the_loss(name: str) -> None:
    bundle = _bundle(name)
    dimensions = bundle.inference["network_def"]["spatial_dims"]
    network = build_network(bundle).train()
    with torch.no_grad():
        output = network(torch.zeros(1, len(bundle.channels), *[32] * dimensions))
    outputs = output.shape[1] if output.ndim == dimensions + 3 else 1
    assert outputs == len(_recipe(name).loss.deep_supervision)


def test_a_patch_is_not_mirrored_along_an_axis_the_bundle_calls_one_sided(name: str) -> None:
    # Left and right alone: head and tail of the hippocampus, and heads, have a front and a top.
    assert set(_recipe(name).augmentation.flip_axes) <= {0}


def test_written_values_are_those_of_evaluate_yaml_on_the_input_s_grid(name: str, scans: Callable[[str], Path]) -> None:
    bundle = _bundle(name)
    preprocessing = build_preprocessing(bundle)
    image = _as_read(bundle, scans(name), "thick")
    prepared = preprocessing({"image": image})["image"]
    classes = len(bundle.labels.labels) + 1
    logits = torch.randn(classes, *prepared.shape[1:], generator=torch.Generator().manual_seed(0)) * 9
    data = {"image": prepared, "pred": MetaTensor(logits, meta=prepared.meta)}
    prediction = build_postprocessing(bundle, preprocessing)(data)["pred"]
    assert prediction.shape == (1, *image.shape[1:])
    assert np.allclose(prediction.affine, image.affine)
    assert prediction.unique().tolist() == [0, *(label.value for label in bundle.labels.labels)]


def test_what_medseg_builds_prepares_a_scan_as_stock_monai_does(name: str, scans: Callable[[str], Path]) -> None:
    bundle = _bundle(name)
    stock = _stock(name).get_parsed_content("preprocessing")
    for study in ("even", "thick"):
        expected = stock({"image": _files(bundle, scans(name), study)})["image"]
        prepared = build_preprocessing(bundle)({"image": _as_read(bundle, scans(name), study)})["image"]
        assert torch.equal(prepared.as_tensor(), expected.as_tensor())
        assert torch.equal(prepared.affine, expected.affine)


def test_the_window_medseg_builds_is_stock_monai_s(name: str) -> None:
    ours, stock = build_inferer(_bundle(name)), _stock(name).get_parsed_content("inferer")
    plain = [{key: str(value) for key, value in vars(inferer).items()} for inferer in (ours, stock)]
    assert type(ours) is type(stock)
    assert plain[0] == plain[1]


def test_monai_finds_every_property_an_inference_needs(name: str, deterministic_monai: None) -> None:
    workflow = _workflow(name)
    workflow.initialize()
    assert workflow.check_properties() == []


def test_a_stock_run_on_an_empty_folder_stops_with_a_reason(
    name: str, tmp_path: Path, deterministic_monai: None
) -> None:
    workflow = _workflow(name, dataset_dir=str(tmp_path))
    workflow.initialize()
    with pytest.raises(SystemExit, match="no study found in dataset_dir"):
        workflow.run()


@pytest.fixture
def deterministic_monai() -> Iterator[None]:
    """Undo what a stock run sets for its process."""
    yield
    set_determinism(seed=None)


def _workflow(name: str, **overrides: str) -> ConfigWorkflow:
    return ConfigWorkflow(
        config_file=str(ROOT / name / "configs" / "inference.yaml"),
        meta_file=str(ROOT / name / "configs" / "metadata.json"),
        workflow_type="infer",
        **overrides,
    )


def _stock(name: str) -> ConfigParser:
    parser = ConfigParser()
    parser.read_config(str(ROOT / name / "configs" / "inference.yaml"))
    return parser


def _files(bundle: Bundle, folder: Path, study: str) -> list[Path] | Path:
    if len(bundle.channels) == 1:
        return folder / f"{study}.nii.gz"
    return [folder / study / f"{study}_{part}.nii.gz" for part in ("t1", "t1ce", "t2", "flair")]


def _as_read(bundle: Bundle, folder: Path, study: str) -> MetaTensor:
    files = _files(bundle, folder, study)
    images = [nibabel.load(file) for file in (files if isinstance(files, list) else [files])]
    array = np.stack([image.get_fdata(dtype=np.float32) for image in images])
    return MetaTensor(array, affine=images[0].affine)

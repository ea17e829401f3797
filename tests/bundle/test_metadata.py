from typing import Any

import pytest

from medseg.bundle.metadata import MANDATORY, example_shapes, metadata_faults


def test_complete_metadata_has_no_fault(metadata: dict[str, Any]) -> None:
    assert metadata_faults(metadata) == []


@pytest.mark.parametrize("key", MANDATORY)
def test_a_missing_mandatory_key_is_named(metadata: dict[str, Any], key: str) -> None:
    del metadata[key]
    assert f"{key}: missing" in metadata_faults(metadata)


@pytest.mark.parametrize("version", ["1.0/2", "", "a b", 1.0, "../x"])
def test_a_version_that_no_file_name_can_hold_is_refused(metadata: dict[str, Any], version: Any) -> None:
    metadata |= {"version": version, "changelog": {version: "x"}}
    assert metadata_faults(metadata)[0].startswith("version: ")


def test_a_version_the_changelog_does_not_know_is_a_fault(metadata: dict[str, Any]) -> None:
    metadata["version"] = "0.2.0"
    assert metadata_faults(metadata) == ["changelog: says nothing of version 0.2.0; add a line for it"]


@pytest.mark.parametrize(("side", "name"), [("inputs", "image"), ("outputs", "pred")])
def test_a_tensor_of_another_name_is_a_fault(metadata: dict[str, Any], side: str, name: str) -> None:
    tensors = metadata["network_data_format"][side]
    tensors["x"] = tensors.pop(name)
    assert metadata_faults(metadata) == [
        f"network_data_format.{side}: holds x; readers of bundles look for '{name}' alone"
    ]


def test_channel_names_must_cover_the_channels(metadata: dict[str, Any]) -> None:
    metadata["network_data_format"]["outputs"]["pred"]["num_channels"] = 4
    (fault,) = metadata_faults(metadata)
    assert "channel_def: names 0, 1, 2; num_channels is 4, so 0 to 3 are wanted" in fault


@pytest.mark.parametrize("key", ["type", "format", "dtype", "num_channels", "spatial_shape", "value_range"])
def test_a_tensor_without_a_key_is_named(metadata: dict[str, Any], key: str) -> None:
    tensor = dict(metadata["network_data_format"]["inputs"]["image"])
    del tensor[key]
    metadata["network_data_format"]["inputs"]["image"] = tensor
    assert metadata_faults(metadata) == [f"network_data_format.inputs.image.{key}: missing"]


@pytest.mark.parametrize("shape", [["8n"], ["x"], [0], [-4], [None], [True], "8*n"])
def test_a_spatial_shape_outside_the_grammar_is_named(metadata: dict[str, Any], shape: Any) -> None:
    metadata["network_data_format"]["inputs"]["image"] |= {"spatial_shape": shape}
    assert "inputs.image.spatial_shape: " in metadata_faults(metadata)[0]


@pytest.mark.parametrize("metadata", [{"network_data_format": 3}, {"network_data_format": {"inputs": {"image": 3}}}])
def test_metadata_of_another_shape_is_described_not_crashed_on(metadata: dict[str, Any]) -> None:
    assert metadata_faults(metadata)


def test_example_shapes_satisfy_the_declared_one_and_differ() -> None:
    small, large = example_shapes([96, "*", "n", "16*n", "24*n", "2**p", "2**p*n", "2**p*3"])
    assert small[0] == large[0] == 96
    assert all(a % 16 == 0 for a in (small[3], large[3]))
    assert all(a % 24 == 0 for a in (small[4], large[4]))
    assert all(a.bit_count() == 1 for a in (small[5], large[5]))
    assert all((a // 3).bit_count() == 1 for a in (small[7], large[7]))
    assert all(a < b for a, b in zip(small[1:], large[1:], strict=True))
    assert min(small) >= 32

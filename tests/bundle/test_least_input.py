from typing import Any

import pytest
import torch
from monai.bundle import scripts
from monai.networks.nets import DynUNet

from medseg.bundle.least_input import least_shape, with_least_input
from medseg.bundle.metadata import example_shapes


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    """Halves three times, and normalises each instance: of 8 voxels one is left, of which there is no deviation."""
    sizes = {"kernel_size": [3] * 4, "strides": [1, 2, 2, 2], "upsample_kernel_size": [2] * 3}
    return DynUNet(2, 1, 2, filters=[2, 2, 2, 2], **sizes).eval()


def test_what_runs_stays_as_it_is_declared(network: torch.nn.Module) -> None:
    assert least_shape(network, 1, ["16*n", "16*n"]) == ["16*n", "16*n"]


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        (["8*n", "8 * n"], ["8*(n+1)", "8*(n+1)"]),
        (["4*n", "4*n"], ["4*(n+3)", "4*(n+3)"]),
        (["8*n", 24], ["8*n", 24]),
        (["n", "n"], ["1*(n+15)", "1*(n+15)"]),
    ],
)
def test_sizes_that_do_not_run_are_left_out_and_the_steps_stay(
    network: torch.nn.Module, shape: list[Any], told: list[Any]
) -> None:
    assert least_shape(network, 1, shape) == told


def test_what_is_told_is_what_monai_tries(network: torch.nn.Module) -> None:
    assert scripts._get_fake_spatial_shape(least_shape(network, 1, ["8*n"] * 2)) == (16, 16)
    assert example_shapes(["8*(n+1)", "8*(n+7)"]) == ((32, 64), (40, 72))


@pytest.mark.parametrize("shape", [["*", "8*n"], ["2**p", "8*n"], ["8*n"], [7, 7]])
def test_what_is_told_otherwise_or_never_runs_stays(network: torch.nn.Module, shape: list[Any]) -> None:
    assert least_shape(network, 1, shape) == shape


def test_what_runs_leaves_both_sides_as_they_are(network: torch.nn.Module) -> None:
    image, pred = ({"num_channels": 1, "spatial_shape": [f"{n}*n"] * 2} for n in (16, 4))
    metadata = {"network_data_format": {"inputs": {"image": image}, "outputs": {"pred": pred}}}
    assert with_least_input(metadata, network) == metadata


def test_both_sides_of_a_network_declare_one_shape(network: torch.nn.Module) -> None:
    tensor = {"num_channels": 1, "spatial_shape": ["8*n", "8*n"]}
    metadata = {"name": "any", "network_data_format": {"inputs": {"image": tensor}, "outputs": {"pred": tensor}}}
    found = with_least_input(metadata, network)["network_data_format"]
    assert found["inputs"]["image"] == found["outputs"]["pred"] == {**tensor, "spatial_shape": ["8*(n+1)", "8*(n+1)"]}
    assert tensor["spatial_shape"] == ["8*n", "8*n"]

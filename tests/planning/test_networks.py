from typing import Any

import monai.networks.nets as nets
import pytest
import torch
from torch import nn

from medseg.planning.networks import NETWORKS, Network
from medseg.planning.recipe_defaults import FIRST_FILTERS, LEARNING_RATE, MOST_FILTERS, MOST_HALVINGS
from medseg.planning.topology import Topology, plan_topology

EVEN = plan_topology((16, 16, 16), (1.0, 1.0, 1.0), most_halvings=2)
THICK = plan_topology((32, 32, 8), (1.0, 1.0, 3.0), most_halvings=3)
FLAT = plan_topology((32, 32), (1.0, 1.0), most_halvings=3)
TOPOLOGIES = pytest.mark.parametrize("topology", [EVEN, THICK, FLAT], ids=["even", "thick", "flat"])
CONVOLUTIONS = (nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.ConvTranspose3d)


def built(network: Network, topology: Topology, channels: int = 2, classes: int = 3) -> nn.Module:
    arguments: dict[str, Any] = {row.key: row.value for row in network.rows}
    return getattr(nets, network.target.rpartition(".")[2])(
        spatial_dims=len(topology.divisor), in_channels=channels, out_channels=classes, **arguments
    )


def counted(module: nn.Module, image: torch.Tensor) -> tuple[int, float]:
    """Weights of the convolutions, and multiplications of one forward pass, by what torch does."""
    work = []

    def look(layer: Any, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        places = (inputs[0] if layer.transposed else output)[0, 0].numel()
        work.append(places * layer.weight.numel())

    layers = [layer for layer in module.modules() if isinstance(layer, CONVOLUTIONS)]
    for layer in layers:
        layer.register_forward_hook(look)
    with torch.inference_mode():
        module(image)
    return sum(layer.weight.numel() for layer in layers), sum(work)


@TOPOLOGIES
@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_weights_and_work_are_what_torch_counts(name: str, topology: Topology) -> None:
    network = NETWORKS[name](topology, 2, 3, 8)
    module = built(network, topology).train()
    patch = tuple(2 * side for side in network.divisor)
    weights, multiplications = counted(module, torch.zeros(1, 2, *patch))
    assert network.parameters == weights
    assert network.gflop(patch) == pytest.approx(3 * 2 * multiplications / 1e9)
    assert weights <= sum(one.numel() for one in module.parameters()) <= 1.2 * weights


@TOPOLOGIES
@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_a_network_takes_its_patch_and_gives_one_output(name: str, topology: Topology) -> None:
    network = NETWORKS[name](topology, 2, 3, 8)
    module, image = built(network, topology), torch.zeros(1, 2, *(2 * side for side in network.divisor))
    with torch.inference_mode():
        assert module.train()(image).shape == module.eval()(image).shape == (1, 3, *image.shape[2:])


def test_a_dynunet_of_16_filters_at_full_resolution_has_1_4_million_weights() -> None:
    topology = plan_topology((40, 56, 40), (1.0, 1.0, 1.0), most_halvings=4)
    network = NETWORKS["dynunet"](topology, 1, 3, 16)
    assert network.in_words.endswith("4 levels, 16 to 128 filters")
    assert network.parameters / 1e6 == pytest.approx(1.4, abs=0.05)


def test_kernels_leave_out_thick_slices_at_first() -> None:
    rows = {row.key: row for row in NETWORKS["dynunet"](THICK, 1, 2, 16).rows}
    assert rows["kernel_size"].value == [[3, 3, 1], 3, 3, 3]  # in the slice 1, 2, 4, 8 mm, slices of 3 mm
    assert "first level" in rows["kernel_size"].why
    assert rows["strides"].value[0] == 1


def test_an_axis_that_is_short_is_not_called_thick() -> None:
    flat_box = plan_topology((64, 64, 16), (1.0, 1.0, 1.0), most_halvings=4)  # 16 is halved twice, to 4
    rows = {row.key: row for row in NETWORKS["dynunet"](flat_box, 1, 2, 16).rows}
    assert rows["strides"].value == [1, 2, 2, [2, 2, 1], [2, 2, 1]]
    assert rows["strides"].why.endswith("an axis that has become too short is not halved again")
    thick = {row.key: row for row in NETWORKS["dynunet"](THICK, 1, 2, 16).rows}
    assert "thick slices is halved once the others have caught up" in thick["strides"].why


def test_filters_double_up_to_a_limit() -> None:
    topology = plan_topology((256, 256), (1.0, 1.0), most_halvings=6)
    filters = next(row.value for row in NETWORKS["unet"](topology, 1, 2, 32).rows if row.key == "channels")
    assert filters == [32, 64, 128, MOST_FILTERS, MOST_FILTERS, MOST_FILTERS, MOST_FILTERS]


def test_a_network_that_knows_no_axes_halves_all_of_them() -> None:
    assert NETWORKS["segresnet"](THICK, 1, 2, 16).divisor == (8, 8, 8)


def test_a_dynunet_of_one_step_gets_a_second() -> None:
    topology = plan_topology((8, 8, 8), (1.0, 1.0, 1.0), most_halvings=4)
    assert NETWORKS["dynunet"](topology, 1, 2, 16).divisor == (4, 4, 4)


def test_each_network_has_its_values_in_the_table_of_defaults() -> None:
    assert set(NETWORKS) == set(FIRST_FILTERS) == set(LEARNING_RATE) == set(MOST_HALVINGS)

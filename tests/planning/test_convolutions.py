from medseg.planning.convolutions import (
    Convolution,
    dynunet_convolutions,
    segresnet_convolutions,
    unet_convolutions,
)
from medseg.planning.topology import plan_topology

TOPOLOGY = plan_topology((8, 8, 8), (1.0, 1.0, 1.0), most_halvings=1)


def test_one_layer_is_counted_by_hand() -> None:
    # 27 weights for each of 2 x 5 pairs; each used at 64 places, a multiplication and an addition
    layer = Convolution(places=64, inputs=2, outputs=5, kernel=27, written=64)
    assert (layer.weights, layer.flop) == (270, 2 * 64 * 270)


def test_a_unet_of_two_levels_is_counted_by_hand() -> None:
    layers = list(unet_convolutions((8, 8, 8), [4, 8], TOPOLOGY, channels=1, classes=2))
    down = 27 * (1 * 4 + 4 * 4 + 1 * 4)  # two convolutions and the way around them, 1 to 4 channels, at 4 x 4 x 4
    bottom = 27 * (4 * 8 + 8 * 8) + 4 * 8
    up = 27 * ((4 + 8) * 2 + 2 * 2)
    assert sum(layer.weights for layer in layers) == down + bottom + up
    assert [layer.written for layer in layers] == [64] * 6 + [512] * 2


def test_a_dynunet_of_two_levels_is_counted_by_hand() -> None:
    layers = list(dynunet_convolutions((8, 8, 8), [4, 8], TOPOLOGY, channels=1, classes=2))
    down = 27 * (1 * 4 + 4 * 4) + 1 * 4
    bottom = 27 * (4 * 8 + 8 * 8) + 4 * 8
    up = 8 * 8 * 4 + 27 * (8 * 4 + 4 * 4)
    assert sum(layer.weights for layer in layers) == down + bottom + up + 4 * 2
    assert [layer.written for layer in layers] == [512] * 3 + [64] * 3 + [512] * 4


def test_a_segresnet_of_two_levels_is_counted_by_hand() -> None:
    layers = list(segresnet_convolutions((8, 8, 8), 4, TOPOLOGY, [1, 2], channels=1, classes=2))
    down = 27 * (1 * 4 + 2 * 4 * 4 + 4 * 8 + 4 * 8 * 8)
    up = 8 * 4 + 27 * 2 * 4 * 4
    assert sum(layer.weights for layer in layers) == down + up + 4 * 2

import copy

import pytest
import torch
from torch import nn

from medseg.core.errors import InferenceError
from medseg.engine.device import Precision
from medseg.engine.forward import Forward, Mode

FP32, BF16 = Precision("fp32", "cpu"), Precision("bf16", "cpu")
MODES = [
    Mode(FP32),
    Mode(FP32, channels_last=True),
    Mode(BF16),
    Mode(BF16, channels_last=True),
    Mode(BF16, channels_last=True, short_weights=True),
    Mode(FP32, quick_norms=True),
    Mode(BF16, channels_last=True, short_weights=True, quick_norms=True),
]


def a_network(conv: type[nn.Module] = nn.Conv3d, norm: type[nn.Module] = nn.InstanceNorm3d) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(conv(2, 8, 3, padding=1), norm(8), nn.ReLU(), conv(8, 3, 1)).eval()


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_every_mode_says_nearly_the_same(mode: Mode) -> None:
    network, windows = a_network(), torch.randn(2, 2, 8, 9, 10)
    with torch.inference_mode():
        expected = network(windows)
    said = Forward(network, mode)(windows)
    assert said.dtype == torch.float32
    assert torch.allclose(said, expected, atol=1e-5 if mode.precision == FP32 else 0.05)


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_the_network_it_is_given_stays_as_it_was(mode: Mode) -> None:
    network = a_network()
    before = copy.deepcopy(network)
    Forward(network, mode)(torch.randn(1, 2, 8, 8, 8))
    for ours, former in zip(network.parameters(), before.parameters(), strict=True):
        assert ours.dtype == former.dtype
        assert ours.stride() == former.stride()
        assert torch.equal(ours, former)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_a_2d_network_does_not_see_one_axis(axis: int, mode: Mode) -> None:
    network = a_network(nn.Conv2d, nn.InstanceNorm2d)
    planes = torch.randn(2, 2, 8, 9)
    with torch.inference_mode():
        expected = network(planes).unsqueeze(axis + 2)
    said = Forward(network, mode, unseen_axis=axis)(planes.unsqueeze(axis + 2))
    assert said.shape == expected.shape
    assert torch.allclose(said, expected, atol=1e-5 if mode.precision == FP32 else 0.05)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_what_is_not_finite_is_refused(value: str) -> None:
    network, windows = a_network(norm=nn.Identity), torch.zeros(1, 2, 4, 4, 4)
    windows[0, 1, 2, 2, 2] = float(value)
    with pytest.raises(InferenceError, match="says nan or infinity, in bf16, channels last; its weights or this image"):
        Forward(network, Mode(BF16, channels_last=True))(windows)


def test_dropout_is_off() -> None:
    network = nn.Sequential(nn.Dropout(0.5), nn.Conv3d(1, 1, 1)).train()
    windows = torch.randn(1, 1, 4, 4, 4)
    forward = Forward(network, Mode(FP32))
    assert torch.equal(forward(windows), forward(windows))

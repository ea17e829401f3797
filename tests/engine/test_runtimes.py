import shutil

import pytest
import torch
from monai.networks.nets import SegResNet, UNet
from torch import nn

from medseg.core.errors import InferenceError, UsageError
from medseg.engine import runtimes
from medseg.engine.device import Precision
from medseg.engine.forward import Forward, Mode
from medseg.engine.runtimes import ENGINES, check_engine, missing_packages, run_with

FP32, BF16 = Precision("fp32", "cpu"), Precision("bf16", "cpu")


def networks() -> dict[str, nn.Module]:
    torch.manual_seed(0)
    unet = UNet(3, 2, 3, (4, 8), (2,), num_res_units=2, norm="instance")
    segresnet = SegResNet(3, 8, 2, 3, blocks_down=(1, 1), blocks_up=(1,))
    return {"unet": unet.eval(), "segresnet": segresnet.eval()}


def needed(engine: str) -> str:
    if engine == "compile" and shutil.which("g++") is None:
        pytest.skip("torch's compiler needs g++")
    if missing_packages(engine):
        pytest.skip(f"{', '.join(missing_packages(engine))} not installed")
    return engine


@pytest.mark.parametrize("name", ["unet", "segresnet"])
@pytest.mark.parametrize(
    "engine", [pytest.param(one, marks=pytest.mark.slow if one == "compile" else ()) for one in ENGINES]
)
def test_every_engine_says_what_torch_says(engine: str, name: str) -> None:
    network, windows = networks()[name], torch.randn(2, 2, 16, 16, 16)
    with torch.inference_mode():
        expected = network(windows)
    run = run_with(needed(engine), network, (2, 2, 16, 16, 16), "fp32")
    for count in (2, 1):  # the last batch of a volume may be smaller
        assert torch.allclose(run(windows[:count]), expected[:count], atol=1e-4)


def test_openvino_computes_in_bf16_where_it_is_asked_to() -> None:
    network, windows = networks()["unet"], torch.randn(1, 2, 16, 16, 16)
    run = run_with(needed("openvino"), network, (1, 2, 16, 16, 16), "bf16")
    with torch.inference_mode():
        assert torch.allclose(run(windows), network(windows), atol=0.2)


def test_an_engine_that_is_not_installed_is_refused_with_the_extra_that_brings_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runtimes, "missing_packages", lambda _: ["openvino"])
    with pytest.raises(UsageError, match=r"--engine openvino needs openvino: pip install 'medseg\[openvino\]'"):
        check_engine("openvino")


def test_a_network_that_an_engine_cannot_run_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("no conversion rule\nfor aten::strange")

    monkeypatch.setattr(runtimes, "_onnx", refuse)
    with pytest.raises(InferenceError, match="--engine onnx cannot run this network: no conversion rule for aten::str"):
        run_with("onnx", nn.Identity(), (1, 1, 4, 4, 4), "fp32")


def test_an_engine_that_says_something_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    network = networks()["unet"]
    monkeypatch.setattr("medseg.engine.forward.run_with", lambda *_: lambda windows: network(windows).flip(1))
    forward = Forward(network, Mode(FP32, engine="onnx"))
    with pytest.raises(InferenceError, match=r"--engine onnx labels \d+\.\d\d % of .* as torch does in fp32; 99\.9 %"):
        forward(torch.randn(1, 2, 16, 16, 16))


def test_an_engine_that_agrees_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    network, starts = networks()["unet"], []

    def start(*given: object) -> nn.Module:
        starts.append(given[0])
        return network

    monkeypatch.setattr("medseg.engine.forward.run_with", start)
    forward, windows = Forward(network, Mode(BF16, engine="openvino")), torch.randn(1, 2, 16, 16, 16)
    with torch.inference_mode():
        assert all(torch.equal(forward(windows), network(windows)) for _ in range(3))
    assert starts == ["openvino"]

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from monai.networks.nets import SegResNet, UNet
from torch import nn

from medseg.core.errors import InferenceError, UsageError
from medseg.engine import runtimes
from medseg.engine.device import Precision
from medseg.engine.export import ToExport, write_export
from medseg.engine.forward import Forward, Mode
from medseg.engine.runtimes import ENGINES, check_engine, missing_packages, run_with

FP32, BF16 = Precision("fp32", "cpu"), Precision("bf16", "cpu")
MAKE_THEIR_OWN = [one for one in ENGINES if one != "int8"]
# Reads a file as an engine does; nothing of what tells others of it, or exports anew, may be loaded.
FROM_FILE = """
import sys
from pathlib import Path
import torch
from medseg.engine.runtimes import run_with
run = run_with(sys.argv[1], torch.nn.Identity(), (1, 2, 16, 16, 16), "fp32", exported=Path(sys.argv[2]))
print(tuple(run(torch.zeros(1, 2, 16, 16, 16)).shape))
loaded = {name.split(".")[0] for name, module in sys.modules.items() if module is not None}
print(sorted(loaded & {"onnx", "onnxscript", "openvino_telemetry"}))
"""


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
    "engine", [pytest.param(one, marks=pytest.mark.slow if one == "compile" else ()) for one in MAKE_THEIR_OWN]
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
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"--engine openvino needs openvino: pip install 'medseg\[openvino\]'"):
        check_engine("openvino")
    with pytest.raises(UsageError, match=r"--engine int8 needs openvino: pip install 'medseg\[openvino\]'"):
        check_engine("int8", from_file=True)
    assert missing_packages("onnx") == ["onnx", "onnxscript", "onnxruntime"]
    assert missing_packages("onnx", from_file=True) == ["onnxruntime"]
    assert missing_packages("torch") == missing_packages("auto") == []


def test_a_network_that_an_engine_cannot_run_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("no conversion rule\nfor aten::strange")

    monkeypatch.setattr(runtimes, "_onnx", refuse)
    with pytest.raises(InferenceError, match="--engine onnx cannot run this network: no conversion rule for aten::str"):
        run_with("onnx", nn.Identity(), (1, 1, 4, 4, 4), "fp32")


def test_an_engine_that_says_something_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    network = networks()["unet"]
    monkeypatch.setattr("medseg.engine.forward.run_with", lambda *_, **__: lambda windows: network(windows).flip(1))
    forward = Forward(network, Mode(FP32, engine="onnx"))
    with pytest.raises(InferenceError, match=r"--engine onnx labels \d+\.\d\d % of .* as torch does in fp32; 99\.9 %"):
        forward(torch.randn(1, 2, 16, 16, 16))


def test_an_engine_that_agrees_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    network, starts = networks()["unet"], []

    def start(*given: object, **_: object) -> nn.Module:
        starts.append(given[0])
        return network

    monkeypatch.setattr("medseg.engine.forward.run_with", start)
    forward, windows = Forward(network, Mode(BF16, engine="openvino")), torch.randn(1, 2, 16, 16, 16)
    with torch.inference_mode():
        assert all(torch.equal(forward(windows), network(windows)) for _ in range(3))
    assert starts == ["openvino"]


def test_an_engine_that_disagreed_is_asked_again_before_the_next_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    network = networks()["unet"]
    monkeypatch.setattr("medseg.engine.forward.run_with", lambda *_, **__: lambda windows: network(windows).flip(1))
    forward = Forward(network, Mode(FP32, engine="onnx"))
    for _ in range(2):
        with pytest.raises(InferenceError, match="labels"):
            forward(torch.randn(1, 2, 16, 16, 16))


def test_8_bit_numbers_may_change_half_a_percent_of_the_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    network, windows = nn.Conv3d(1, 2, 1), torch.zeros(1, 1, 10, 10, 10)

    def other_in(voxels: int) -> Forward:
        other = network(windows).detach().flatten(2).clone()
        other[:, :, :voxels] = other[:, :, :voxels].flip(1)
        monkeypatch.setattr(
            "medseg.engine.forward.run_with", lambda *_, **__: lambda _: other.reshape(1, 2, 10, 10, 10)
        )
        return Forward(network, Mode(FP32, engine="int8"))

    other_in(5)(windows)
    with pytest.raises(InferenceError, match=r"--engine int8 labels 99\.40 % .* in fp32; 99\.5 % are wanted"):
        other_in(6)(windows)


@pytest.fixture(scope="module")
def in_onnx(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unet of ``networks`` as a bundle may carry it."""
    needed("onnx")
    path = tmp_path_factory.mktemp("package") / "model.onnx"
    write_export("onnx", ToExport(networks()["unet"], 2, ((16, 16, 16), (18, 18, 18))), path)
    return path


@pytest.mark.parametrize("engine", ["onnx", "int8"])
def test_a_file_is_run_without_what_exports_it_and_without_telemetry(engine: str, in_onnx: Path) -> None:
    command = [sys.executable, "-c", FROM_FILE, needed(engine), str(in_onnx)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout.splitlines()
    assert said == ["(1, 3, 16, 16, 16)", "[]"]


def test_an_engine_runs_the_file_instead_of_the_network(in_onnx: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needed("onnx")
    monkeypatch.setattr("medseg.engine.runtimes.onnx_program", lambda *_: pytest.fail("exported anew"))
    network, windows = networks()["unet"], torch.randn(2, 2, 16, 16, 16)
    said = Forward(network, Mode(FP32, engine="onnx"), exported=in_onnx)(windows)
    with torch.inference_mode():
        assert torch.allclose(said, network(windows), atol=1e-4)


def test_a_file_of_other_weights_is_refused(in_onnx: Path) -> None:
    needed("onnx")
    torch.manual_seed(1)
    other = UNet(3, 2, 3, (4, 8), (2,), num_res_units=2, norm="instance").eval()
    with pytest.raises(InferenceError, match=r"--engine onnx labels \d+\.\d\d % of the voxels"):
        Forward(other, Mode(FP32, engine="onnx"), exported=in_onnx)(torch.randn(1, 2, 16, 16, 16))


def test_openvino_finds_no_telemetry() -> None:
    program = FROM_FILE.replace(", exported=Path(sys.argv[2])", "")
    command = [sys.executable, "-c", program, needed("openvino")]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout.splitlines()
    assert said == ["(1, 2, 16, 16, 16)", "[]"]

from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch import nn

from medseg.core.errors import InferenceError
from medseg.engine.device import Precision
from medseg.engine.export import ToExport, noise, write_export
from medseg.engine.exported import EXPORTED, ExportedNetwork, exported_network
from medseg.engine.forward import Forward, Mode

FP32 = Mode(Precision("fp32", "cpu"))
PACKAGES = {"onnx": "onnxruntime", "int8": "openvino"}


@pytest.mark.parametrize("form", EXPORTED)
def test_a_file_that_is_no_network_is_told(form: str, tmp_path: Path) -> None:
    if find_spec(PACKAGES.get(form, "torch")) is None:  # importing one would tell its maker
        pytest.skip(f"{PACKAGES[form]} not installed")
    path = tmp_path / "model"
    path.write_bytes(b"no network at all")
    with pytest.raises(InferenceError, match=rf"model' cannot be read as {form}: .* Export the network again"):
        exported_network(form, path)


@pytest.mark.parametrize("export", ["torchscript", "pt2"])
def test_an_exported_network_stands_where_one_is_called(export: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network, path = nn.Sequential(nn.Conv3d(1, 2, 3, padding=1), nn.ReLU()).eval(), tmp_path / "model.file"
    write_export(export, ToExport(network, 1, ((8, 8, 8), (9, 9, 9))), path)
    windows = noise((2, 1, 9, 8, 11))
    said = Forward(exported_network(export, path), FP32)(windows)
    assert torch.equal(said, Forward(network, FP32)(windows))


def test_what_an_exported_network_says_is_checked_as_that_of_any_other() -> None:
    broken = ExportedNetwork(lambda windows: windows * torch.nan)
    with pytest.raises(InferenceError, match="says nan or infinity"):
        Forward(broken, FP32)(noise((1, 1, 4, 4, 4)))

from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from medseg.core.errors import OutputError
from medseg.engine.export import ToExport, noise, write_export
from medseg.engine.exported import exported_network
from medseg.engine.quantize import outermost, quantize

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
pytest.importorskip("onnxruntime")

WIDTHS = (1, 8, 16, 8, 3)


class Four(nn.Module):
    """Four convolutions, one behind the other."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.convs = nn.ModuleList([nn.Conv3d(*pair, 3, padding=1) for pair in pairwise(WIDTHS)])

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        for conv in self.convs[:-1]:
            image = torch.relu(conv(image))
        said: torch.Tensor = self.convs[-1](image)
        return said


def in_onnx(network: nn.Module, path: Path) -> Path:
    write_export("onnx", ToExport(network.eval(), 1, ((8, 8, 8), (12, 12, 12))), path)
    return path


def windows(count: int = 4) -> list[Any]:
    return list(noise((count, 1, 12, 12, 12)).numpy()[:, None])


@pytest.fixture(scope="module")
def quantized(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A network in ONNX, and the same in 8-bit numbers."""
    folder = tmp_path_factory.mktemp("int8")
    source, target = in_onnx(Four(), folder / "model.onnx"), folder / "models" / "model_int8.onnx"
    quantize(source, windows(), target)
    return source, target


def test_weights_between_the_ends_are_bytes_with_a_scale_per_channel(quantized: tuple[Path, Path]) -> None:
    kept = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(quantized[1]).graph.initializer}
    shapes = {(WIDTHS[n + 1], WIDTHS[n], 3, 3, 3): kind for n, kind in enumerate(["f", "i", "i", "f"])}
    weights = {array.shape: array for array in kept.values() if array.ndim == 5}
    assert {shape: array.dtype.kind for shape, array in weights.items()} == shapes
    inner = weights[16, 8, 3, 3, 3]
    assert inner.dtype == np.int8
    assert np.abs(inner).max() <= 64  # 7 bits, so that pairs of products never overflow
    assert any(array.shape == (16,) and name.endswith("scale") for name, array in kept.items())


@pytest.mark.parametrize("form", ["onnx", "int8"])
def test_either_runtime_says_nearly_the_same_of_any_size(form: str, quantized: tuple[Path, Path]) -> None:
    if find_spec("openvino") is None:
        pytest.skip("openvino not installed")
    network, run = Four().eval(), exported_network(form, quantized[1])
    for shape in [(1, 1, 12, 12, 12), (2, 1, 8, 12, 16)]:
        given = noise(shape)
        with torch.no_grad():
            expected, found = network(given), run(given)
        assert float((found - expected).abs().max()) < 0.03 * float(expected.abs().max())
        assert not torch.equal(found, expected)


def test_it_is_smaller(quantized: tuple[Path, Path]) -> None:
    source, target = quantized
    assert target.stat().st_size < 0.6 * source.stat().st_size  # the ends are a tenth of these weights


def test_the_same_windows_give_the_same_file(quantized: tuple[Path, Path], tmp_path: Path) -> None:
    quantize(quantized[0], windows(), tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == quantized[1].read_bytes()


def test_ranges_need_windows(quantized: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ranges are read from windows, and there are none"):
        quantize(quantized[0], [], tmp_path / "model_int8.onnx")


def test_a_network_of_nothing_but_ends_is_refused(tmp_path: Path) -> None:
    source = in_onnx(nn.Sequential(nn.Conv3d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv3d(4, 2, 1)), tmp_path / "a.onnx")
    with pytest.raises(OutputError, match="no convolution but those at its ends"):
        quantize(source, windows(), tmp_path / "models" / "model_int8.onnx")
    assert list((tmp_path / "models").iterdir()) == []


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(b"no network at all")
    with pytest.raises(OutputError, match=r"This network cannot be quantized: .* Leave --quantize out"):
        quantize(tmp_path / "a.onnx", windows(), tmp_path / "model_int8.onnx")


def test_the_ends_are_what_reads_the_image_and_what_says_the_classes() -> None:
    # image -> a -> relu -> b -> sum -> d -> pred, image -> c -> sum; b is told how large the image is, no more
    rows = [
        ("Conv", "a", ["image", "wa"], ["1"]),
        ("Shape", "size", ["image"], ["2"]),
        ("Relu", "relu", ["1"], ["3"]),
        ("Resize", "wide", ["3", "", "", "2"], ["4"]),
        ("ConvTranspose", "b", ["4", "wb"], ["5"]),
        ("Mul", "half", ["image", "0.5"], ["6"]),
        ("Conv", "c", ["6", "wc"], ["7"]),
        ("Add", "sum", ["5", "7"], ["8"]),
        ("Conv", "d", ["8", "wd"], ["9"]),
        ("Identity", "same", ["9"], ["pred"]),
    ]
    nodes = [onnx.helper.make_node(kind, given, said, name=name) for kind, name, given, said in rows]
    assert outermost(onnx.helper.make_graph(nodes, "graph", [], [])) == ["a", "c", "d"]

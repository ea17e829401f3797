import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from monai.data import load_net_with_metadata
from monai.networks.nets import DynUNet, UNet
from torch import nn

from medseg.core.errors import OutputError
from medseg.core.exports import EXPORT_FILES, EXPORTS, Export
from medseg.engine.export import ToExport, noise, write_export

pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
onnxruntime = pytest.importorskip("onnxruntime")

METADATA, INFERENCE = {"name": "a network", "version": "1.0.0"}, {"network_def": {"channels": [4, 8]}}


def a_3d_network() -> ToExport:
    torch.manual_seed(0)
    network = UNet(3, 2, 3, (4, 8), (2,), num_res_units=1, norm="instance").eval()
    attached = {"metadata.json": json.dumps(METADATA), "inference.json": json.dumps(INFERENCE)}
    return ToExport(network, 2, ((8, 8, 8), (10, 12, 14)), attached)


def a_2d_network() -> ToExport:
    """With heads that TorchScript cannot compile."""
    torch.manual_seed(0)
    made = DynUNet(2, 1, 2, [3] * 3, [1, 2, 2], [2, 2], [4, 4, 8], deep_supervision=True, deep_supr_num=1)
    return ToExport(made.eval(), 1, ((8, 8), (12, 12)))


def read(export: Export, path: Path) -> Any:
    """As someone without medseg would."""
    if export == "torchscript":
        return torch.jit.load(str(path))
    if export == "pt2":
        return torch.export.load(str(path)).module()
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda given: torch.from_numpy(session.run(["pred"], {"image": given.numpy()})[0])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network in every form."""
    folder = tmp_path_factory.mktemp("package")
    for export in EXPORTS:
        write_export(export, a_3d_network(), folder / EXPORT_FILES[export])
    return folder


@pytest.mark.parametrize("shape", [(1, 2, 8, 8, 8), (2, 2, 10, 12, 14), (3, 2, 16, 6, 22)], ids=str)
@pytest.mark.parametrize("export", EXPORTS)
def test_a_file_says_what_the_network_says_of_any_size_that_it_takes(
    export: Export, shape: tuple[int, ...], folder: Path
) -> None:
    given = noise(shape)
    with torch.no_grad():
        found, expected = read(export, folder / EXPORT_FILES[export])(given), a_3d_network().network(given)
    assert torch.allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("export", EXPORTS)
def test_a_2d_network_that_torchscript_cannot_compile_is_followed(export: Export, tmp_path: Path) -> None:
    one, path = a_2d_network(), tmp_path / EXPORT_FILES[export]
    how = write_export(export, one, path)
    assert how == {"torchscript": "torch.jit.trace", "onnx": "torch.onnx.export", "pt2": "torch.export.export"}[export]
    given = noise((3, 1, 12, 20))
    with torch.no_grad():
        assert torch.allclose(read(export, path)(given), one.network(given), atol=1e-4)


def test_monai_finds_the_files_that_a_torchscript_archive_takes_along(folder: Path) -> None:
    path = str(folder / EXPORT_FILES["torchscript"])
    network, metadata, others = load_net_with_metadata(path, more_extra_files=["inference.json"])
    assert metadata == METADATA
    assert json.loads(others["inference.json"]) == INFERENCE
    assert network(noise((1, 2, 8, 8, 8))).shape == (1, 3, 8, 8, 8)


@pytest.mark.parametrize("export", ["torchscript", "pt2"])
def test_an_archive_is_called_inside_as_outside(export: Export, folder: Path) -> None:
    with zipfile.ZipFile(folder / EXPORT_FILES[export]) as archive:
        assert {name.split("/")[0] for name in archive.namelist()} == {"model"}


def test_onnx_names_input_and_output_as_metadata_does_and_says_in_which_steps_sizes_are_free(folder: Path) -> None:
    session = onnxruntime.InferenceSession(str(folder / EXPORT_FILES["onnx"]), providers=["CPUExecutionProvider"])
    (given,), (said,) = session.get_inputs(), session.get_outputs()
    assert (given.name, said.name) == ("image", "pred")
    assert given.shape == ["batch", 2, "2*n0", "4*n1", "2*n2"]  # 8 and 10, 8 and 12, 8 and 14


@pytest.mark.parametrize("export", EXPORTS)
def test_a_file_does_not_tell_where_the_network_was_written(export: Export, folder: Path) -> None:
    path = folder / EXPORT_FILES[export]
    if export == "onnx":
        contents = [path.read_bytes()]
    else:
        with zipfile.ZipFile(path) as archive:
            contents = [archive.read(name) for name in archive.namelist()]
    assert not any(b"site-packages" in one or str(Path.home()).encode() in one for one in contents)


class Square(nn.Module):
    """Takes images as high as wide."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3, padding=1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        said: torch.Tensor = self.conv(image + image.transpose(2, 3))
        return said


def test_sizes_that_a_network_ties_together_are_left_to_it(tmp_path: Path) -> None:
    one, path = ToExport(Square().eval(), 1, ((8, 8), (12, 12))), tmp_path / "model.pt2"
    write_export("pt2", one, path)
    given = noise((1, 1, 20, 20))
    with torch.no_grad():
        assert torch.allclose(read("pt2", path)(given), one.network(given), atol=1e-5)


class Choosy(nn.Module):
    """Looks at what it is given to decide what to do, which no graph can hold."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return image if float(image.sum()) > 0 else -image


def test_a_network_that_has_no_such_form_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"This network cannot be written as pt2: .* Leave pt2 out"):
        write_export("pt2", ToExport(Choosy().eval(), 1, ((8, 8), (12, 12))), tmp_path / "models" / "model.pt2")
    assert [path.name for path in tmp_path.rglob("*")] == ["models"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file")
    with pytest.raises(OutputError, match=r"Cannot write '.*model\.ts'"):
        write_export("torchscript", a_2d_network(), tmp_path / "models" / "model.ts")


def test_the_network_stays_as_it_was(tmp_path: Path) -> None:
    one = a_3d_network()
    before = {name: value.clone() for name, value in one.network.state_dict().items()}
    write_export("torchscript", one, tmp_path / "model.ts")
    assert all(torch.equal(value, before[name]) for name, value in one.network.state_dict().items())
    assert not one.network.training

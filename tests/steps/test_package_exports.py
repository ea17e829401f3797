import importlib.util
import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
from monai.data import load_net_with_metadata
from torch import nn

from medseg.bundle.pack import seal_bundle
from medseg.bundle.read import Bundle, read_bundle
from medseg.core.errors import BundleError, UsageError
from medseg.core.exports import EXPORT_FILES, EXPORTS
from medseg.datasets.detect import read_dataset
from medseg.engine.export import ToExport, write_export
from medseg.engine.exported import ExportedNetwork
from medseg.io.study import read_study
from medseg.steps.package_exports import ExportReport, export_network, label_agreement

pytestmark = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("onnx", "onnxscript", "onnxruntime")), reason="the extra onnx is missing"
)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """With random weights."""
    return read_bundle(tiny.add_random_weights(tiny.write_tiny_bundle(tmp_path_factory.mktemp("bundle") / "tiny")))


@pytest.fixture(scope="module")
def package(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, ExportReport]]:
    """The bundle with its network in every form; do not write into it."""
    folder = Path(shutil.copytree(bundle.root, tmp_path_factory.mktemp("package") / "tiny"))
    said = json.loads((folder / "configs" / "metadata.json").read_text())
    (folder / "configs" / "metadata.json").write_text(json.dumps({**said, "description": "as packaged"}))
    return folder, export_network(bundle, EXPORTS, folder)


def test_each_form_is_read_back_and_compared_on_two_shapes(package: tuple[Path, dict[str, ExportReport]]) -> None:
    folder, reports = package
    assert list(reports) == list(EXPORTS)
    for export, report in reports.items():
        assert report.file == EXPORT_FILES[export].as_posix()
        assert report.bytes == (folder / report.file).stat().st_size
        assert report.shapes == ((1, 1, 32, 32, 32), (2, 1, 40, 40, 40))  # metadata.json says "8*n"
        assert report.largest_difference < 1e-4 < report.largest_logit
        assert report.seconds > 0
    assert reports["onnx"].largest_difference > 0  # another program adds in another order


def test_a_torchscript_archive_takes_along_what_the_package_says(
    package: tuple[Path, dict[str, ExportReport]], bundle: Bundle
) -> None:
    path = str(package[0] / EXPORT_FILES["torchscript"])
    _, metadata, others = load_net_with_metadata(path, more_extra_files=["inference.json"])
    assert metadata["description"] == "as packaged"
    assert json.loads(others["inference.json"])["network_def"] == bundle.inference["network_def"]


def test_every_form_gives_the_label_map_of_the_network(
    package: tuple[Path, dict[str, ExportReport]], bundle: Bundle, planned_cohort: Path
) -> None:
    volume = read_study(read_dataset(planned_cohort).studies[0])
    agreement = label_agreement(bundle, {one: package[0] / EXPORT_FILES[one] for one in EXPORTS}, volume)
    assert list(agreement) == list(EXPORTS)
    for labels in agreement.values():
        assert list(labels) == ["anterior", "posterior"]
        assert min(labels.values()) > 0.999


def test_a_file_of_another_network_shows_in_its_label_map(bundle: Bundle, tmp_path: Path, planned_cohort: Path) -> None:
    torch.manual_seed(1)
    other, path = nn.Conv3d(1, 3, 3, padding=1).eval(), tmp_path / "model.ts"
    write_export("torchscript", ToExport(other, 1, ((8, 8, 8), (16, 16, 16))), path)
    volume = read_study(read_dataset(planned_cohort).studies[0])
    assert min(label_agreement(bundle, {"torchscript": path}, volume)["torchscript"].values()) < 0.9


@pytest.mark.parametrize(
    ("says", "message"),
    [
        (lambda image: image.expand(-1, 3, -1, -1, -1) * torch.nan, "says something else than the network"),
        (lambda image: image, "says something else than the network"),
        (lambda image: image.reshape(7, -1), r"does not run on an image of shape \(1, 1, 32, 32, 32\), which the"),
    ],
    ids=["nan", "one class", "an error"],
)
def test_a_form_that_is_not_the_network_is_refused(
    says: object, message: str, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medseg.steps.package_exports.exported_network", lambda *_: ExportedNetwork(says))  # type: ignore[arg-type]
    with pytest.raises(BundleError, match=rf"models/model\.ts {message}"):
        export_network(bundle, ["torchscript"], tmp_path)


def test_no_form_is_no_work(bundle: Bundle, tmp_path: Path) -> None:
    assert export_network(bundle, [], tmp_path) == {}
    assert list(tmp_path.iterdir()) == []


def test_what_onnx_needs_is_told_before_anything_is_done(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnxscript" else object())
    with pytest.raises(UsageError, match=r"--export onnx needs onnxscript: pip install 'medseg\[onnx\]'"):
        export_network(bundle, ("torchscript", "onnx"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_infer_takes_the_file_of_a_bundle(
    package: tuple[Path, dict[str, ExportReport]],
    tmp_path: Path,
    planned_cohort: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("medseg.engine.runtimes.onnx_program", lambda *_: pytest.fail("exported anew"))
    root = Path(shutil.copytree(package[0], tmp_path / "sealed"))
    seal_bundle(root, {"name": "any", "version": "1"}, None)
    words = ["--bundle", root, "--input", planned_cohort, "--engine"]
    for engine in ("torch", "onnx"):
        answer = tiny.call("infer", *words, engine, "--precision", "fp32", "--output", tmp_path / engine)
        assert answer.code == 0, answer.err
    for path in sorted((tmp_path / "torch").glob("*.nii.gz")):
        found, expected = (read_label(tmp_path / engine / path.name) for engine in ("onnx", "torch"))
        assert np.mean(found == expected) > 0.999


def read_label(path: Path) -> np.ndarray:
    import nibabel

    return np.asarray(nibabel.load(path).dataobj)

"""A package runs where medseg is not: stock MONAI, readers like those of others, ONNX Runtime, torch.export."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import nibabel
import numpy as np
import pytest
import tiny
from packages_of_weights import trained_bundle

from medseg.bundle.pack import seal_bundle

pytestmark = pytest.mark.slow
ELSEWHERE = Path(__file__).with_name("elsewhere.py")


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_tiny_cohort(tmp_path_factory.mktemp("full") / "hippocampus", studies=6, scale=1.0)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory, cohort: Path) -> Path:
    """A zip with trained weights, in every form."""
    folder = tmp_path_factory.mktemp("package")
    bundle = trained_bundle(folder / "source", cohort)
    output = folder / "hippocampus_unet3d-1.0.0.zip"
    forms = ("--export", "torchscript", "onnx", "pt2", "--quantize", "int8", "--calibrate", cohort)
    answer = tiny.call("package", "--run", bundle, "--data", cohort, "--output", output, *forms)
    assert answer.code == 0, answer.err
    return output


@pytest.fixture(scope="module")
def folder(package: Path) -> Path:
    """The same, unpacked as anyone would."""
    with ZipFile(package) as archive:
        archive.extractall(package.parent / "unpacked")
    return package.parent / "unpacked" / "hippocampus_unet3d"


@pytest.fixture(scope="module")
def scan(cohort: Path) -> Path:
    return sorted((cohort / "imagesTr").glob("*.nii.gz"))[-1]


@pytest.fixture(scope="module")
def labels(package: Path, scan: Path, tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """What medseg says of the scan."""
    return segmented(package, scan, tmp_path_factory.mktemp("medseg"), "--exact")


@pytest.fixture(scope="module")
def said_elsewhere(folder: Path, scan: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, Path]:
    """What the readers of others said, and the folder of their label maps; medseg cannot be imported there."""
    block = tmp_path_factory.mktemp("block")
    (block / "sitecustomize.py").write_text(
        "import sys\nclass _No:\n    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'medseg':\n            raise ImportError('kept out')\n"
        "sys.meta_path.insert(0, _No())\n",
        encoding="utf-8",
    )
    output = block / "out"
    environment = {**os.environ, "PYTHONPATH": str(block), "PYTHONWARNINGS": "ignore", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(ELSEWHERE), str(folder), str(scan), str(output)]
    done = subprocess.run(command, env=environment, cwd=block, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "verified with no error" in done.stdout + done.stderr  # of MONAI's verify_net_in_out
    return json.loads(done.stdout.splitlines()[-1]), output


def segmented(package: Path, scan: Path, output: Path, *options: object) -> np.ndarray:
    answer = tiny.call("infer", "--bundle", package, "--input", scan, "--output", output, *options)
    assert answer.code == 0, answer.err
    return np.asarray(nibabel.load(output / scan.name).dataobj)


def dice(one: np.ndarray, other: np.ndarray, value: int) -> float:
    return float(2 * np.sum((one == value) & (other == value)) / (np.sum(one == value) + np.sum(other == value)))


def test_the_package_finds_both_labels(labels: np.ndarray) -> None:
    assert set(np.unique(labels)) == {0, 1, 2}


def test_stock_monai_writes_the_same_label_map(
    folder: Path, scan: Path, labels: np.ndarray, stock: Callable[[Path, Path, Path], dict[str, Path]], tmp_path: Path
) -> None:
    (tmp_path / "scan").mkdir()
    (tmp_path / "scan" / scan.name).write_bytes(scan.read_bytes())
    (written,) = stock(folder, tmp_path / "scan", tmp_path / "out").values()
    assert np.array_equal(np.asarray(nibabel.load(written).dataobj), labels)


def test_load_of_monai_gives_the_network(said_elsewhere: tuple[dict, Path]) -> None:
    assert said_elsewhere[0]["load"] == "DynUNet"


@pytest.mark.parametrize("reader", ["label", "deploy"])
def test_readers_like_those_of_others_give_the_same_label_map(
    reader: str, said_elsewhere: tuple[dict, Path], labels: np.ndarray
) -> None:
    assert np.array_equal(np.load(said_elsewhere[1] / f"{reader}.npy"), labels)


def test_the_program_of_torch_export_takes_other_shapes(said_elsewhere: tuple[dict, Path]) -> None:
    assert said_elsewhere[0]["program"] < 1e-4


def test_onnx_runtime_with_the_windows_of_medseg_finds_the_same(
    package: Path, scan: Path, tmp_path: Path, labels: np.ndarray
) -> None:
    found = segmented(package, scan, tmp_path, "--engine", "onnx")
    assert min(dice(found, labels, value) for value in (1, 2)) >= 0.999


def test_onnx_runtime_runs_the_file_of_the_package(folder: Path, scan: Path, tmp_path: Path) -> None:
    """One that is no network is noticed, so it is the file that was run."""
    bundle = Path(shutil.copytree(folder, tmp_path / "bundle"))
    (bundle / "models" / "model.onnx").write_bytes(b"no network")
    seal_bundle(bundle, {"name": "any", "version": "1"}, None)
    answer = tiny.call("infer", "--bundle", bundle, "--input", scan, "--output", tmp_path / "o", "--engine", "onnx")
    assert answer.code == 3
    assert "onnx" in answer.out


def test_eight_bits_find_nearly_the_same(package: Path, scan: Path, tmp_path: Path, labels: np.ndarray) -> None:
    found = segmented(package, scan, tmp_path, "--engine", "int8")
    assert min(dice(found, labels, value) for value in (1, 2)) > 0.97


def test_the_manifest_tells_what_each_form_is_worth(folder: Path) -> None:
    told = json.loads((folder / "manifest.json").read_text())["networks"]
    assert set(told) == {"torchscript", "onnx", "pt2", "int8"}
    assert all(min(told[form]["golden_dice"].values()) >= 0.999 for form in ("torchscript", "onnx", "pt2"))
    assert told["onnx"]["largest_difference"] < 1e-3
    assert told["int8"]["bytes"] < 0.4 * told["int8"]["float_bytes"]

"""The wheel a user installs: it carries the bundles and works away from the checkout."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import nibabel
import numpy as np
import pytest

from medseg.datasets.phantom import write_phantom_cohort

CHECKOUT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the checkout, in a build environment of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(CHECKOUT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return next(folder.glob("medseg-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the commands of a fresh environment that holds the wheel and borrows its dependencies from this one."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, timeout=300)
    python = folder / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", str(wheel)], check=True, timeout=300)
    # A plain path in a .pth file; the .pth file there that points to the checkout is not read.
    packages = next((folder / "lib").glob("python*")) / "site-packages"
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


def run(command: list[str], folder: Path) -> str:
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "MEDSEG_BUNDLES")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_carries_every_file_of_every_bundle_and_no_test(wheel: Path) -> None:
    listed = subprocess.run(["git", "ls-files", "bundles"], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"medseg/_{name}" for name in listed.stdout.splitlines() if ".gitkeep" not in name} <= names
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"medseg"}


def test_a_bundle_is_found_by_name_away_from_the_checkout(installed: Path, tmp_path: Path) -> None:
    where = run([str(installed / "python"), "-c", "import medseg; print(medseg.__file__)"], tmp_path)
    assert where.startswith(str(installed.parent))
    for command in ([str(installed / "medseg"), "train"], [str(installed / "python"), "-m", "medseg.train"]):
        text = run([*command, "--bundle", "brats_unet3d", "--print-config"], tmp_path)
        assert "optimizer:" in text


def test_the_networks_of_the_shipped_bundles_build_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    text = run([str(installed / "medseg"), "check", "--bundle", "hippocampus_unet2d", "--network"], tmp_path)
    assert "nothing wrong" in text


def test_a_bundle_with_weights_segments_away_from_the_checkout(installed: Path, tmp_path: Path) -> None:
    write_phantom_cohort(tmp_path / "data", kind="hippocampus", studies=1, seed=0)
    (scan,) = (tmp_path / "data" / "imagesTr").glob("*.nii.gz")
    words = ["infer", "--bundle", "hippocampus_unet3d", "--input", str(scan), "--output", "out"]
    run([str(installed / "medseg"), *words], tmp_path)
    labels, image = nibabel.load(tmp_path / "out" / scan.name), nibabel.load(scan)
    assert labels.shape == image.shape
    assert np.allclose(labels.affine, image.affine)
    assert set(np.unique(labels.dataobj)) <= {0, 1, 2}

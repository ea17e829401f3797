"""Every shipped bundle with seeded weights, scans of two geometries, and stock MONAI run without medseg."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import nibabel
import numpy as np
import pytest

BUNDLES = Path(__file__).resolve().parents[2] / "bundles"
NAMES = sorted(path.name for path in BUNDLES.iterdir() if (path / "configs" / "metadata.json").is_file())
SEED = 4
LARGE_WINDOW = "roi_size: [96, 96, 96]"  # takes seconds on two cores, and holds these small scans whole

_CHANNEL_FILES = {"t1": "t1", "t1c": "t1ce", "t2": "t2", "flair": "flair"}
_LPS = np.array([[-1.0, 0, 0, 20], [0, -1.0, 0, 30], [0, 0, 1.0, -9], [0, 0, 0, 1]])
_SAGITTAL_THICK = np.array([[0, 0, -3.0, 10], [1.2, 0, 0, -20], [0, 0.9, 0, 5], [0, 0, 0, 1]])
SCANS = {"even": ((34, 42, 30), _LPS), "thick": ((36, 30, 12), _SAGITTAL_THICK)}

_BLOCK = """
import sys
class _NoMedseg:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "medseg":
            raise ImportError("medseg is kept out of this process")
sys.meta_path.insert(0, _NoMedseg())
"""
# What `python -m monai.bundle run` calls, once per bundle: MONAI alone takes five seconds to import.
_RUN_ALL = """
import sys
from monai.bundle import run
for root, data, output in (line.split("\\t") for line in sys.stdin.read().splitlines()):
    run(config_file=f"{root}/configs/inference.yaml", bundle_root=root, dataset_dir=data, output_dir=output)
"""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every test that takes ``name`` once per bundle folder, so a new folder is tested on arrival."""
    if "name" in metafunc.fixturenames:
        metafunc.parametrize("name", NAMES)


@pytest.fixture(scope="session")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Folder of scans for a bundle: `even` (1 mm, LPS) and `thick` (3 mm sagittal slices); do not write into it."""
    root = tmp_path_factory.mktemp("scans")
    _write_scans(root)
    return lambda name: root / name.split("_")[0]


@pytest.fixture(scope="session")
def weighted(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Copy of a shipped bundle with seeded random weights and a smaller window, so that several windows overlap."""
    root = tmp_path_factory.mktemp("weighted")

    def make(name: str) -> Path:
        return root / name if (root / name).is_dir() else _write_weighted(name, root / name)

    return make


@pytest.fixture(scope="session")
def blocked_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment of a process in which `import medseg` fails."""
    folder = tmp_path_factory.mktemp("block")
    (folder / "sitecustomize.py").write_text(_BLOCK, encoding="utf-8")
    return {**os.environ, "PYTHONPATH": str(folder), "PYTHONWARNINGS": "ignore"}


@pytest.fixture(scope="session")
def stock_labels(
    tmp_path_factory: pytest.TempPathFactory,
    scans: Callable[[str], Path],
    weighted: Callable[[str], Path],
    blocked_environment: dict[str, str],
) -> dict[str, dict[str, Path]]:
    """Per bundle and study the label map stock MONAI writes, medseg kept out; all in one process."""
    output = tmp_path_factory.mktemp("stock")
    lines = [f"{weighted(name)}\t{scans(name)}\t{output / name}" for name in NAMES]
    _run_blocked(["-c", _RUN_ALL], blocked_environment, stdin="\n".join(lines))
    return {name: labels_in(output / name) for name in NAMES}


@pytest.fixture(scope="session")
def stock_run(blocked_environment: dict[str, str]) -> Callable[[Path, Path, Path], dict[str, Path]]:
    """`python -m monai.bundle run` as the card says, inside the bundle's folder; gives study to label map."""

    def run(bundle: Path, data: Path, output: Path) -> dict[str, Path]:
        options = ["--config_file", "configs/inference.yaml", "--dataset_dir", str(data), "--output_dir", str(output)]
        _run_blocked(["-m", "monai.bundle", "run", *options], blocked_environment, folder=bundle)
        return labels_in(output)

    return run


def labels_in(folder: Path) -> dict[str, Path]:
    """Study to label map of what stock MONAI wrote: `<study>_t1_seg.nii.gz` or `<study>_seg.nii.gz`."""
    return {path.name.split("_")[0]: path for path in sorted(folder.glob("*_seg.nii.gz"))}


def _run_blocked(
    arguments: Sequence[str], environment: dict[str, str], *, stdin: str = "", folder: Path | None = None
) -> None:
    result = subprocess.run(
        [sys.executable, *arguments], input=stdin, env=environment, cwd=folder, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr[-4000:]


def _write_scans(root: Path) -> None:
    for n, (study, (shape, affine)) in enumerate(SCANS.items()):
        generator = np.random.default_rng([SEED, n])
        axes = np.meshgrid(*(np.linspace(-1, 1, size) for size in shape), indexing="ij")
        brain = sum(axis**2 for axis in axes) < 0.7
        for channel in _CHANNEL_FILES.values():
            voxels = (generator.normal(500, 100, shape) + 300 * (axes[0] > 0.2)) * brain
            _save(root / "brats" / study / f"{study}_{channel}.nii.gz", voxels.astype(np.int16), affine)
        voxels = generator.normal(500, 100, shape) + 300 * (axes[1] > 0.2)
        _save(root / "hippocampus" / f"{study}.nii.gz", voxels.astype(np.float32), affine)


def _save(path: Path, voxels: np.ndarray, affine: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(voxels, affine), path)


def _write_weighted(name: str, target: Path) -> Path:
    import torch

    from medseg.bundle.build import build_network
    from medseg.bundle.copy import copy_bundle
    from medseg.bundle.read import read_bundle

    bundle = read_bundle(BUNDLES / name)
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        copy_bundle(bundle, target, state_dict=build_network(bundle).state_dict())
    file = target / "configs" / "inference.yaml"
    text = file.read_text(encoding="utf-8")
    assert LARGE_WINDOW in text or "brats" not in name
    file.write_text(text.replace(LARGE_WINDOW, "roi_size: [32, 32, 32]"), encoding="utf-8")
    return target

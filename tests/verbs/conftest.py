"""A tiny bundle, a tiny cohort and one finished run of both, made once for all tests of the verbs."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the tests of this folder share tiny.py and bad_inputs.py

import tiny
from package_made import Made, make

_BLOCK = """
import sys
class _NoMedseg:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "medseg":
            raise ImportError("medseg is kept out of this process")
sys.meta_path.insert(0, _NoMedseg())
"""


@pytest.fixture(scope="session", autouse=True)
def _apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep caches and tracking of the user's out of the tests, and arithmetic the same in every process."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # more threads add up in another order; the processes started here use one
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.delenv("MEDSEG_BUNDLES", raising=False)
        yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """hippocampus_unet3d with few filters, without weights; do not write into it."""
    return tiny.write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "hippocampus_unet3d")


@pytest.fixture(scope="session")
def tiny_cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight small hippocampus phantoms in the Decathlon layout; do not write into it."""
    return tiny.write_tiny_cohort(tmp_path_factory.mktemp("data") / "hippocampus")


@pytest.fixture(scope="session")
def tiny_training(
    tmp_path_factory: pytest.TempPathFactory, tiny_bundle: Path, tiny_cohort: Path
) -> tuple[Path, tiny.Answer]:
    """A finished run of two epochs, tracked, and what the command said; do not write into it."""
    output = tmp_path_factory.mktemp("runs")
    answer = tiny.call(
        "train",
        *("--bundle", tiny_bundle, "--data", tiny_cohort, "--output", output, "--name", "tiny"),
        *("--epochs", 2, "--seed", 5, "--workers", 0),
    )
    assert answer.code == 0, answer.err
    return output / "hippocampus_unet3d" / "tiny", answer


@pytest.fixture(scope="session")
def tiny_run(tiny_training: tuple[Path, tiny.Answer]) -> Path:
    """Folder of a finished run of two epochs, tracked; do not write into it."""
    return tiny_training[0]


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory, tiny_bundle: Path) -> Path:
    """The tiny bundle with random weights: unlike two epochs of training, they give every label."""
    bundle = Path(shutil.copytree(tiny_bundle, tmp_path_factory.mktemp("model") / "hippocampus_unet3d"))
    return tiny.add_random_weights(bundle)


@pytest.fixture(scope="session")
def brats_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """brats_unet3d made tiny, with random weights."""
    return tiny.add_random_weights(
        tiny.write_tiny_bundle(tmp_path_factory.mktemp("model") / "brats_unet3d", "brats_unet3d")
    )


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, tiny_run: Path, tiny_cohort: Path) -> Made:
    """A package with all that is known of a run; do not write into it."""
    return make(tmp_path_factory.mktemp("package"), tiny_run, tiny_cohort)


@pytest.fixture
def one_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the golden study, where a package draws several and keeps one."""
    monkeypatch.setattr("medseg.steps.golden_study.DRAWN", 1)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """An empty folder, which has to stay so where something is refused."""
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


@pytest.fixture(scope="session")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path, Path, Path], dict[str, Path]]:
    """`python -m monai.bundle run` where `import medseg` fails; gives study to label map."""
    block = tmp_path_factory.mktemp("block")
    (block / "sitecustomize.py").write_text(_BLOCK, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(block), "PYTHONWARNINGS": "ignore", "OMP_NUM_THREADS": "1"}

    def run(bundle: Path, data: Path, output: Path) -> dict[str, Path]:
        words = ["--config_file", "configs/inference.yaml", "--dataset_dir", str(data), "--output_dir", str(output)]
        command = [sys.executable, "-m", "monai.bundle", "run", *words]
        done = subprocess.run(command, env=environment, cwd=bundle, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]
        paths = output.glob("*_seg.nii.gz")
        return {path.name.removesuffix("_seg.nii.gz").removesuffix("_t1"): path for path in paths}

    return run

"""A tiny bundle, a tiny cohort and one finished run of both, made once for all tests of the verbs."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the tests of this folder share tiny.py and bad_inputs.py

import tiny


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

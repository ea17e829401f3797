"""Data that several tests share."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples each time, and no clock: a busy machine must not turn a test red.
settings.register_profile("medseg", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("medseg")

_CHECKOUT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of openly licensed scans; the test is skipped where it is absent."""
    folder = Path(os.environ.get("MEDSEG_DATA", _CHECKOUT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real scans at {folder}; set MEDSEG_DATA to their folder")
    return folder


@pytest.fixture(scope="session")
def phantom_brats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four brain tumour phantoms of 48 x 56 x 48 voxels in a BraTS folder; do not write into it."""
    from medseg.datasets.phantom import write_phantom_cohort

    return write_phantom_cohort(
        tmp_path_factory.mktemp("phantom") / "brats", kind="brain_tumour", studies=4, seed=0, scale=0.5
    )

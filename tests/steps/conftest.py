"""Bundles as shipped, and the small studies that the tests of the verbs use too."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from medseg.bundle.read import Bundle, read_bundle
from medseg.runs.tracking import ready_database
from medseg.steps.planning import PlanRequest

_CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(_CHECKOUT / "tests" / "verbs"))  # clinic.py, tiny.py
sys.path.insert(0, str(Path(__file__).parent))  # trials.py


@pytest.fixture(scope="session")
def hippocampus() -> Bundle:
    """One channel, t1, recognised by rules."""
    return read_bundle(_CHECKOUT / "bundles" / "hippocampus_unet3d")


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with an MLflow database that holds nothing; copy it."""
    folder = tmp_path_factory.mktemp("store")
    ready_database(f"sqlite:///{folder / 'mlflow.db'}")
    return folder


@pytest.fixture(scope="session")
def brats() -> Bundle:
    """Four channels, recognised by rules."""
    return read_bundle(_CHECKOUT / "bundles" / "brats_unet3d")


@pytest.fixture
def said() -> list[str]:
    """Collects lines: give ``said.append`` for ``say``."""
    return []


@pytest.fixture(scope="session")
def planned_cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five small hippocampus phantoms; do not write into it."""
    import tiny

    return tiny.write_tiny_cohort(tmp_path_factory.mktemp("data") / "hippocampus", studies=5)


@pytest.fixture
def request_of(tmp_path: Path, planned_cohort: Path) -> Callable[..., PlanRequest]:
    """Makes requests for a plan of the five phantoms; give what is to differ."""

    def make(**changes: Any) -> PlanRequest:
        plain = PlanRequest(
            data=planned_cohort, name="planned", output=tmp_path / "bundles", network="auto", memory_gib=8.0,
            budget_min=None, device="auto", modality=None, cache=tmp_path / "cache",
        )  # fmt: skip
        return replace(plain, **changes)

    return make

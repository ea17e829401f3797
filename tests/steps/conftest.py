"""Bundles as shipped, and the small studies that the tests of the verbs use too."""

import sys
from pathlib import Path

import pytest

from medseg.bundle.read import Bundle, read_bundle

_CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(_CHECKOUT / "tests" / "verbs"))  # clinic.py


@pytest.fixture(scope="session")
def hippocampus() -> Bundle:
    """One channel, t1, recognised by rules."""
    return read_bundle(_CHECKOUT / "bundles" / "hippocampus_unet3d")


@pytest.fixture(scope="session")
def brats() -> Bundle:
    """Four channels, recognised by rules."""
    return read_bundle(_CHECKOUT / "bundles" / "brats_unet3d")


@pytest.fixture
def said() -> list[str]:
    """Collects lines: give ``said.append`` for ``say``."""
    return []

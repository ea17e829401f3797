"""A recipe of changes that tests alter one at a time."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from medseg.core.recipe import Augmentation, Effect

OFF = Effect(0.0, (1.0, 1.0))
STILL = Augmentation((), OFF, OFF, OFF, OFF, OFF, OFF, OFF, OFF)
WILD = Augmentation(
    flip_axes=(0, 1, 2),
    rotation=Effect(1.0, (-40.0, 40.0)),
    scaling=Effect(1.0, (0.7, 1.4)),
    noise=Effect(1.0, (0.05, 0.1)),
    blur=Effect(1.0, (0.5, 1.0)),
    brightness=Effect(1.0, (0.75, 1.25)),
    contrast=Effect(1.0, (0.75, 1.25)),
    low_resolution=Effect(1.0, (0.5, 0.9)),
    gamma=Effect(1.0, (0.7, 1.5)),
)


@pytest.fixture
def still() -> Callable[..., Augmentation]:
    """Changes that never happen, but for those named."""
    return lambda **changes: replace(STILL, **changes)


@pytest.fixture
def wild() -> Augmentation:
    """Every change, each time."""
    return WILD

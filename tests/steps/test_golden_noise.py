from dataclasses import replace

import numpy as np
import pytest

from medseg.bundle.read import Bundle, Channel
from medseg.bundle.validity import AXES, Limits, Validity
from medseg.steps.golden_noise import draw_noise


def _validity(**changes: object) -> Validity:
    plain = Validity(
        studies=2, patients=2, modality=(), orientation=("RAS",), orientation_matters=False, extent_mm={}, labels={},
        spacing_mm={axis: Limits((n + 1.0, n + 2.0)) for n, axis in enumerate(AXES)},
        intensity={"t1": {"p0.5": Limits((-50.0, 0.0)), "p99.5": Limits((200.0, 300.0))}},
    )  # fmt: skip
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_noise_is_a_quarter_longer_than_a_window_so_that_windows_overlap(hippocampus: Bundle) -> None:
    window = hippocampus.inference["inferer"]["roi_size"]
    volume = draw_noise(hippocampus, seed=0)
    assert volume.array.shape == (1, *(int(side * 1.25) for side in window))
    assert volume.array.dtype == np.float32


def test_noise_lies_in_the_grey_values_and_spacings_that_were_seen(hippocampus: Bundle) -> None:
    volume = draw_noise(replace(hippocampus, validity=_validity()), seed=0)
    assert (volume.array.min(), volume.array.max()) == (pytest.approx(-50, abs=1e-3), pytest.approx(300, abs=1e-3))
    assert np.allclose(volume.affine_ras, np.diag([1.5, 2.5, 3.5, 1.0]))


@pytest.mark.parametrize("validity", [None, _validity(intensity={"t1": {}}, spacing_mm={})])
def test_noise_of_a_bundle_that_does_not_say_is_plain(hippocampus: Bundle, validity: Validity | None) -> None:
    volume = draw_noise(replace(hippocampus, validity=validity), seed=0)
    assert (volume.array.min(), volume.array.max()) == (pytest.approx(0, abs=1e-3), pytest.approx(1000, abs=1e-2))
    assert np.array_equal(volume.affine_ras, np.eye(4))


def test_noise_is_smooth_and_alike_nowhere(hippocampus: Bundle) -> None:
    array = draw_noise(hippocampus, seed=0).array[0]
    steps = np.abs(np.diff(array, axis=0))
    assert steps.max() < 0.5 * np.ptp(array)
    assert steps.mean() < 0.1 * np.ptp(array)
    half = array.shape[0] // 2
    assert abs(np.corrcoef(array[:half].ravel(), array[half : 2 * half].ravel())[0, 1]) < 0.9


def test_channels_differ_and_seeds_do(hippocampus: Bundle) -> None:
    two = replace(hippocampus, channels=(Channel("t1"), Channel("t2")))
    first, second = draw_noise(two, seed=0).array, draw_noise(two, seed=1).array
    assert first.shape[0] == 2
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first, second)
    assert np.array_equal(first, draw_noise(two, seed=0).array)

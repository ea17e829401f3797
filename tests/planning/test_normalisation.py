from collections.abc import Callable
from dataclasses import replace

import pytest

from medseg.planning.fingerprint import Fingerprint, Intensity
from medseg.planning.normalisation import looks_like_ct, plan_normalisation

Print = Callable[..., Fingerprint]
HU = Intensity(-1024.0, 3000.0, (1500.0, 3000.0), mean=50.0, deviation=25.0, clip=(-50.0, 150.0))


def test_mr_is_normalised_by_study(fingerprint: Print) -> None:
    chosen = plan_normalisation(fingerprint())
    assert (chosen.kind, chosen.crop) == ("study", False)
    assert "maxima of the images: 200 to 200" in chosen.why


def test_a_masked_body_is_normalised_by_what_is_not_0_and_cropped(fingerprint: Print) -> None:
    chosen = plan_normalisation(fingerprint(study={"zero_share": 0.7}))
    assert (chosen.kind, chosen.crop) == ("nonzero", True)
    assert "70% of the voxels are exactly 0" in chosen.why


def test_a_masked_body_with_values_below_0_is_not_cropped(fingerprint: Print) -> None:
    data = fingerprint(study={"zero_share": 0.7})
    below = tuple(replace(one, low=-3.0) for one in data.intensities)
    chosen = plan_normalisation(replace(data, intensities=below))
    assert (chosen.kind, chosen.crop) == ("nonzero", False)


def test_a_dark_picture_is_not_masked(fingerprint: Print) -> None:
    assert plan_normalisation(fingerprint(study={"zero_share": 0.7}, modality="microscopy")).kind == "study"


def test_ct_is_clipped_and_its_labels_get_mean_0_and_deviation_1(fingerprint: Print) -> None:
    chosen = plan_normalisation(replace(fingerprint(modality="CT"), intensities=(HU,)))
    assert chosen.kind == "ct"
    assert chosen.clip == (-50.0, 150.0)
    assert chosen.scaled == (-4.0, 4.0)  # (-50 - 50) / 25 and (150 - 50) / 25


def test_phases_of_ct_share_one_scale(fingerprint: Print) -> None:
    late = replace(HU, mean=70.0, clip=(-40.0, 260.0))
    chosen = plan_normalisation(replace(fingerprint(modality="CT", channels=("early", "late")), intensities=(HU, late)))
    assert chosen.clip == (-50.0, 260.0)
    assert chosen.scaled == (-4.4, 8.0)  # mean 60: (-50 - 60) / 25 and (260 - 60) / 25


@pytest.mark.parametrize(
    ("modality", "low", "looks"), [("unknown", -1000.0, True), ("unknown", 0.0, False), ("CT", -1000.0, False)]
)
def test_air_of_minus_1000_gives_ct_away(fingerprint: Print, modality: str, low: float, looks: bool) -> None:
    data = replace(fingerprint(modality=modality), intensities=(replace(HU, low=low),))
    assert looks_like_ct(data) is looks

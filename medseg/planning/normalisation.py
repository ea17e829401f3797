"""How intensities are brought to one scale: by study, by what is not 0, or by the scale of CT."""

from __future__ import annotations

from dataclasses import dataclass

from medseg.planning.fingerprint import Fingerprint, is_patient

# A quarter of the voxels exactly 0 is no darkness but a mask: skull-stripped heads have 60 to 85 %, plain MR under 2 %.
MASKED = 0.25
CT_AIR = -500.0  # HU; no other modality stores values this far below 0


@dataclass(frozen=True)
class Normalisation:
    """What is done, and why.

    Attributes:
        kind: "study", "nonzero" or "ct".
        why: The measured reason.
        crop: Whether what is 0 around the body is cut off.
        clip: For CT, in HU.
        scaled: For CT: what the ends of ``clip`` become, so that labelled voxels have mean 0 and deviation 1.
    """

    kind: str
    why: str
    crop: bool = False
    clip: tuple[float, float] = (0.0, 0.0)
    scaled: tuple[float, float] = (0.0, 0.0)


def plan_normalisation(data: Fingerprint) -> Normalisation:
    """Normalisation for the modality and the intensities of a data set."""
    if data.source.modality == "CT":
        return _ct(data)
    highs = [one.highs for one in data.intensities]
    low, high = min(pair[0] for pair in highs), max(pair[1] for pair in highs)
    spread = f"maxima of the images: {low:.4g} to {high:.4g}"
    if is_patient(data.source.modality) and data.zero_share > MASKED:
        share = f"{data.zero_share:.0%} of the voxels are exactly 0 (median study), the body is masked"
        why = f"{spread}; {share}: mean 0, deviation 1 of what is not 0"
        # MONAI's CropForeground keeps what is above 0: where a body has values below, it would cut into it.
        # Pictures are read as they are: their preprocessing places and cuts nothing.
        crop = not data.source.pictures and all(one.low >= 0 for one in data.intensities)
        return Normalisation("nonzero", why, crop=crop)
    return Normalisation("study", f"{spread}: mean 0, deviation 1 per study and channel")


def looks_like_ct(data: Fingerprint) -> bool:
    """Whether values are as in CT though nobody said so."""
    return data.source.modality != "CT" and all(one.low <= CT_AIR for one in data.intensities)


def _ct(data: Fingerprint) -> Normalisation:
    channels = data.intensities  # HU mean the same in each, so that all share one scale
    low = _rounded(min(one.clip[0] for one in channels))
    high = max(_rounded(max(one.clip[1] for one in channels)), low + 1.0)
    mean = sum(one.mean for one in channels) / len(channels)
    deviation = max(max(one.deviation for one in channels), 1e-3)
    why = (
        f"HU of labelled voxels: 0.5 % below {low:g}, 0.5 % above {high:g}; mean {mean:.4g}, deviation {deviation:.4g}"
    )
    scaled = _rounded((low - mean) / deviation), _rounded((high - mean) / deviation)
    return Normalisation("ct", why, clip=(low, high), scaled=scaled)


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")

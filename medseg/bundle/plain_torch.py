"""Whether MONAI computes a bundle with torch and numpy alone, so that SciPy and scikit-image need not be loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from medseg.bundle.read import Bundle

_NETWORKS = ("BasicUNet", "DynUNet", "SegResNet", "UNet")
_INFERERS = ("SimpleInferer", "SliceInferer", "SlidingWindowInferer")
# Looked up in MONAI 1.6: what these call needs neither package.
_TRANSFORMS = (
    *("Activationsd", "AsDiscreted", "Compose", "CropForegroundd", "EnsureChannelFirstd", "EnsureTyped", "Invertd"),
    *("LoadImaged", "MapLabelValued", "NormalizeIntensityd", "Orientationd", "SaveImaged", "ScaleIntensityRanged"),
    *("ScaleIntensityd", "Spacingd"),
)
_KNOWN = {
    *(f"monai.networks.nets.{name}" for name in _NETWORKS),
    *(f"monai.inferers.{name}" for name in _INFERERS),
    *(f"monai.transforms.{name}" for name in _TRANSFORMS),
}
_USED = ("network_def", "preprocessing", "inferer", "postprocessing")


def is_plain_torch(bundle: Bundle) -> bool:
    """Whether every class of a bundle's network, chains and inferer is known to need torch and numpy alone."""
    return all(_is_plain(part) for name in _USED for part in _parts(bundle.inference[name]))


def _parts(value: Any) -> Iterator[Mapping[str, Any]]:
    """Everything below a value that names a class."""
    if isinstance(value, Mapping):
        if "_target_" in value:
            yield value
        for one in value.values():
            yield from _parts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _parts(one)


def _is_plain(part: Mapping[str, Any]) -> bool:
    """A spline's order in place of a mode's name asks for SciPy."""
    return str(part["_target_"]) in _KNOWN and not isinstance(part.get("mode"), int)

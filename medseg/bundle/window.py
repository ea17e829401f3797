"""The window of a bundle, read from its inferer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medseg.bundle.read import Bundle
from medseg.core.window import Window

_PLANE_AXIS = 2  # of a picture, a volume one voxel thick
# What stock MONAI takes beside these changes where it computes, never what.
_SAME_RESULT = {"_target_", "progress", "device", "sw_device", "cache_roi_weight_map", "cpu_thresh"}
_READ = {"roi_size", "sw_batch_size", "overlap", "mode", "sigma_scale", "padding_mode", "cval", "spatial_dim"}


def window_of(bundle: Bundle) -> Window | None:
    """Size, overlap, weights and padding of the windows of a bundle's inferer.

    Args:
        bundle: Whose inferer is as MONAI 1.6 defines it, defaults included.

    Returns:
        None for an inferer of another kind than ``SlidingWindowInferer`` and ``SliceInferer``, or with an option that
        is not understood here: MONAI has to run it.
    """
    said: Mapping[str, Any] = bundle.inference["inferer"]
    kind = str(said["_target_"]).rpartition(".")[2]
    if kind not in ("SlidingWindowInferer", "SliceInferer") or said.keys() - _READ - _SAME_RESULT:
        return None
    unseen = int(said.get("spatial_dim", 0)) if kind == "SliceInferer" else None
    if bundle.takes_pictures:
        unseen = _PLANE_AXIS
    size = _along(said["roi_size"], unseen, missing=1)
    overlap = _along(said.get("overlap", 0.25), unseen, missing=0.0)
    sigma = _along(said.get("sigma_scale", 0.125), unseen, missing=0.125)
    if size is None or overlap is None or sigma is None or not all(0 <= float(one) < 1 for one in overlap):
        return None
    return Window(
        (_side(size[0]), _side(size[1]), _side(size[2])),
        (float(overlap[0]), float(overlap[1]), float(overlap[2])),
        str(said.get("mode", "constant")),
        (float(sigma[0]), float(sigma[1]), float(sigma[2])),
        str(said.get("padding_mode", "constant")),
        float(said.get("cval", 0.0)),
        int(said.get("sw_batch_size", 1)),
        unseen,
    )


def _along(value: Any, unseen: int | None, *, missing: float) -> list[Any] | None:
    """A value for each axis of a volume; None if there is another number of them."""
    if not isinstance(value, list):
        value = [value] * (3 if unseen is None else 2)
    if unseen is not None and len(value) == 2:
        value = [*value[:unseen], missing, *value[unseen:]]
    return value if len(value) == 3 else None


def _side(value: Any) -> int | None:
    return int(value) if value is not None and int(value) > 0 else None

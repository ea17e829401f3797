"""What keeps medseg from giving the label map that stock MONAI gives with a foreign bundle, found before it runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from medseg.bundle.foreign import LOADERS, SAVERS, last_name
from medseg.bundle.read import PICTURE_READER
from medseg.bundle.safety import DOWNLOADS, PARTS

COMPOSE, LOAD, SAVE = (f"monai.transforms.{name}" for name in ("Compose", "LoadImaged", "SaveImaged"))
CHANNEL_FIRST = "monai.transforms.EnsureChannelFirstd"
# These leave every voxel where it is, with or without a channel axis.
_ANY_AXES = {"EnsureTyped", "CastToTyped", "ToTensord", "ScaleIntensityRanged", "ThresholdIntensityd"}
_IN_PLACE = _ANY_AXES | {
    *("NormalizeIntensityd", "ScaleIntensityd", "ShiftIntensityd", "AdjustContrastd", "HistogramNormalized"),
    *("ScaleIntensityRangePercentilesd", "ClipIntensityPercentilesd", "GaussianSmoothd", "MedianSmoothd"),
    "EnsureChannelFirstd",
}
# Undone without interpolation: a label map stays one.
_WHOLE_VOXELS = _IN_PLACE | {"Orientationd", "CropForegroundd", "SpatialPadd", "BorderPadd", "DivisiblePadd", "Flipd"}
_FLOATS = {"None", "float32", "<class 'numpy.float32'>", "torch.float32"}
_CHAINS = ("preprocessing", "postprocessing")
Step = Mapping[str, Any]


def foreign_faults(inference: Mapping[str, Any]) -> list[str]:
    """Why a bundle cannot be used with ``--trust`` either.

    Args:
        inference: Its four parts, evaluated: full names, and plain values wherever there are any.

    Returns:
        One sentence per fault, each opening with the key; empty if medseg can do as MONAI would.
    """
    faults = [fault for part in PARTS for fault in _part_faults(inference[part], part)]
    if faults:
        return faults
    before, after = (inference[part]["transforms"] for part in _CHAINS)
    return [
        *_network_faults(inference["network_def"]),
        *_plane_faults(inference),
        *_reading_faults(before),
        *_label_faults(after),
        *_way_back_faults(before, after),
    ]


def channel_first_steps(steps: Sequence[Step]) -> list[Step]:
    """Transforms without those that put the channel first: medseg's scans have it there, whatever their files say."""
    return [step for step in steps if step["_target_"] != CHANNEL_FIRST]


def is_plain_label_map(steps: Sequence[Step]) -> bool:
    """Whether the last transform takes the highest of all classes, so that a label map comes of them for certain."""
    return bool(steps) and _takes_highest(steps[-1]) and steps[-1].keys() <= {"_target_", "keys", "argmax"}


def _part_faults(part: Any, name: str) -> Iterator[str]:
    if not isinstance(part, Mapping) or "_target_" not in part:
        kind = "disabled" if part is None else f"{type(part).__name__}, made by an expression"
        yield f"{name}: is {kind}; a class with its arguments is wanted"
    elif name in _CHAINS:
        yield from _chain_faults(part, name)


def _chain_faults(part: Mapping[str, Any], name: str) -> Iterator[str]:
    steps = part.get("transforms")
    if not isinstance(steps, list) or part["_target_"] != COMPOSE or not steps:
        yield f"{name}: is no {COMPOSE} of a list of transforms"
        return
    for n, step in enumerate(steps):
        if not isinstance(step, Mapping) or "_target_" not in step:
            yield f"{name}.transforms.{n}: is {type(step).__name__}, made by an expression; keys and values are wanted"


def _network_faults(network: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(DOWNLOADS & network.keys()):
        if network[key]:
            yield f"network_def.{key}: weights come from models/model.pt, never from the network; write false"


def _plane_faults(inference: Mapping[str, Any]) -> Iterator[str]:
    sides, inferer = inference["network_def"].get("spatial_dims", 3), last_name(inference["inferer"]["_target_"])
    if sides != 3 and inferer != "SliceInferer":
        yield f"network_def.spatial_dims: {sides}, and inferer {inferer}: for pictures; foreign bundles segment volumes"


def _reading_faults(steps: Sequence[Step]) -> Iterator[str]:
    first, where = steps[0], "preprocessing.transforms"
    if first["_target_"] != LOAD:
        yield f"{where}.0: is {first['_target_']}; the first must be LoadImaged"
        return
    if _listed(first.get("keys")) != ["image"]:
        yield f"{where}.0.keys: {first.get('keys')!r}; medseg gives a bundle 'image' alone, with all channels in it"
    if first.get("reader") == PICTURE_READER:
        yield f"{where}.0.reader: {PICTURE_READER} reads pictures; foreign bundles segment volumes"
    if str(first.get("dtype")) not in _FLOATS:
        yield f"{where}.0.dtype: {first['dtype']!r}; medseg reads numbers of 32 bits"
    for n, step in enumerate(steps[1:], 1):
        if _name(step) in LOADERS | SAVERS:
            yield f"{where}.{n}: {_name(step)}: more files than the scan are not read or written"
    yield from _channel_faults(steps)


def _channel_faults(steps: Sequence[Step]) -> Iterator[str]:
    """What stands before the channel is put first sees other axes with MONAI than with medseg."""
    if steps[0].get("ensure_channel_first"):
        return
    for n, step in enumerate(steps[1:], 1):
        if step["_target_"] == CHANNEL_FIRST:
            return
        if _name(step) not in _ANY_AXES:
            name = _name(step)
            yield f"preprocessing.transforms.{n}: {name} stands where no EnsureChannelFirstd has put the channel first"
            return
    yield "preprocessing: nothing puts the channel first; EnsureChannelFirstd is wanted behind LoadImaged"


def _label_faults(steps: Sequence[Step]) -> Iterator[str]:
    saved = [step for step in steps if step["_target_"] == SAVE]
    if saved and not any("pred" in _listed(step.get("keys")) for step in saved):
        yield f"postprocessing: SaveImaged writes {saved[-1].get('keys')!r}; medseg writes 'pred'"
    for n, step in enumerate(steps):
        if _name(step) == "Activationsd" and any(_listed(step.get("sigmoid"))):
            yield (
                f"postprocessing.transforms.{n}: sigmoid: its channels are regions, which may overlap; medseg writes a "
                "label map, whose values are the classes of metadata.json"
            )
        if _name(step) in LOADERS:
            yield f"postprocessing.transforms.{n}: {_name(step)}: more files than the scan are not read"
    if all(step["_target_"].startswith("monai.") for step in steps) and not any(map(_takes_highest, steps)):
        yield "postprocessing: no AsDiscreted with argmax makes one label of the classes"


def _way_back_faults(before: Sequence[Step], after: Sequence[Step]) -> Iterator[str]:
    moving = [_name(step) for step in before[1:] if _name(step) not in _IN_PLACE]
    backs = [n for n, step in enumerate(after) if _name(step) == "Invertd"]
    if moving and not backs:
        yield f"postprocessing: no Invertd undoes {moving[0]}; the label map would not lie on the scan"
    labels_from = next((n for n, step in enumerate(after) if _takes_highest(step)), len(after))
    for n in backs if set(moving) - _WHOLE_VOXELS else []:
        if n > labels_from and not all(_listed(after[n].get("nearest_interp", True))):
            yield (
                f"postprocessing.transforms.{n}.nearest_interp: false behind argmax: labels would be resampled "
                "linearly, and between two of them there is none; write true"
            )


def _name(step: Step) -> str:
    """In short for MONAI's own; a class of the bundle's may do anything, whatever it is called."""
    target = str(step["_target_"])
    return last_name(target) if target.startswith("monai.transforms.") else target


def _takes_highest(step: Step) -> bool:
    return _name(step) == "AsDiscreted" and any(_listed(step.get("argmax")))


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]

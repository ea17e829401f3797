"""Build a bundle's network, transforms and inferer; the only place that turns a ``_target_`` into an object.

MONAI's own parser is not used: it imports whatever is named. Each class is looked up in one of the modules
``safety`` allows and must be of the kind its part needs, so no expression is ever evaluated. Only a bundle that was
evaluated already, because its user trusts it, comes with classes of its own; they must be of that kind too.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, cast

import monai.inferers
import monai.transforms
import torch

from medseg.bundle.contract import middle_transforms
from medseg.bundle.metadata import example_shapes
from medseg.bundle.planes import PlaneInferer
from medseg.bundle.read import Bundle
from medseg.bundle.safety import target_fault
from medseg.core.errors import BundleError

# MONAI 1.6 calls scikit-image by a name that 2.0 will drop; a user of a bundle can do nothing about it.
warnings.filterwarnings("ignore", "Parameter `min_size` is deprecated", FutureWarning)

KINDS: dict[str, type] = {
    "network_def": torch.nn.Module,
    "preprocessing": monai.transforms.Transform,
    "inferer": monai.inferers.Inferer,
    "postprocessing": monai.transforms.Transform,
}


def build_network(bundle: Bundle) -> torch.nn.Module:
    """Network with fresh weights; maps (B, C, I, J, K) to (B, classes, I, J, K), in 2D without K.

    Raises:
        BundleError: network_def names no class that may be built, or gives it wrong arguments.
    """
    return cast(torch.nn.Module, _part(bundle, "network_def"))


def build_preprocessing(bundle: Bundle) -> monai.transforms.Compose:
    """Preprocessing without its leading LoadImaged.

    Works on ``{"image": MetaTensor (C, I, J, K) with a RAS+ affine}``; medseg reads files itself.

    Raises:
        BundleError: A transform may not be built or has wrong arguments.
    """
    return _compose(bundle, "preprocessing", {})


def build_inferer(bundle: Bundle) -> monai.inferers.Inferer:
    """Inferer: called with an image (B, C, I, J, K) and the network, gives (B, classes, I, J, K).

    That of a bundle for pictures is written for planes (B, C, I, J), as MONAI reads them; it gets the one plane.

    Raises:
        BundleError: It may not be built or has wrong arguments.
    """
    inferer = cast(monai.inferers.Inferer, _part(bundle, "inferer"))
    return PlaneInferer(inferer) if bundle.takes_pictures else inferer


def build_postprocessing(bundle: Bundle, preprocessing: monai.transforms.Compose) -> monai.transforms.Compose:
    """Postprocessing without its trailing SaveImaged.

    Works on ``{"image": as preprocessed, "pred": logits (classes, I, J, K)}``; ``pred`` becomes written label
    values (1, I, J, K) on the grid the image had before preprocessing.

    Args:
        bundle: The bundle.
        preprocessing: The very object the image went through; Invertd undoes it.

    Raises:
        BundleError: A transform may not be built or has wrong arguments.
    """
    return _compose(bundle, "postprocessing", {"preprocessing": preprocessing})


def build_steps(bundle: Bundle, steps: Sequence[Mapping[str, Any]]) -> monai.transforms.Compose:
    """Steps as they would stand in a bundle's postprocessing, to try them before they are written there.

    Args:
        bundle: Whose ids they may refer to.
        steps: Transforms as inference.yaml writes them.

    Raises:
        BundleError: A transform may not be built or has wrong arguments.
    """
    config = {"_target_": "monai.transforms.Compose", "transforms": [dict(step) for step in steps]}
    return cast(monai.transforms.Compose, _build(config, "steps", "postprocessing", bundle, {}))


def network_faults(bundle: Bundle, network: torch.nn.Module) -> list[str]:
    """Where a network does not map the shapes metadata.json declares.

    Args:
        bundle: Declares num_channels and spatial_shape of image and pred.
        network: Tried on two shapes in eval mode and left in the mode it was in.

    Returns:
        One sentence per fault; empty if it keeps its promise.
    """
    image, pred = (bundle.metadata["network_data_format"][side][key] for side, key in _SIDES)
    was_training = network.training
    network.eval()
    try:
        shapes = example_shapes(image["spatial_shape"])
        faults = [_shape_fault(network, shape, image["num_channels"], pred["num_channels"]) for shape in shapes]
    finally:
        network.train(was_training)
    return [fault for fault in faults if fault]


_SIDES = (("inputs", "image"), ("outputs", "pred"))


def _shape_fault(network: torch.nn.Module, shape: tuple[int, ...], channels: int, classes: int) -> str | None:
    given, wanted = (1, channels, *shape), (1, classes, *shape)
    device = next((parameter.device for parameter in network.parameters()), torch.device("cpu"))
    try:
        with torch.inference_mode():
            result = network(torch.zeros(given, device=device))
    except (RuntimeError, ValueError, TypeError) as error:
        return f"network_def fails on an image of shape {given}: {_first_line(error)}"
    if not isinstance(result, torch.Tensor):
        return f"network_def gives {type(result).__name__} in eval mode; one tensor is wanted"
    if tuple(result.shape) != wanted:
        return f"network_def maps {given} to {tuple(result.shape)}; metadata.json declares {wanted}"
    return None


def _part(bundle: Bundle, part: str) -> Any:
    return _build(bundle.inference[part], part, part, bundle, {})


def _compose(bundle: Bundle, part: str, built: Mapping[str, Any]) -> monai.transforms.Compose:
    config = bundle.inference[part]
    middle = {**config, "transforms": middle_transforms(config)}
    return cast(monai.transforms.Compose, _build(middle, part, part, bundle, built))


def _build(value: Any, path: str, part: str, bundle: Bundle, built: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping):
        items = {
            key: _build(item, f"{path}.{key}", part, bundle, built) for key, item in value.items() if key != "_desc_"
        }
        return _call(items.pop("_target_"), items, path, part, bundle) if "_target_" in items else items
    if isinstance(value, list):
        return [_build(item, f"{path}.{n}", part, bundle, built) for n, item in enumerate(value)]
    if isinstance(value, str) and value.startswith("@") and (bundle.located is None or value[1:] in built):
        return built[value[1:]] if value[1:] in built else bundle.inference[value[1:]]
    return value


def _call(target: str, arguments: Mapping[str, Any], path: str, part: str, bundle: Bundle) -> Any:
    try:
        make = (bundle.located or {}).get(target) or _class_of(target, path, part, bundle)
        built = make(**arguments)
    except BundleError:
        raise
    except Exception as error:  # a class of the bundle's own raises what it likes
        raise BundleError(f"Bundle '{bundle.name}': {path}: {target} cannot be built: {_first_line(error)}") from error
    if not isinstance(built, KINDS[part]):
        raise _wrong_kind(target, path, part, bundle)
    return built


def _class_of(target: str, path: str, part: str, bundle: Bundle) -> type:
    fault = target_fault(target, part)
    if fault:
        raise BundleError(f"Bundle '{bundle.name}': {path}: {fault}")
    module, _, name = target.rpartition(".")
    found = getattr(importlib.import_module(module), name, None)
    if not isinstance(found, type) or not issubclass(found, KINDS[part]):
        raise _wrong_kind(target, path, part, bundle)
    return found


def _wrong_kind(target: str, path: str, part: str, bundle: Bundle) -> BundleError:
    return BundleError(f"Bundle '{bundle.name}': {path}: {target} is no {KINDS[part].__name__} of this MONAI")


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__

"""Make what segments: networks with their weights, windows and modes, and the chain they share."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from medseg.bundle.build import build_inferer, build_network, build_postprocessing, build_preprocessing, build_steps
from medseg.bundle.finishing import finishing_steps
from medseg.bundle.first_crop import first_crop_spacing
from medseg.bundle.read import Bundle
from medseg.bundle.weights import load_weights
from medseg.bundle.window import window_of
from medseg.core.errors import UsageError
from medseg.engine.averaging import Member
from medseg.engine.device import Precision, choose_device
from medseg.engine.fastest import fastest_mode, modes
from medseg.engine.forward import Forward, Mode
from medseg.engine.inference import Finishing, Predictor
from medseg.engine.peak import peak_of
from medseg.engine.windows import batch_that_fits
from medseg.steps.computing import Computing, exported_file
from medseg.steps.remembered import key_on_this_machine, recall, remember

VOXEL_BYTES = 300.0  # in a network that cannot be tried; four layouts of the two for tumours took 64 to 310
OPEN_SIDE = 64  # voxels; stands for a side of a window that is as long as the image
Modes = Callable[[nn.Module, Bundle], Mode]


def predictor_of(
    bundles: Sequence[Bundle],
    how: Computing,
    *,
    flip_axes: tuple[int, ...] = (),
    memory: Path,
    extras: frozenset[str] = frozenset(),
    scratch: Path | None = None,
) -> Predictor:
    """What segments with these trained bundles.

    Args:
        bundles: One, or several that are averaged.
        how: Device, precision, exactness.
        flip_axes: As for ``Predictor``.
        memory: JSON file of modes that were measured before.
        extras: As for ``Predictor``.
        scratch: As for ``Predictor``.

    Raises:
        UsageError: Extras are asked for, and the bundle's postprocessing does not allow them; or the engine cannot run
            a bundle.
    """
    device, precision = choose_device(how.place), how.on_this_machine()
    how.check_bundles(bundles)
    mode = plain(precision) if how.exact else measured(precision, how.engine, memory)
    networks = [trained_network(bundle, device) for bundle in bundles]
    made = build_predictor(bundles, networks, device=device, mode=mode, flip_axes=flip_axes, exact=how.exact)
    if extras and made.finishing is None:
        raise UsageError(
            f"{' and '.join(sorted(extras))}: the postprocessing of bundle '{bundles[0].name}' does not begin with "
            "softmax, Invertd and argmax, so its probabilities on the scan's grid are not known"
        )
    members = tuple(_weighed(member, bundle, memory) for member, bundle in zip(made.members, bundles, strict=True))
    return replace(made, members=members, extras=extras, scratch=scratch)


def _weighed(member: Member, bundle: Bundle, memory: Path) -> Member:
    """With what it takes of memory; on a GPU with as many windows at once as that allows."""
    sides = [side or OPEN_SIDE for side in (member.window.size if member.window else (None, None, None))]
    taken, window, device = _voxel_bytes(member, sides, bundle, memory), member.window, member.forward.device
    if window is not None and device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        window = replace(window, batch=batch_that_fits(taken * math.prod(sides), free))
    return replace(member, window=window, classes=len(bundle.labels.labels) + 1, voxel_bytes=taken)


def _voxel_bytes(member: Member, sides: Sequence[int], bundle: Bundle, memory: Path) -> float:
    """Memory that a voxel takes on its way through the network, measured once for each bundle, mode and machine."""
    shape, mode = (1, len(bundle.channels), *sides), member.forward.mode
    question = ["memory", bundle.inference["network_def"], list(shape), mode.name, mode.precision.device_type]
    key = key_on_this_machine(question)
    known = recall(memory, key)
    if isinstance(known, float):
        return known
    # By torch: another engine is compared with it on the first windows of a study, not on noise.
    by_torch = replace(mode, engine="torch")
    forward = Forward(member.forward.network, by_torch, unseen_axis=member.forward.unseen_axis)
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    try:
        taken = peak_of(lambda: forward(noise)) / math.prod(sides)
    except RuntimeError:  # a network that MONAI's inferer gives another shape
        return VOXEL_BYTES
    remember(memory, key, taken)
    return taken


def trained_network(bundle: Bundle, device: torch.device) -> nn.Module:
    """The network with its weights, to segment with."""
    network = build_network(bundle)
    load_weights(network, bundle.weights)
    return network.to(device).eval()


def build_predictor(
    bundles: Sequence[Bundle],
    networks: Sequence[nn.Module],
    *,
    device: torch.device,
    mode: Modes,
    flip_axes: tuple[int, ...] = (),
    exact: bool,
) -> Predictor:
    """What segments with these networks.

    Args:
        bundles: One for each network; the first says the chain.
        networks: With their weights, on ``device``.
        device: Where they run.
        mode: How a network computes.
        flip_axes: As for ``Predictor``.
        exact: As for ``Predictor``.
    """
    preprocessing = build_preprocessing(bundles[0])
    return Predictor(
        tuple(_member(bundle, network, mode) for bundle, network in zip(bundles, networks, strict=True)),
        preprocessing,
        build_postprocessing(bundles[0], preprocessing),
        _finishing(bundles[0]),
        device,
        flip_axes,
        exact,
        crops_at_mm=first_crop_spacing(bundles[0]),
    )


def _member(bundle: Bundle, network: nn.Module, mode: Modes) -> Member:
    window, own = window_of(bundle), mode(network, bundle)
    unseen_axis = None if window is None else window.unseen_axis
    forward = Forward(network, own, unseen_axis=unseen_axis, exported=exported_file(bundle, own.engine))
    return Member(forward, build_inferer(bundle), window)


def plain(precision: Precision) -> Modes:
    """The plain layout, as stock MONAI computes."""
    return lambda *_: Mode(precision)


def measured(precision: Precision, engine: str, memory: Path) -> Modes:
    """The fastest mode of a precision, measured once for each bundle and machine.

    Args:
        precision: Of every mode.
        engine: As in ``Computing``.
        memory: JSON file of answers.
    """
    # Around what is in 8-bit numbers, and wherever torch is compared with it, fp32 is computed.
    within = replace(precision, name="fp32") if precision.name == "int8" else precision

    def choose(network: nn.Module, bundle: Bundle) -> Mode:
        window, choices = window_of(bundle), modes(within, engine)
        if window is None and engine not in ("auto", "torch"):
            raise UsageError(
                f"--engine {engine}: the inferer of bundle '{bundle.name}' is run by MONAI, with torch alone"
            )
        if window is None or None in window.size or len(choices) == 1:
            return choices[0] if window is not None else Mode(within)
        shape = (window.batch, len(bundle.channels), *(side or 1 for side in window.size))
        names = {mode.name: mode for mode in choices}
        key = key_on_this_machine([bundle.inference["network_def"], list(shape), sorted(names)])
        known = names.get(str(recall(memory, key)))
        if known is None:
            known = fastest_mode(network, shape, choices, unseen_axis=window.unseen_axis)
            remember(memory, key, known.name)
        return known

    return choose


def _finishing(bundle: Bundle) -> Finishing | None:
    found = finishing_steps(bundle)
    if found is None:
        return None
    steps, has_channel = found
    return Finishing(build_steps(bundle, steps), has_channel)

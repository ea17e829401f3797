"""Bundles with hostile weights, and with networks that no machine holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import hostile_weights as w
from hostile_configs import config
from hostile_kit import Hostile, Kit, resealed


def weights(write: Callable[[Path, str], None], name: str = "model.pt") -> Callable[[Kit], Path]:
    """Another file below models/."""

    def make(kit: Kit) -> Path:
        bundle = kit.copy()
        path = bundle / "models" / name
        write(path, kit.command)
        return resealed(bundle)

    return make


def _network_of(size: int) -> Callable[[dict[str, Any], Kit], None]:
    return lambda values, _: values["network_def"].update(filters=[size, size, size])


_LOOKING = ("check", "verify")
ROWS = [
    Hostile(
        "a pickled object among the weights", weights(w.pickled_object), ("model.pt", "could run code"), by=("infer",)
    ),
    Hostile("a pickled object that is looked at", weights(w.pickled_object), ("model.pt: its pickle would",), _LOOKING),
    Hostile("a pickled object in torch's old form", weights(w.old_form), ("model.pt",)),
    Hostile("a bare pickle as weights", weights(w.bare_pickle), ("model.pt", "could run code"), by=("infer",)),
    Hostile("a bare pickle that is looked at", weights(w.bare_pickle), ("model.pt: its pickle would",), _LOOKING),
    Hostile("a TorchScript program as weights", weights(w.program), ("model.pt",)),
    Hostile("an ordinary zip as weights", weights(w.ordinary_zip), ("model.pt",)),
    # medseg infer opens neither; other programs do.
    Hostile("a pickle as a TorchScript program", weights(w.bare_pickle, "model.ts"), ("model.ts: its",), _LOOKING),
    Hostile(
        "a pickle as an exported program", weights(w.pickled_object, "model.pt2"), ("model.pt2: its",), by=_LOOKING
    ),
    Hostile("weights that are no numbers", weights(w.not_numbers), ("model.pt", "no numbers"), by=("infer",)),
    Hostile("weights of another network", weights(w.of_another), ("model.pt", "do not fit"), by=("infer",)),
    Hostile(
        "weights that hold a mapping of mappings", weights(w.nested), ("model.pt", "no plain state dict"), by=("infer",)
    ),
    Hostile("sparse weights", weights(w.sparse), ("model.pt", "no plain state dict"), by=("infer",)),
    Hostile("weights without values", weights(w.on_no_device), ("model.pt", "no plain state dict"), by=("infer",)),
    Hostile("weights with numbers for names", weights(w.numbered), ("model.pt", "no plain state dict"), by=("infer",)),
    Hostile("weights that are a bomb", weights(w.inflating), ("model.pt' unpack to 64.1 MiB",), by=("infer",)),
    Hostile("a network of 10^9 channels", config(_network_of(10**9)), ("network_def",), by=("infer",)),
    Hostile("a network of -1 channels", config(_network_of(-1)), ("network_def",), by=("infer",)),
]

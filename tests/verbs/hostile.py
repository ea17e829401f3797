"""Bundles that mean harm: how each is made, and words of its refusal. One row here is one test.

Whatever would run anything writes a file, the canary. A bundle that is altered after it was sealed lies as the attacker
left it; one that is made by the attacker is sealed by him too, so that its seal is right and says nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import hostile_configs
import hostile_golden
import hostile_models
import hostile_seals
import hostile_texts
import hostile_zips as z
from hostile_kit import Hostile, Kit


def zipped(make: Callable[[list[z.Entry]], bytes]) -> Callable[[Kit], Path]:
    """A zip made of the entries of a package, in bytes of its own."""

    def write(kit: Kit) -> Path:
        path = kit.root / "hippocampus_unet3d.zip"
        path.write_bytes(make(z.entries_of(kit.package)))
        return path

    return write


def _zipped_expression(kit: Kit) -> Path:
    bundle = hostile_configs.expression_in("inferer", "overlap")(kit)
    path = kit.root / "evil.zip"
    path.write_bytes(z.zip_of(z.entries_of(bundle)))
    return path


_ZIPS = [Hostile(name, zipped(make), says) for name, make, says in z.ROWS] + [
    Hostile("an expression in a zip", _zipped_expression, ("inferer.overlap",)),
]
ROWS = [
    *hostile_configs.ROWS,
    *hostile_texts.ROWS,
    *hostile_models.ROWS,
    *hostile_seals.ROWS,
    *hostile_golden.ROWS,
    *_ZIPS,
]

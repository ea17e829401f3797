"""Golden studies and limits that lead elsewhere, prove nothing, or fill all memory."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hostile_kit import Hostile, Kit, resealed
from hostile_texts import text

from medseg.io.nifti import read_label, write_labels


def golden(change: Callable[[dict[str, Any]], None]) -> Callable[[Kit], Path]:
    """A golden.json that was changed."""

    def make(kit: Kit) -> Path:
        bundle = kit.copy()
        path = bundle / "golden" / "golden.json"
        values = json.loads(path.read_text())
        change(values)
        path.write_text(json.dumps(values))
        return resealed(bundle)

    return make


def _golden_of_another_shape(kit: Kit) -> Path:

    bundle = kit.copy()
    write_labels(bundle / "golden" / "expected.nii.gz", np.ones((3, 3, 3), np.uint8), np.eye(4))
    return resealed(bundle)


def _golden_of_nothing(kit: Kit) -> Path:

    bundle = kit.copy()
    labels, affine = read_label(bundle / "golden" / "expected.nii.gz")
    write_labels(bundle / "golden" / "expected.nii.gz", np.zeros_like(labels), affine)
    return resealed(bundle)


def _golden_that_unpacks_to_much(kit: Kit) -> Path:
    bundle = kit.copy()
    scan = bundle / "golden" / "input" / "channel_0.nii.gz"
    head = bytearray(gzip.decompress(scan.read_bytes())[:352])
    head[42:48] = (30_000).to_bytes(2, "little") * 3  # its sides
    scan.write_bytes(gzip.compress(bytes(head) + bytes(2**20)))
    return resealed(bundle)


_ONLY_GOLDEN: dict[str, Any] = {"by": ("verify",), "more": {"verify": ("--golden",)}}
ROWS = [
    Hostile(
        "a golden study outside of the bundle",
        golden(lambda values: values.update(expected="../../../etc/passwd")),
        ("golden.json", "outside of the bundle"),
        **_ONLY_GOLDEN,
    ),
    Hostile(
        "a golden scan at an absolute path",
        golden(lambda values: values.update(channels=dict.fromkeys(values["channels"], "/etc/passwd"))),
        ("golden.json", "'/etc/passwd', which lies outside"),
        **_ONLY_GOLDEN,
    ),
    Hostile(
        "a golden scan with a nul in its name",
        golden(lambda values: values.update(expected="a\0b")),
        ("golden.json", "no golden study"),
        **_ONLY_GOLDEN,
    ),
    Hostile(
        "a golden study of another shape", _golden_of_another_shape, ("expected.nii.gz", "(3, 3, 3)"), **_ONLY_GOLDEN
    ),
    Hostile(
        "a golden study that proves nothing", _golden_of_nothing, ("expected.nii.gz", "proves nothing"), **_ONLY_GOLDEN
    ),
    Hostile("a golden scan without end", _golden_that_unpacks_to_much, ("channel_0.nii.gz",), **_ONLY_GOLDEN),
    Hostile(
        "validity that is no number",
        text("validity.json", lambda _, __: '{"format": 1, "spacing_mm": {"right": {"seen": [NaN, 1e999]}}}'),
        ("validity.json",),
    ),
]

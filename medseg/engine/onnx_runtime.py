"""ONNX Runtime as medseg uses it: without its telemetry."""

from __future__ import annotations

import os
from typing import Any


def import_onnxruntime() -> Any:
    """The package.

    From 1.31 on it keeps an id of the device and what it did below ~/.cache, and sends it to its maker, unless this
    variable says otherwise before it is imported; its own function that turns this off comes too late.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    return onnxruntime

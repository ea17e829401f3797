"""How a user wants an inference computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from medseg.bundle.manifest import MANIFEST
from medseg.bundle.read import Bundle
from medseg.core.errors import UsageError
from medseg.core.exports import EXPORT_FILES

if TYPE_CHECKING:
    from medseg.engine.device import Precision

ON_CPU = ("onnx", "openvino", "int8")  # engines that medseg runs on a CPU alone


@dataclass(frozen=True)
class Computing:
    """How a user wants it computed.

    Attributes:
        device: See ``choose_device``.
        precision: See ``choose_precision``; "auto" of an exact inference is fp32.
        exact: Windows where stock MONAI lays them and the plain layout, so that in fp32 its label map comes out.
        engine: One of ``ENGINES``, or "auto", see ``modes``. Not every bundle has a file for "int8".
    """

    device: str = "auto"
    precision: str = "auto"
    exact: bool = False
    engine: str = "auto"

    @property
    def asks_for_more(self) -> bool:
        """Whether there is something that this machine may not have."""
        return (self.device, self.precision, self.engine) != ("auto", "auto", "auto")

    @property
    def place(self) -> str:
        """As ``device``, where the engine leaves a choice."""
        return "cpu" if self.device == "auto" and self.engine in ON_CPU else self.device

    def on_this_machine(self) -> Precision:
        """The precision it comes to, which knows the kind of device; that of int8 is of records alone.

        Raises:
            UsageError: This machine has no such device, or no such precision on it, or the engine is not installed.
        """
        from medseg.engine.device import Precision, choose_device, choose_precision  # and torch with it
        from medseg.engine.runtimes import check_engine

        if self.exact and self.engine not in ("auto", "torch"):
            raise UsageError(f"--exact is what stock MONAI gives, with torch; leave out --engine {self.engine}")
        check_engine(self.engine, from_file=True)  # what exporting needs more is known with the bundle
        own = {"onnx": "fp32", "compile": "fp32", "int8": "int8"}.get(self.engine)
        if own is not None and self.precision not in ("auto", own):
            raise UsageError(f"--engine {self.engine} computes in {own}; leave out --precision {self.precision}")
        device = choose_device(self.place)
        if self.engine in ON_CPU and device.type != "cpu":
            raise UsageError(f"--engine {self.engine} computes on the CPU; leave out --device {self.device}")
        if own == "int8":
            return Precision("int8", device.type)
        own = "fp32" if self.exact else own
        return choose_precision(own if own and self.precision == "auto" else self.precision, device)

    def check_bundles(self, bundles: Sequence[Bundle]) -> None:
        """Refuse bundles that the engine cannot run.

        Raises:
            UsageError: One has no file for int8, or none for ONNX Runtime and what would export it is not installed.
        """
        from medseg.engine.runtimes import check_engine

        for bundle in bundles:
            has_file = exported_file(bundle, self.engine) is not None
            if self.engine == "int8" and not has_file:
                raise UsageError(
                    f"--engine int8: bundle '{bundle.name}' has no {EXPORT_FILES['int8'].as_posix()}. Take another "
                    "engine, or make one with: medseg package --quantize int8 --calibrate DIR"
                )
            check_engine(self.engine, from_file=has_file)


def exported_file(bundle: Bundle, engine: str) -> Path | None:
    """The file of a package that an engine runs; None where there is none, or the engine makes its own.

    Of a package alone: elsewhere nothing says that a file and the weights beside it belong together.
    """
    name = EXPORT_FILES.get(engine)
    path = None if name is None or not (bundle.root / MANIFEST).is_file() else bundle.root / name
    return path if path is not None and path.is_file() else None

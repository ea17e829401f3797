"""How a user wants an inference computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from medseg.core.errors import UsageError

if TYPE_CHECKING:
    from medseg.engine.device import Precision


@dataclass(frozen=True)
class Computing:
    """How a user wants it computed.

    Attributes:
        device: See ``choose_device``.
        precision: See ``choose_precision``; "auto" of an exact inference is fp32.
        exact: Windows where stock MONAI lays them and the plain layout, so that in fp32 its label map comes out.
        engine: One of ``ENGINES``, or "auto", see ``modes``.
    """

    device: str = "auto"
    precision: str = "auto"
    exact: bool = False
    engine: str = "auto"

    @property
    def asks_for_more(self) -> bool:
        """Whether there is something that this machine may not have."""
        return (self.device, self.precision, self.engine) != ("auto", "auto", "auto")

    def on_this_machine(self) -> Precision:
        """The precision it comes to, which knows the kind of device.

        Raises:
            UsageError: This machine has no such device, or no such precision on it, or the engine is not installed.
        """
        from medseg.engine.device import choose_device, choose_precision  # and torch with it
        from medseg.engine.runtimes import check_engine

        if self.exact and self.engine not in ("auto", "torch"):
            raise UsageError(f"--exact is what stock MONAI gives, with torch; leave out --engine {self.engine}")
        check_engine(self.engine)
        in_fp32 = self.exact or self.engine in ("onnx", "compile")
        if self.engine in ("onnx", "compile") and self.precision not in ("auto", "fp32"):
            raise UsageError(f"--engine {self.engine} computes in fp32; leave out --precision {self.precision}")
        name = "fp32" if in_fp32 and self.precision == "auto" else self.precision
        return choose_precision(name, choose_device(self.device))

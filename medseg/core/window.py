"""What a bundle's inferer says of its window, without the inferer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Window:
    """How a network sees a volume: piece by piece, and how the pieces are blended.

    Attributes:
        size: Voxels along i, j, k; None takes the whole axis.
        overlap: Share of a window that it has in common with the next, along i, j, k.
        blend: "gaussian" or "constant" weights.
        sigma: Standard deviation of the Gaussian along i, j, k, as a share of the side.
        padding: How a volume smaller than the window is padded, a mode of ``torch.nn.functional.pad``.
        pad_value: Where padding is "constant".
        batch: Windows that the network sees at once.
        unseen_axis: Axis of the volume that a 2D network does not see, one voxel wide; None in 3D.
    """

    size: tuple[int | None, int | None, int | None]
    overlap: tuple[float, float, float] = (0.25, 0.25, 0.25)
    blend: str = "constant"
    sigma: tuple[float, float, float] = (0.125, 0.125, 0.125)
    padding: str = "constant"
    pad_value: float = 0.0
    batch: int = 1
    unseen_axis: int | None = None

"""Where a preprocessed image has something to look at."""

from __future__ import annotations

import torch

from medseg.engine.windows import Span


def content_box(image: torch.Tensor) -> tuple[Span, Span, Span] | None:
    """The smallest box outside of which every voxel is the same as in all eight corners, in every channel.

    Skull-stripped MR is zero around the head, CT that was clipped is one value in air. Where corners differ there is no
    telling what is empty.

    Args:
        image: (C, I, J, K).

    Returns:
        First and behind the last voxel along each axis; None if the corners differ or everything is empty.
    """
    ends = [[0, side - 1] for side in image.shape[1:]]
    corners = image[:, ends[0]][:, :, ends[1]][:, :, :, ends[2]].flatten(1)
    empty = corners[:, :1]
    if not bool((corners == empty).all()):
        return None
    full = (image != empty[..., None, None]).any(dim=0)
    i, j, k = (_span(full.any(dim=[n for n in range(3) if n != axis])) for axis in range(3))
    return None if i is None or j is None or k is None else (i, j, k)


def _span(full: torch.Tensor) -> Span | None:
    places = torch.nonzero(full)
    return (int(places[0]), int(places[-1]) + 1) if len(places) else None

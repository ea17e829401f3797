"""Panels of volumes: where there are fewer than places, the rest stays empty."""

import io

import numpy as np
import pytest
from matplotlib.image import imread

from medseg.runs.evaluation_charts import AgainstVolume, Agreement, Scale
from medseg.runs.pictures_volumes import draw_against_volume, draw_agreements

STATES = ("scored", "scored", "scored")


@pytest.mark.parametrize("count", [4, 5])
@pytest.mark.parametrize("kind", ["agreement", "against volume"])
def test_a_place_without_a_label_is_white(kind: str, count: int) -> None:
    names = [f"label {n}" for n in range(count)]
    if kind == "agreement":
        rows = [Agreement(name, (1.0, 2.0, 3.0), (0.1, -0.1, 0.0), STATES, 0.0, (-0.2, 0.2), 0) for name in names]
        drawn = draw_agreements(rows)
    else:
        rows = [AgainstVolume(name, (1.0, 2.0, 3.0), (0.7, 0.8, 0.9), STATES, 0) for name in names]
        drawn = draw_against_volume(rows, Scale(0.6, 1.0, None))
    pixels = imread(io.BytesIO(drawn.png))[..., :3]
    lines, columns = pixels.shape[:2]
    # The second line of three places, without its last fifth: that holds the key.
    second = pixels[lines // 2 : lines - lines // 5]
    places = [second[:, columns * n // 3 : columns * (n + 1) // 3] for n in range(3)]
    assert [bool(np.all(place == 1.0)) for place in places] == [n >= count - 3 for n in range(3)]

import pytest
import torch
from monai.inferers import SimpleInferer, SlidingWindowInferer

from medseg.bundle.planes import PlaneInferer
from medseg.core.errors import GeometryError


@pytest.mark.parametrize("inferer", [SimpleInferer(), SlidingWindowInferer([4, 4], overlap=0.25)])
def test_a_plane_goes_in_and_a_volume_one_voxel_thick_comes_out(inferer: object) -> None:
    image = torch.rand(2, 3, 9, 7, 1)
    logits = PlaneInferer(inferer)(image, lambda planes: planes[:, :2] * 2)
    assert logits.shape == (2, 2, 9, 7, 1)
    assert torch.allclose(logits, image[:, :2] * 2)


def test_a_thicker_volume_is_refused() -> None:
    with pytest.raises(GeometryError, match="one plane each; this volume has 5"):
        PlaneInferer(SimpleInferer())(torch.zeros(1, 1, 4, 4, 5), lambda planes: planes)

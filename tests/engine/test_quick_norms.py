import copy

import pytest
import torch
from torch import nn

from medseg.engine.quick_norms import use_quick_norms


def quick(module: nn.Module) -> nn.Module:
    use_quick_norms(module)
    return module


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize(("norm", "shape"), [(nn.InstanceNorm3d, (2, 6, 8, 9, 10)), (nn.InstanceNorm2d, (3, 6, 16, 9))])
def test_the_numbers_are_those_of_the_instance_norm(norm, shape, affine: bool) -> None:
    module, image = norm(shape[1], eps=1e-3, affine=affine), torch.randn(shape) * 5 + 3
    if affine:
        nn.init.normal_(module.weight)
        nn.init.normal_(module.bias)
    expected = module(image)
    assert torch.allclose(quick(module)(image), expected, atol=1e-5)


def test_running_statistics_stay_in_use() -> None:
    module = nn.InstanceNorm3d(2, track_running_stats=True)
    module(torch.randn(1, 2, 4, 4, 4) + 7)
    module.eval()
    image = torch.randn(1, 2, 4, 4, 4)
    expected = module(image)
    assert torch.equal(quick(module)(image), expected)


def test_a_copy_norms_with_its_own_weights() -> None:
    module = quick(nn.InstanceNorm3d(2, affine=True))
    other = copy.deepcopy(module)
    nn.init.zeros_(other.weight)
    assert float(other(torch.randn(1, 2, 4, 4, 4)).detach().abs().max()) == 0.0

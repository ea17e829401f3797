import copy

import pytest
import torch
from torch import nn

from medseg.engine.muon import BETAS, RMS, Muon, is_matrix, orthogonal


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", [(16, 40), (40, 16), (24, 24)])
def test_singular_values_come_near_one_and_directions_stay(shape: tuple[int, int]) -> None:
    matrix = drawn(*shape)
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    result = orthogonal(matrix * 1e-3)
    inner = left.T @ result @ right.T
    assert torch.linalg.svdvals(result).min() > 0.6
    assert torch.linalg.svdvals(result).max() < 1.3
    torch.testing.assert_close(inner, torch.diag(inner.diagonal()), atol=1e-3, rtol=0.0)


def test_nothing_stays_nothing() -> None:
    assert not orthogonal(torch.zeros(16, 20)).any()


def test_what_is_narrow_in_one_direction_is_no_matrix() -> None:
    assert is_matrix(torch.zeros(16, 2, 2, 2, 2))
    assert is_matrix(torch.zeros(16, 16))
    assert not is_matrix(torch.zeros(3, 32, 1, 1, 1))
    assert not is_matrix(torch.zeros(32, 1, 3, 1, 1))
    assert not is_matrix(torch.zeros(32))


def test_a_matrix_steps_along_its_orthogonal_gradient() -> None:
    weight = nn.Parameter(drawn(16, 2, 3, 3, 3))
    before, weight.grad = weight.detach().clone(), drawn(16, 2, 3, 3, 3, seed=1)
    Muon([weight], 0.1, momentum=0.9, weight_decay=0.01).step()
    # The first look ahead is (1 - m²) of the gradient: its scale does not matter, its direction is the gradient's.
    step = orthogonal(weight.grad.flatten(1)).reshape(weight.shape)
    expected = before * (1 - 0.1 * 0.01) - 0.1 * RMS * 54**0.5 * step
    torch.testing.assert_close(weight.detach(), expected, atol=1e-5, rtol=1e-5)


def test_a_step_has_the_size_of_one_of_adamw() -> None:
    weight = nn.Parameter(torch.zeros(32, 32, 3, 3, 3))
    weight.grad = drawn(*weight.shape)
    Muon([weight], 1.0, momentum=0.9, weight_decay=0.0).step()
    assert weight.detach().square().mean().sqrt().item() == pytest.approx(RMS, rel=0.15)


def test_all_else_learns_as_adamw_does() -> None:
    mine, theirs = nn.Parameter(drawn(8)), nn.Parameter(drawn(8))
    muon = Muon([mine], 0.02, momentum=0.9, weight_decay=0.1)
    adamw = torch.optim.AdamW([theirs], 0.02, betas=BETAS, weight_decay=0.1)
    for seed in range(4):
        mine.grad, theirs.grad = drawn(8, seed=seed), drawn(8, seed=seed)
        muon.step()
        adamw.step()
    torch.testing.assert_close(mine, theirs)


def test_the_memory_layout_of_a_weight_does_not_change_its_step() -> None:
    plain = nn.Parameter(drawn(16, 4, 3, 3, 3))
    turned = nn.Parameter(plain.detach().clone(memory_format=torch.channels_last_3d))
    for weight in (plain, turned):
        weight.grad = torch.empty_like(weight).copy_(drawn(16, 4, 3, 3, 3, seed=2))
        Muon([weight], 0.1, momentum=0.9, weight_decay=0.0).step()
    torch.testing.assert_close(plain, turned)


def test_it_goes_on_from_a_saved_state_bit_for_bit() -> None:
    def steps(optimizer: Muon, weights: list[nn.Parameter], seeds: range) -> None:
        for seed in seeds:
            for weight in weights:
                weight.grad = drawn(*weight.shape, seed=seed)
            optimizer.step()

    whole = [nn.Parameter(drawn(16, 20)), nn.Parameter(drawn(5))]
    halves = copy.deepcopy(whole)
    steps(Muon(whole, 0.1, momentum=0.9, weight_decay=0.1), whole, range(4))
    first = Muon(halves, 0.1, momentum=0.9, weight_decay=0.1)
    steps(first, halves, range(2))
    second = Muon(halves, 0.1, momentum=0.9, weight_decay=0.1)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    steps(second, halves, range(2, 4))
    assert all(torch.equal(one, other) for one, other in zip(whole, halves, strict=True))


def test_a_closure_gives_the_gradients_and_the_loss() -> None:
    weight = nn.Parameter(torch.tensor([2.0]))
    muon = Muon([weight], 0.1, momentum=0.9, weight_decay=0.0)

    def closure() -> float:
        loss = weight.square().sum()
        loss.backward()
        return float(loss.detach())

    assert muon.step(closure) == 4.0
    assert weight.item() == pytest.approx(1.9)

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from medseg.core.recipe import Augmentation, Effect, Sampling
from medseg.engine import batches
from medseg.engine.batches import Batch, Patches, choose_workers, epoch_plan, serve
from medseg.engine.distributed import World


@given(st.integers(1, 12), st.integers(1, 4), st.integers(1, 5), st.integers(1, 6), st.integers(0, 3))
def test_an_epoch_shows_every_patch_once_and_leaves_no_rank_waiting(
    studies: int, per_study: int, batch: int, ranks: int, epoch: int
) -> None:
    sampling = Sampling((8, 8, 8), batch, per_study, 0.5)
    plan = epoch_plan(studies, sampling, seed=0, epoch=epoch, ranks=ranks)
    tickets = [ticket for step in plan for share in step for ticket in share]
    assert sorted(tickets) == sorted((epoch, s, n) for s in range(studies) for n in range(per_study))
    assert all(len(step) == ranks for step in plan)
    for step in plan:
        sizes = [len(share) for share in step]
        assert max(sizes) - min(sizes) <= 1
        assert max(sizes) <= batch + 1, "only the last step may be larger, by what was left over"
        assert min(sizes) >= 1 or studies * per_study < ranks


def test_another_epoch_or_seed_has_another_order() -> None:
    sampling = Sampling((8, 8, 8), 2, 2, 0.5)
    orders = {
        (seed, epoch): [t[1:] for step in epoch_plan(9, sampling, seed=seed, epoch=epoch, ranks=1) for t in step[0]]
        for seed in (0, 1)
        for epoch in (0, 1)
    }
    assert len({tuple(order) for order in orders.values()}) == 4


def make_patches(tiny: SimpleNamespace, *, studies: int = 3, seed: int = 0, **sampling) -> Patches:
    recipe = tiny.change("sampling", **sampling)
    prepared = [tiny.study(n, channels=2) for n in range(studies)]
    return Patches(prepared, recipe.sampling, recipe.augmentation, seed=seed)


def first(patches: Patches, count: int, *, workers: int = 0, epoch: int = 0, step: int = 0) -> list[Batch]:
    served = serve(patches, world=World(), epoch=epoch, step=step, workers=workers, pin=False)
    return [next(served) for _ in range(count)]


def equal(one: list[Batch], other: list[Batch]) -> bool:
    return [a.studies for a in one] == [b.studies for b in other] and all(
        torch.equal(a.image, b.image) and torch.equal(a.label, b.label) for a, b in zip(one, other, strict=True)
    )


def test_a_batch_has_the_shapes_that_are_promised(tiny: SimpleNamespace) -> None:
    batch = first(make_patches(tiny), 1)[0]
    assert (batch.image.shape, batch.label.shape) == ((2, 2, 8, 8, 8), (2, 1, 8, 8, 8))
    assert (batch.image.dtype, batch.label.dtype) == (torch.float32, torch.uint8)
    assert set(batch.studies) <= {"S0", "S1", "S2"}


def test_a_thin_axis_is_dropped_for_a_2d_network(tiny: SimpleNamespace) -> None:
    for patch, shape in (((8, 8, 1), (8, 8)), ((1, 8, 6), (8, 6))):
        batch = first(make_patches(tiny, patch=patch), 1)[0]
        assert (batch.image.shape, batch.label.shape) == ((2, 2, *shape), (2, 1, *shape))


def test_a_ticket_always_gives_the_same_patch(tiny: SimpleNamespace) -> None:
    patches, again = make_patches(tiny), make_patches(tiny)
    patches[0, 2, 1]
    image, label, study = patches[3, 1, 0]
    assert torch.equal(image, again[3, 1, 0][0])
    assert torch.equal(label, again[3, 1, 0][1])
    assert study == "S1"
    assert not torch.equal(image, again[4, 1, 0][0])
    assert not torch.equal(image, again[3, 1, 1][0])
    assert not torch.equal(image, make_patches(tiny, seed=1)[3, 1, 0][0])


def test_draws_depend_on_the_study_and_not_on_its_place_in_the_list(tiny: SimpleNamespace) -> None:
    patches = make_patches(tiny)
    backwards = Patches(patches.studies[::-1], patches.sampling, patches.augmentation, seed=0)
    assert torch.equal(patches[0, 0, 0][0], backwards[0, 2, 0][0])


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_change_neither_order_nor_content(workers: int, tiny: SimpleNamespace) -> None:
    patches = make_patches(tiny)
    assert equal(first(patches, 7, workers=workers), first(patches, 7))


def test_serving_from_the_middle_goes_on_as_if_never_stopped(tiny: SimpleNamespace) -> None:
    patches = make_patches(tiny)
    assert len(patches.plan(0, World())) == 3
    assert equal(first(patches, 4, epoch=0, step=2), first(patches, 6)[2:])


def test_ranks_share_what_one_process_would_see(tiny: SimpleNamespace) -> None:
    patches, seen = make_patches(tiny, studies=5), []
    for rank in range(2):
        world = World(rank, 2, rank)
        served = serve(patches, world=world, epoch=0, step=0, workers=0, pin=False)
        seen += [study for _ in patches.plan(0, world) for study in next(served).studies]
    assert sorted(seen) == sorted([f"S{n}" for n in range(5)] * 2)


def test_the_foreground_share_reaches_the_patches(tiny: SimpleNamespace) -> None:
    def share(foreground: float) -> float:
        patches = make_patches(tiny, studies=1, patch=(3, 3, 3), foreground=foreground)
        return float(np.mean([bool((patches[epoch, 0, 0][1] > 0).any()) for epoch in range(100)]))

    assert share(1.0) > 0.97  # a turned patch may lose its one voxel
    assert share(0.0) < 0.5


def test_a_study_without_foreground_gives_patches_too(tiny: SimpleNamespace) -> None:
    patches = make_patches(tiny, foreground=1.0)
    empty = tiny.study(0, channels=2)
    empty = type(empty)("E", empty.image, np.zeros_like(empty.label), {}, empty.spacing_mm)
    only = Patches([empty], patches.sampling, patches.augmentation, seed=0)
    assert first(only, 1)[0].studies == ("E", "E")


def test_a_patch_larger_than_the_volume_holds_all_of_it(tiny: SimpleNamespace) -> None:
    off = Effect(0.0, (1.0, 1.0))
    patches = Patches([tiny.study(0)], Sampling((16, 20, 14), 1, 1, 0.5), Augmentation((), *[off] * 8), seed=0)
    for epoch in range(20):
        image, label, _ = patches[epoch, 0, 0]
        assert image.shape == (1, 16, 20, 14)
        assert int((label > 0).sum()) == int((tiny.study(0).label > 0).sum())


def test_workers_are_what_was_asked_or_follow_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MIN_SHARED_BYTES", 0)
    assert [choose_workers(None, cores) for cores in (1, 2, 4, 64)] == [0, 1, 3, 4]
    assert choose_workers(7, 2) == 7
    monkeypatch.setattr(batches, "MIN_SHARED_BYTES", 2**62)
    assert choose_workers(None, 8) in (0, 4)  # 4 where the system has no /dev/shm

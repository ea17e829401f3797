import numpy as np

from medseg.steps.reference_digest import reference_digest

AFFINE = np.diag([1.0, 1.5, 2.0, 1.0])


def one() -> np.ndarray:
    labels = np.zeros((8, 8, 8), np.uint8)
    labels[2:5, 3:5, 1:6] = 1
    labels[2, 3, 1] = 2
    return labels


def test_empty_slices_around_do_not_count() -> None:
    cut = AFFINE.copy()
    cut[:3, 3] = AFFINE[:3, :3] @ [0, 0, 1]
    assert reference_digest(one()[:, :, 1:6], cut) == reference_digest(one(), AFFINE)


def test_order_in_memory_does_not_count() -> None:
    assert reference_digest(np.asfortranarray(one()), AFFINE) == reference_digest(one(), AFFINE)


def test_what_it_holds_and_where_count() -> None:
    other, moved = one(), AFFINE.copy()
    other[4, 4, 4] = 2
    moved[0, 3] = 0.1
    digests = [reference_digest(labels, AFFINE) for labels in (one(), one()[::-1], other, np.roll(one(), 1, 0))]
    assert len({*digests, reference_digest(one(), moved), reference_digest(one() * 0, AFFINE)}) == 6

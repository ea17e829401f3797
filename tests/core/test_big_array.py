import numpy as np
import pytest

from medseg.core.big_array import LEAST_BYTES, empty_big
from medseg.core.machine import process_bytes


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 64, 300, 300), (0, 5)])
def test_it_is_an_array_like_any_other(shape: tuple[int, ...]) -> None:
    array = empty_big(shape)
    array[...] = 2.5
    assert (array.shape, array.dtype, array.flags.c_contiguous, array.flags.writeable) == (shape, "float32", True, True)
    assert (array == 2.5).all()


def test_memory_of_a_big_one_goes_back() -> None:
    if process_bytes() is None:
        pytest.skip("this system does not say what a process holds")
    array = empty_big((8, LEAST_BYTES // 4))
    array[...] = 1.0
    before = process_bytes()
    del array
    assert before - process_bytes() > 6 * LEAST_BYTES


def test_a_view_keeps_it() -> None:
    view = empty_big((4, LEAST_BYTES // 4))[1:3]
    view[...] = 3.0
    assert np.asarray(view).sum(dtype=np.float64) == 3.0 * view.size

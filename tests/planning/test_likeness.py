import numpy as np
import pytest

from medseg.planning.likeness import ALIKE, GRID, Image, find_pairs, signature_of, values_of


def smooth(seed: int, shape: tuple[int, ...] = (1, 40, 48, 36)) -> np.ndarray:
    """Blobs a few voxels wide, as different from seed to seed as two patients."""
    coarse = np.random.default_rng(seed).normal(size=(shape[0], *(n // 4 for n in shape[1:])))
    return 100 + 20 * coarse.repeat(4, 1).repeat(4, 2).repeat(4, 3)


def image(study: str, array: np.ndarray, patient: str = "") -> Image:
    return Image(study, patient or study, str(hash(array.tobytes())), signature_of(array))


def test_a_copy_is_found_and_said_to_be_equal() -> None:
    (pair,) = find_pairs([image("a", smooth(1)), image("b", smooth(2)), image("c", smooth(1))])
    assert (pair.first, pair.second, pair.equal, pair.correlation) == ("a", "c", True, 1.0)


@pytest.mark.parametrize("change", ["noise", "gamma", "scale"])
def test_a_copy_that_was_changed_a_little_is_found(change: str) -> None:
    original = smooth(1)
    noise = np.random.default_rng(9).normal(0, 6, original.shape)
    copy = {"noise": original + noise, "gamma": (original / 200).clip(0) ** 0.8, "scale": 7 * original - 300}[change]
    (pair,) = find_pairs([image("a", original), image("b", copy), image("c", smooth(3))])
    assert (pair.first, pair.second, pair.equal) == ("a", "b", False)
    assert ALIKE < pair.correlation <= 1.0


def test_different_images_are_no_pair() -> None:
    assert find_pairs([image(str(seed), smooth(seed)) for seed in range(6)]) == []


def test_images_of_one_patient_may_be_alike() -> None:
    assert find_pairs([image("a", smooth(1), "p"), image("b", smooth(1), "p")]) == []


def test_images_of_other_channels_or_dimensions_are_not_compared() -> None:
    flat, one, two = smooth(1, (1, 40, 40, 4))[..., :1], smooth(1), smooth(1, (2, 40, 48, 36))
    assert find_pairs([image("flat", flat), image("one", one), image("two", two)]) == []


def test_images_without_contrast_are_copies_only_where_every_voxel_is_equal() -> None:
    blank = np.zeros((1, 30, 30, 30))
    pairs = find_pairs([image("a", blank), image("b", blank), image("c", blank + 5)])
    assert [(pair.first, pair.second) for pair in pairs] == [("a", "b")]


def test_a_signature_has_a_byte_per_cell_and_follows_the_means() -> None:
    array = np.zeros((1, GRID * 2, GRID * 2, GRID * 2))
    array[0, GRID:] = 1.0  # half of it one deviation above, half one below the mean
    signature = signature_of(array)
    assert len(signature) == GRID**3
    cells = values_of(signature).reshape(GRID, GRID, GRID)
    assert np.allclose(cells[GRID // 2 :], GRID**-1.5)
    assert np.allclose(cells[: GRID // 2], -(GRID**-1.5))
    assert len(signature_of(array[..., :1])) == GRID**2
    assert len(signature_of(array[:, :5, :5, :5])) == GRID**3

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from medseg.core.random import generator_for
from medseg.core.recipe import Augmentation, Effect
from medseg.transforms.augment import Draw, apply, draw

Still = Callable[..., Augmentation]
UNCHANGED = Draw((), None, None, None, 0, None, None, None, None, None)
SPACING = (1.0, 1.0, 1.0)


def scene(shape: tuple[int, ...] = (16, 16, 16)) -> tuple[np.ndarray, np.ndarray]:
    """A bright, off-centre box in a dim body, and its label."""
    label = np.zeros(shape, np.uint8)
    label[3:9, 5:12, 4 : max(5, shape[2] - 5)] = 1
    image = np.where(label, 3.0, 1.0).astype(np.float32)
    return np.stack([image, image * 2]), label


def make(change: Draw, *, image=None, label=None, patch=(12, 12, 12), spacing_mm=SPACING):
    standard = scene()
    image, label = standard[0] if image is None else image, standard[1] if label is None else label
    centre = tuple((n - 1) / 2 for n in image.shape[1:])
    return apply(image, label, centre=centre, patch=patch, spacing_mm=spacing_mm, change=change)


def drawn(recipe: Augmentation, *purpose: int | str, thin_axis: int | None = None) -> Draw:
    return draw(recipe, channels=2, thin_axis=thin_axis, generator=generator_for(0, *purpose))


def test_the_same_draw_gives_the_same_patch(wild: Augmentation) -> None:
    change = drawn(wild, "P1")
    (image, label), (again, label_again) = make(change), make(change)
    assert torch.equal(image, again)
    assert torch.equal(label, label_again)


def test_the_same_purpose_draws_the_same_change(wild: Augmentation) -> None:
    assert drawn(wild, "P1") == drawn(wild, "P1")
    assert drawn(wild, "P1") != drawn(wild, "P2")


def test_one_probability_leaves_the_other_draws_as_they_were(wild: Augmentation) -> None:
    without = replace(wild, rotation=replace(wild.rotation, probability=0.0), blur=Effect(0.0, (0.5, 1.0)))
    assert drawn(without, "P1") == replace(drawn(wild, "P1"), angles_deg=None, blur_sigma=None)


def test_an_effect_happens_as_often_as_its_probability(still: Still) -> None:
    recipe = still(noise=Effect(0.3, (0.1, 0.2)))
    stds = [drawn(recipe, n).noise_std for n in range(1000)]
    assert np.mean([std is not None for std in stds]) == pytest.approx(0.3, abs=0.06)
    assert all(0.1 <= std <= 0.2 for std in stds if std is not None)


def test_without_changes_a_patch_is_a_copy_of_the_voxels() -> None:
    image, label = scene()
    patch, classes = make(UNCHANGED)
    assert np.array_equal(patch, image[:, 2:14, 2:14, 2:14])
    assert np.array_equal(classes[0], label[2:14, 2:14, 2:14])
    assert (patch.dtype, classes.dtype) == (torch.float32, torch.uint8)


def test_the_study_itself_is_never_changed(wild: Augmentation) -> None:
    image, label = scene()
    image.flags.writeable = label.flags.writeable = False  # as a memory-mapped cache is
    for n in range(10):
        make(drawn(wild, n), image=image, label=label)
    make(replace(UNCHANGED, noise_std=0.1), image=image, label=label)


def test_flips_mirror_image_and_label_together() -> None:
    image, label = scene()
    patch, classes = make(replace(UNCHANGED, flips=(0, 2)), patch=(16, 16, 16))
    assert np.array_equal(patch, image[:, ::-1, :, ::-1])
    assert np.array_equal(classes[0], label[::-1, :, ::-1])


def test_only_the_axes_of_the_recipe_are_flipped(still: Still) -> None:
    changes = {drawn(still(flip_axes=(1,)), n).flips for n in range(50)}
    assert changes == {(), (1,)}


def test_a_quarter_turn_moves_voxels_exactly() -> None:
    image, label = scene()
    patch, classes = make(replace(UNCHANGED, angles_deg=(0.0, 0.0, 90.0)), patch=(16, 16, 16))
    turned = {k: np.rot90(label, k, axes=(0, 1)) for k in (1, 3)}
    matches = [k for k, expected in turned.items() if np.array_equal(classes[0], expected)]
    assert len(matches) == 1
    assert np.allclose(patch, np.rot90(image, matches[0], axes=(1, 2)), atol=1e-4)


@pytest.mark.parametrize("number", range(8))
def test_rotation_zoom_and_flips_keep_image_and_label_together(number: int, still: Still) -> None:
    recipe = still(flip_axes=(0, 1, 2), rotation=Effect(1.0, (-180.0, 180.0)), scaling=Effect(1.0, (0.7, 1.4)))
    smooth = torch.zeros(1, 24, 24, 24)
    axes = torch.meshgrid(*[torch.arange(24.0)] * 3, indexing="ij")
    smooth[0] = 10 - ((axes[0] - 9) ** 2 / 2 + (axes[1] - 13) ** 2 + (axes[2] - 12) ** 2 * 2).sqrt()
    label = (smooth[0] > 4).numpy().astype(np.uint8)
    image, classes = make(
        drawn(recipe, number), image=smooth.numpy(), label=label, patch=(20, 20, 20), spacing_mm=(1.0, 0.8, 1.3)
    )
    expected, inside = image[0] > 4, (image[0] - 4).abs() > 0.8  # leave the surface out: half a voxel of slope 1.4
    assert torch.equal(classes[0][inside] > 0, expected[inside])
    assert classes.sum() > 50


def test_a_rotation_is_rigid_in_millimetres() -> None:
    image = np.zeros((1, 31, 31, 11), np.float32)
    i, _, k = np.meshgrid(np.arange(31) - 15.0, np.arange(31), (np.arange(11) - 5.0) * 3, indexing="ij")
    image[0] = (i**2 + k**2 < 10.0**2) + 1.0  # a cylinder of 10 mm along j, in voxels of 1 x 1 x 3 mm
    label = (image[0] > 1.5).astype(np.uint8)
    _, turned = make(
        replace(UNCHANGED, angles_deg=(0.0, 90.0, 0.0)),
        image=image,
        label=label,
        patch=(21, 5, 7),
        spacing_mm=(1, 1, 3),
    )
    _, plain = make(UNCHANGED, image=image, label=label, patch=(21, 5, 7), spacing_mm=(1, 1, 3))
    overlap = 2 * (turned & plain).sum() / (turned.sum() + plain.sum())
    assert overlap > 0.9


def test_a_scale_above_one_makes_the_anatomy_larger() -> None:
    _, plain = make(UNCHANGED, patch=(16, 16, 16))
    _, larger = make(replace(UNCHANGED, scale=1.25), patch=(16, 16, 16))
    assert larger.sum() / plain.sum() == pytest.approx(1.25**3, rel=0.15)


def test_what_lies_outside_and_zero_background_stay_zero(wild: Augmentation) -> None:
    image, label = scene()
    image[:, :, :3] = 0.0  # no signal, as around a skull-stripped brain
    change = replace(drawn(wild, 1), angles_deg=None, scale=None, flips=())
    patch, _ = make(change, image=image, label=label, patch=(20, 20, 20))
    assert not patch[:, :2].any()  # two voxels of the patch reach outside on each side
    assert not patch[:, :, : 2 + 3].any()
    assert (patch[:, 2:-2, 5:-2, 2:-2] != 0).all()


def test_a_thin_axis_is_never_flipped_turned_or_zoomed(wild: Augmentation, still: Still) -> None:
    image = np.broadcast_to(1.0 + np.arange(7, dtype=np.float32), (1, 16, 16, 7))  # each slice has its own value
    placed = still(flip_axes=wild.flip_axes, rotation=wild.rotation, scaling=wild.scaling)
    for n in range(10):
        change = drawn(placed, n, thin_axis=2)
        assert 2 not in change.flips
        patch, _ = make(change, image=image, label=np.zeros((16, 16, 7), np.uint8), patch=(8, 8, 1))
        assert torch.allclose(patch, torch.full((1, 8, 8, 1), 4.0)), "only the middle slice is seen"


def test_all_changes_of_a_slice_keep_its_shape_and_stay_finite(wild: Augmentation) -> None:
    image, label = scene((16, 16, 7))
    for n in range(10):
        patch, classes = make(drawn(wild, n, thin_axis=2), image=image, label=label, patch=(12, 12, 1))
        assert (patch.shape, classes.shape) == ((2, 12, 12, 1), (1, 12, 12, 1))
        assert torch.isfinite(patch).all()


def test_brightness_multiplies_each_channel() -> None:
    plain, bright = make(UNCHANGED)[0], make(replace(UNCHANGED, brightness=(2.0, 0.5)))[0]
    assert torch.allclose(bright, plain * torch.tensor([2.0, 0.5]).reshape(2, 1, 1, 1))


def test_contrast_keeps_the_mean_and_scales_the_spread() -> None:
    plain, strong = make(UNCHANGED)[0], make(replace(UNCHANGED, contrast=(1.5, 1.5)))[0]
    assert torch.allclose(strong.mean((1, 2, 3)), plain.mean((1, 2, 3)), rtol=1e-4)
    assert torch.allclose(strong.std((1, 2, 3)), 1.5 * plain.std((1, 2, 3)), rtol=1e-4)


def test_gamma_keeps_the_extremes_and_bends_between() -> None:
    image = np.linspace(1, 5, 16**3, dtype=np.float32).reshape(1, 16, 16, 16)
    patch = make(replace(UNCHANGED, gamma=(2.0,)), image=image, patch=(16, 16, 16))[0]
    expected = ((image - 1) / 4) ** 2 * 4 + 1
    assert np.allclose(patch, expected, atol=1e-4)


def test_gamma_of_a_constant_patch_is_that_patch() -> None:
    image = np.full((1, 16, 16, 16), 2.5, np.float32)
    assert np.allclose(make(replace(UNCHANGED, gamma=(0.7,)), image=image)[0], 2.5)


def test_noise_has_the_drawn_spread() -> None:
    plain, noisy = make(UNCHANGED)[0], make(replace(UNCHANGED, noise_std=0.2, noise_seed=5))[0]
    assert float((noisy - plain).std()) == pytest.approx(0.2, rel=0.05)


def test_blur_agrees_with_scipy_away_from_the_edge() -> None:
    image = scene()[0]
    patch = make(replace(UNCHANGED, blur_sigma=1.0), patch=(16, 16, 16))[0]
    expected = np.stack([gaussian_filter(channel, 1.0, truncate=3.0) for channel in image])
    inner = (slice(None), *[slice(4, -4)] * 3)
    assert np.allclose(patch.numpy()[inner], expected[inner], atol=1e-4)


@pytest.mark.parametrize("sigma", [0.5, 1.0, 3.0])
def test_blur_of_a_constant_is_constant_up_to_the_edge(sigma: float) -> None:
    flat = np.ones((1, 16, 16, 4), np.float32)
    assert np.allclose(make(replace(UNCHANGED, blur_sigma=sigma), image=flat, patch=(16, 16, 4))[0], 1.0, atol=1e-6)


def test_low_resolution_of_a_constant_is_constant_and_of_noise_is_smoother() -> None:
    flat = np.ones((1, 16, 16, 16), np.float32)
    assert np.allclose(make(replace(UNCHANGED, zoom=0.5), image=flat)[0], 1.0)
    rough = np.random.default_rng(0).normal(5, 1, (1, 16, 16, 16)).astype(np.float32)
    assert make(replace(UNCHANGED, zoom=0.5), image=rough)[0].diff().std() < 0.7 * np.diff(rough).std()


def test_the_number_of_threads_does_not_change_a_patch(wild: Augmentation) -> None:
    changes, threads = [drawn(wild, n) for n in range(4)], torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = [make(change)[0] for change in changes]
        torch.set_num_threads(2)
        two = [make(change)[0] for change in changes]
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))

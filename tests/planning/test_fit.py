import math
from dataclasses import replace

import pytest

from medseg.planning import recipe_defaults as defaults
from medseg.planning.fit import Frame, candidates, choose_fit, least_fit

HIPPOCAMPUS = Frame(
    shape=(36, 50, 36),
    spacing_mm=(1.0, 1.0, 1.0),
    thin_axis=None,
    largest=(43, 59, 47),
    voxels=200 * 36 * 50 * 36,
    channels=1,
    classes=3,
    network="unet",
    device="cpu",
)
HEAD = replace(HIPPOCAMPUS, shape=(140, 172, 137), largest=(240, 240, 155), voxels=200 * 240 * 240 * 155, channels=4)
CORD = replace(HIPPOCAMPUS, shape=(320, 320, 16), spacing_mm=(0.5, 0.5, 4.0), network="auto", largest=(320, 320, 20))
SLIDES = replace(
    HIPPOCAMPUS, shape=(256, 320, 1), spacing_mm=(1.0, 1.0, -1.0), thin_axis=2, network="auto", largest=(512, 640, 1)
)
FRAMES = pytest.mark.parametrize(
    "frame", [HIPPOCAMPUS, HEAD, CORD, SLIDES], ids=["hippocampus", "head", "cord", "slides"]
)


def test_small_studies_are_taken_whole_in_multiples_of_the_network() -> None:
    fit = choose_fit(HIPPOCAMPUS, 8.0)
    assert fit is not None
    # 36 is padded to 40 (11 %), 50 to 56 (12 %)
    assert (fit.patch, fit.batch, fit.shrunk) == ((40, 56, 40), defaults.BATCH, 0)


@FRAMES
def test_every_candidate_is_divisible_and_smaller_than_the_one_before(frame: Frame) -> None:
    row = list(candidates(frame))
    sizes = [math.prod(fit.patch) * fit.batch for fit in row]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == len(sizes)
    for fit in row:
        assert all(side % unit == 0 for side, unit in zip(frame.seen(fit.patch), fit.network.divisor, strict=True))
        assert all(side <= length * 1.15 + 16 for side, length in zip(fit.patch, frame.shape, strict=True))


@FRAMES
def test_what_is_chosen_is_within_memory_and_work(frame: Frame) -> None:
    fit = choose_fit(frame, 8.0)
    assert fit is not None
    assert fit.demand.gib <= 8.0
    assert fit.gflop <= defaults.MOST_GFLOP["cpu"]


def test_less_memory_gives_a_smaller_step_and_too_little_none() -> None:
    gpu = replace(HEAD, device="cuda")
    large, small = choose_fit(gpu, 8.0), choose_fit(gpu, 3.0)
    assert large is not None
    assert small is not None
    assert math.prod(small.patch) * small.batch < math.prod(large.patch) * large.batch
    assert small.shrunk > large.shrunk
    least = least_fit(gpu).demand.gib
    assert choose_fit(gpu, least * 0.99) is None
    assert choose_fit(gpu, least) is not None


def test_a_probe_that_took_too_much_passes_over_candidates() -> None:
    first, second = choose_fit(HEAD, 8.0), choose_fit(HEAD, 8.0, smaller=1)
    assert first is not None
    assert second is not None
    assert math.prod(second.patch) < math.prod(first.patch)
    last = choose_fit(HEAD, 8.0, smaller=10_000)
    assert last is not None
    assert last.patch == list(candidates(HEAD))[-1].patch
    assert choose_fit(HEAD, 0.1, smaller=10_000) is None


def test_a_gpu_does_more_work_per_step_than_a_cpu() -> None:
    cpu, gpu = choose_fit(HEAD, 24.0), choose_fit(replace(HEAD, device="cuda"), 24.0)
    assert cpu is not None
    assert gpu is not None
    assert gpu.gflop > cpu.gflop


def test_a_batch_on_a_gpu_never_holds_much_of_a_small_data_set() -> None:
    few = replace(HIPPOCAMPUS, device="cuda", voxels=40 * 40 * 56 * 40)
    (batch, *_) = (fit.batch for fit in candidates(few))
    assert batch == defaults.BATCH  # 5 % of 40 patches
    (batch, *_) = (fit.batch for fit in candidates(replace(HIPPOCAMPUS, device="cuda")))
    assert batch == defaults.BATCH_ON_GPU


def test_thick_slices_get_a_network_that_waits_for_them() -> None:
    fit = choose_fit(CORD, 8.0)
    assert fit is not None
    assert fit.network.name == defaults.AUTO["uneven"]
    assert 1 in fit.network.topology.kernels[0]
    assert fit.patch[2] == 16


def test_images_of_one_slice_get_a_patch_of_one_slice_and_a_larger_batch() -> None:
    fit = choose_fit(SLIDES, 8.0)
    assert fit is not None
    assert fit.patch[2] == 1
    assert fit.network.name == defaults.AUTO["2d"]
    assert len(fit.network.divisor) == 2
    assert defaults.BATCHES_2D[0] <= fit.batch <= defaults.BATCHES_2D[1]

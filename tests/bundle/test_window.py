"""The window of every kind of inferer, held against MONAI's own object."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from medseg.bundle.build import build_inferer
from medseg.bundle.find import find_bundle
from medseg.bundle.read import Bundle, read_bundle
from medseg.bundle.window import window_of
from medseg.core.window import Window

SLIDING = "monai.inferers.SlidingWindowInferer"
SLICES = "monai.inferers.SliceInferer"


@pytest.fixture(scope="module")
def hippocampus() -> Bundle:
    return read_bundle(find_bundle("hippocampus_unet3d"))


def with_inferer(bundle: Bundle, **said: Any) -> Bundle:
    return replace(bundle, inference={**bundle.inference, "inferer": said})


def test_what_is_not_said_is_monais_default(hippocampus: Bundle) -> None:
    bundle = with_inferer(hippocampus, _target_=SLIDING, roi_size=[40, -1, 24])
    stock: Any = build_inferer(bundle)
    assert window_of(bundle) == Window(
        (40, None, 24),
        (stock.overlap,) * 3,
        stock.mode.value,
        (stock.sigma_scale,) * 3,
        stock.padding_mode,
        stock.cval,
        1,
    )


def test_what_is_said_along_each_axis_is_kept(hippocampus: Bundle) -> None:
    bundle = with_inferer(
        hippocampus,
        _target_=SLIDING,
        roi_size=16,
        sw_batch_size=4,
        overlap=[0.5, 0.25, 0.0],
        mode="gaussian",
        sigma_scale=[0.1, 0.2, 0.3],
        padding_mode="replicate",
        cval=-1,
        progress=True,
    )
    assert window_of(bundle) == Window(
        (16, 16, 16), (0.5, 0.25, 0.0), "gaussian", (0.1, 0.2, 0.3), "replicate", -1.0, 4, None
    )


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slices_are_one_voxel_thick(hippocampus: Bundle, axis: int) -> None:
    bundle = with_inferer(hippocampus, _target_=SLICES, roi_size=[32, 48], spatial_dim=axis, overlap=0.5)
    window = window_of(bundle)
    assert window is not None
    assert window.unseen_axis == axis
    assert window.size[axis] == 1
    assert [side for n, side in enumerate(window.size) if n != axis] == [32, 48]


@pytest.mark.parametrize(
    "said",
    [
        {"_target_": "monai.inferers.SimpleInferer"},
        {"_target_": "monai.inferers.SlidingWindowInfererAdapt", "roi_size": [8, 8, 8]},
        {"_target_": SLIDING, "roi_size": [8, 8, 8], "with_coord": True},
        {"_target_": SLIDING, "roi_size": [8, 8]},
        {"_target_": SLIDING, "roi_size": [8, 8, 8], "overlap": [0.5, 0.5]},
        {"_target_": SLIDING, "roi_size": [8, 8, 8], "overlap": -0.5},
        {"_target_": SLIDING, "roi_size": [8, 8, 8], "overlap": 1.0},
        {"_target_": SLIDING, "roi_size": [8, 8, 8], "buffer_steps": 2},
    ],
)
def test_what_it_does_not_know_it_leaves_to_monai(hippocampus: Bundle, said: dict[str, Any]) -> None:
    assert window_of(with_inferer(hippocampus, **said)) is None


@pytest.mark.parametrize(
    "name", ["brats_segresnet", "brats_unet3d", "hippocampus_segresnet", "hippocampus_unet2d", "hippocampus_unet3d"]
)
def test_every_shipped_bundle_has_one(name: str) -> None:
    window = window_of(read_bundle(find_bundle(name)))
    assert window is not None
    assert window.blend == "gaussian"
    assert torch.tensor([side or 1 for side in window.size]).prod() > 1000

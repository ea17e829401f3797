import numpy as np
import pytest
import torch
from monai.inferers import SlidingWindowInferer
from monai.transforms import (
    Activationsd,
    AsDiscreted,
    Compose,
    CropForegroundd,
    Invertd,
    NormalizeIntensityd,
    Orientationd,
    Resized,
    Spacingd,
)
from torch import nn

from medseg.core.volume import Volume
from medseg.core.window import Window
from medseg.engine.averaging import Member
from medseg.engine.device import Precision
from medseg.engine.forward import Forward, Mode
from medseg.engine.inference import Finishing, Predictor
from medseg.engine.peak import peak_of
from medseg.engine.rehearsal import rehearse, spacing_key
from medseg.transforms.part import all_of


def predictor(*before: object) -> Predictor:
    chain = Compose([Orientationd(["image"], "RAS", labels=None), *before])
    steps = [
        Activationsd(["pred"], softmax=True),
        Invertd(["pred"], chain, orig_keys=["image"], nearest_interp=False),
        AsDiscreted(["pred"], argmax=True),
    ]
    member = Member(
        Forward(nn.Conv3d(2, 2, 1), Mode(Precision("fp32", "cpu"))), SlidingWindowInferer(8), Window((8, 8, 8))
    )
    return Predictor((member,), chain, Compose(steps), Finishing(Compose([]), True), torch.device("cpu"))


CHAINS = {
    "cropped": (
        CropForegroundd(["image"], "image", allow_smaller=True),
        NormalizeIntensityd(["image"], nonzero=True, channel_wise=True),
    ),
    "resampled": (Spacingd(["image"], [1.0, 1.0, 1.0], mode="bilinear"), NormalizeIntensityd(["image"])),
}
THICK = np.diag([-0.8, 0.8, 1.5, 1.0])


@pytest.mark.parametrize("name", CHAINS)
def test_what_small_scans_take_tells_what_a_larger_one_does(name: str) -> None:
    chain = predictor(*CHAINS[name])
    costs = rehearse(chain, 2, THICK)
    shape = (70, 90, 60)
    voxels = np.random.default_rng(1).random((2, *shape), np.float32) + 1
    part = all_of(Volume(voxels, THICK))
    assert costs.prepare_bytes(70 * 90 * 60) == pytest.approx(peak_of(lambda: chain.prepare(part)), rel=0.15)
    assert costs.image(shape) == pytest.approx(list(chain.prepare(part).image.shape[1:]), abs=2)
    assert costs.finish_bytes(70 * 90 * 60) < 20 * 70 * 90 * 60


def test_axes_that_change_places_keep_their_own_ratio() -> None:
    sagittal = np.array([[0, 0, 1.5, 0], [0.7, 0, 0, 0], [0, -1.1, 0, 0], [0, 0, 0, 1.0]])
    costs = rehearse(predictor(*CHAINS["resampled"]), 1, sagittal)
    assert costs.order == (2, 0, 1)
    assert costs.image((100, 200, 60)) == pytest.approx([90, 70, 220], abs=3)


def test_what_does_not_grow_is_not_taken_to_grow() -> None:
    costs = rehearse(predictor(Resized(["image"], (64, 64, 64))), 1, np.eye(4))
    assert costs.image((400, 400, 400)) == [64, 64, 64]
    assert costs.prepare_bytes(400**3) < 16 * 400**3


def test_thick_voxels_that_become_many_do_not_fill_the_memory() -> None:
    costs = rehearse(predictor(*CHAINS["resampled"]), 1, np.diag([60.0, 60.0, 60.0, 1.0]))
    assert costs.image((4, 4, 4))[0] > 150


def test_a_chain_that_only_it_can_undo_is_counted_too() -> None:
    chain = predictor()
    alone = Predictor(chain.members, chain.preprocessing, chain.postprocessing, None, chain.device)
    assert rehearse(alone, 2, THICK).finish_bytes(1000) == 3 * 4 * 2 * 1000


def test_only_scans_of_one_spacing_share_an_answer() -> None:
    assert spacing_key(np.diag([0.70312, 0.7, 3.0, 1])) == spacing_key(np.diag([0.70314, 0.7, 3.0, 1]))
    assert spacing_key(np.diag([1.0, 1.0, 1.0, 1])) != spacing_key(np.diag([0.96, 1.0, 1.0, 1]))

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
def test_what_a_small_scan_takes_tells_what_a_larger_one_does(name: str) -> None:
    chain = predictor(*CHAINS[name])
    costs = rehearse(chain, 2, THICK)
    shape = (70, 90, 60)
    voxels = np.random.default_rng(1).random((2, *shape), np.float32) + 1
    part = all_of(Volume(voxels, THICK))
    assert costs.prepare * np.prod(shape) == pytest.approx(peak_of(lambda: chain.prepare(part)), rel=0.1)
    image = chain.prepare(part).image
    assert costs.image * np.prod(shape) == pytest.approx(np.prod(image.shape[1:]), rel=0.05)
    assert costs.finish < 20


def test_a_chain_that_only_it_can_undo_is_counted_too() -> None:
    chain = predictor()
    assert rehearse(Predictor(chain.members, chain.preprocessing, chain.postprocessing, None, chain.device), 2, THICK)


def test_scans_of_about_one_spacing_share_an_answer() -> None:
    assert spacing_key(np.diag([0.701, 0.7, 3.0, 1])) == spacing_key(np.diag([0.7, 0.704, 3.0, 1]))
    assert spacing_key(np.diag([0.7, 0.7, 3.0, 1])) != spacing_key(np.diag([0.9, 0.7, 3.0, 1]))

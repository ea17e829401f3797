import dataclasses

import pytest
import torch
from monai.inferers import SimpleInferer
from torch import nn

from medseg.core.window import Window
from medseg.engine.averaging import Member
from medseg.engine.device import Precision
from medseg.engine.footprint import RUNGS, Footprint, footprint, read_bytes
from medseg.engine.forward import Forward, Mode
from medseg.engine.rehearsal import Costs

MEMBER = Member(
    Forward(nn.Conv3d(1, 31, 1), Mode(Precision("fp32", "cpu"))),
    SimpleInferer(),
    Window((96, 96, 96), (0.5, 0.5, 0.5)),
    classes=31,
    voxel_bytes=150.0,
)
CT = (512, 512, 600)
SAME = ((1.0, 0.0), (1.0, 0.0), (1.0, 0.0))
COSTS = Costs((0, 1, 2), SAME, (16.0, 0.0), (2.0, 0.0))
VOXELS = 512 * 512 * 600


def of(shape=CT, part=CT, channels=1, members=(MEMBER,), costs=COSTS, keeps_scan=False, **more) -> Footprint:
    return footprint(shape, part, channels, members, costs, keeps_scan=keeps_scan, **more)


def test_sums_of_one_window_depth_are_all_that_is_kept_of_the_classes() -> None:
    found = of()
    assert found.look["host"] - found.look["disk"] == 4 * 31 * 96 * 512 * 600
    assert found.look["disk"] < 4 * 31 * VOXELS / 4


def test_each_step_holds_what_it_was_given_and_what_it_makes() -> None:
    found = of()
    assert found.read == read_bytes(1, CT) == (4 + 2 * 2 + 8) * VOXELS
    assert read_bytes(4, CT, stored=8) == (4 * 4 + 2 * 8 + 4) * VOXELS
    assert found.prepare == (4 + 16) * VOXELS
    assert found.finish == (4 + 1 + 2 + 2) * VOXELS
    assert found.one_study("host") == max(found.read, found.prepare, found.look["host"], found.finish)
    assert found.three_studies("disk") == found.prepare + found.look["disk"] + found.finish


def test_a_report_keeps_the_scan_and_a_crop_drops_what_is_empty() -> None:
    shown = of(keeps_scan=True)
    assert shown.finish - of().finish == 4 * VOXELS
    assert shown.look["disk"] - of().look["disk"] == 4 * VOXELS
    cropped = of(part=(256, 256, 300))
    assert cropped.prepare == (4 + 16) * VOXELS // 8
    assert cropped.read == 16 * VOXELS


def test_a_finer_image_has_more_voxels_and_comes_back_through_interpolation() -> None:
    fine = of((64, 64, 64), (64, 64, 64), costs=Costs((0, 1, 2), ((2.0, 0.0),) * 3, (100.0, 0.0), (2.0, 0.0)))
    assert fine.finish == 64**3 * (4 * 8 + 1 + 2 + 2)
    assert fine.look["disk"] > of((64, 64, 64), (64, 64, 64)).look["disk"] + 4 * 7 * 64**3


@pytest.mark.parametrize("rung", RUNGS)
def test_each_further_network_needs_its_own(rung: str) -> None:
    one, two = of().look[rung], of(members=(MEMBER, MEMBER)).look[rung]
    assert (two > one) if rung != "device" else (two == one)
    assert of(extras=4).look[rung] == one + 4 * VOXELS


def test_an_inferer_of_monai_keeps_all_of_what_its_network_says() -> None:
    whole = dataclasses.replace(MEMBER, window=None)
    assert of(members=(whole,)).look["host"] > 4 * 31 * VOXELS * 3


def test_a_network_elsewhere_takes_no_main_memory_for_its_windows() -> None:
    elsewhere = Forward(nn.Conv3d(1, 31, 1), Mode(Precision("fp32", "cuda")))
    elsewhere.device = torch.device("cuda")
    there = of(members=(dataclasses.replace(MEMBER, forward=elsewhere),))
    assert there.look["host"] < of().look["host"] - 150 * 96**3
    assert there.device > 4 * VOXELS + 150 * 96**3

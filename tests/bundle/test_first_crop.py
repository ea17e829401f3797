import copy
import dataclasses
from typing import Any

import pytest

from medseg.bundle.find import find_bundle
from medseg.bundle.first_crop import first_crop_spacing
from medseg.bundle.read import Bundle, read_bundle

TURN = {"_target_": "monai.transforms.Orientationd", "keys": ["image"], "axcodes": "RAS"}
SPACE = {"_target_": "monai.transforms.Spacingd", "keys": ["image"], "pixdim": [1.0, 1.0, 1.0], "mode": "bilinear"}
CROP = {"_target_": "monai.transforms.CropForegroundd", "keys": ["image"], "source_key": "image"}
SCALE = {"_target_": "monai.transforms.ScaleIntensityd", "keys": ["image"]}
RESIZE = {"_target_": "monai.transforms.Resized", "keys": ["image"], "spatial_size": [8, 8, 8]}


def bundle(*steps: dict[str, Any]) -> Bundle:
    shipped = read_bundle(find_bundle("brats_unet3d"))
    inference = copy.deepcopy(dict(shipped.inference))
    inference["preprocessing"]["transforms"][1:] = steps
    return dataclasses.replace(shipped, inference=inference)


def test_the_shipped_ones_for_tumours_crop_at_one_millimetre_the_others_not_at_all() -> None:
    assert first_crop_spacing(read_bundle(find_bundle("brats_segresnet"))) == 1.0
    assert first_crop_spacing(read_bundle(find_bundle("hippocampus_unet3d"))) is None


@pytest.mark.parametrize(
    ("steps", "spacing"),
    [
        ((TURN, SPACE, CROP, SCALE), 1.0),
        ((TURN, CROP), 0.0),
        ((CROP, SCALE), 0.0),
        ((TURN, SPACE | {"pixdim": 2.0}, CROP), 2.0),
        ((TURN, SPACE | {"pixdim": [1.0, 1.0, 3.0]}, CROP), None),
        ((TURN, SPACE | {"mode": "nearest"}, CROP), None),
        ((TURN, SPACE | {"mode": 3}, CROP), None),
        ((TURN, SPACE | {"recompute_affine": True}, CROP), None),
        ((TURN | {"as_closest_canonical": True}, CROP), None),
        ((TURN, SCALE, CROP), None),
        ((TURN, CROP | {"margin": 4}), None),
        ((TURN, CROP | {"select_fn": "$lambda x: x > 5"}), None),
        ((TURN, CROP | {"source_key": "mask"}), None),
        ((TURN, CROP, RESIZE), None),
        ((TURN, SPACE), None),
        ((), None),
    ],
)
def test_a_chain_crops_first_only_where_nothing_else_changes_before_or_the_grid_behind(steps, spacing) -> None:
    assert first_crop_spacing(bundle(*steps)) == spacing

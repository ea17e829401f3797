import copy
import dataclasses
import json
import subprocess
import sys

import pytest

from medseg.bundle.find import find_bundle
from medseg.bundle.plain_torch import is_plain_torch
from medseg.bundle.read import Bundle, read_bundle

SHIPPED = ("brats_segresnet", "brats_unet3d", "hippocampus_segresnet", "hippocampus_unet2d", "hippocampus_unet3d")


def changed(bundle: Bundle, place: str, transform: object) -> Bundle:
    inference = copy.deepcopy(dict(bundle.inference))
    inference[place]["transforms"].append(transform)
    return dataclasses.replace(bundle, inference=inference)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_bundles_are_plain_torch(name: str) -> None:
    assert is_plain_torch(read_bundle(find_bundle(name)))


@pytest.mark.parametrize(
    "transform",
    [
        {"_target_": "monai.transforms.KeepLargestConnectedComponentd", "keys": ["pred"]},
        {"_target_": "monai.transforms.Spacingd", "keys": ["image"], "pixdim": [1, 1, 1], "mode": 3},
        {"_target_": "mine.Anything"},
    ],
)
@pytest.mark.parametrize("place", ["preprocessing", "postprocessing"])
def test_what_is_not_known_to_be_is_not(place: str, transform: object) -> None:
    assert not is_plain_torch(changed(read_bundle(find_bundle("brats_unet3d")), place, transform))


# In a process where neither package can be imported at all, each shipped bundle preprocesses, sees and goes back.
SCRIPT = """
import sys
sys.modules.update(dict.fromkeys(("scipy", "skimage")))
import json, numpy as np, torch
from medseg.bundle.build import build_network, build_postprocessing, build_preprocessing
from medseg.bundle.find import find_bundle
from medseg.bundle.read import read_bundle
from medseg.core.volume import Volume
from medseg.engine.device import choose_precision
from medseg.steps.predictors import build_predictor, plain
bundle = read_bundle(find_bundle(sys.argv[1]))
cpu = torch.device("cpu")
voxels = np.random.default_rng(0).random((len(bundle.channels), 24, 26, 28), np.float32) + 0.1
predictor = build_predictor(
    [bundle], [build_network(bundle).eval()], device=cpu, mode=plain(choose_precision("fp32", cpu)), exact=False
)
print(json.dumps(predictor.predict(Volume(voxels, np.diag([-1.1, 1.0, 0.9, 1.0]))).shape))
"""


@pytest.mark.parametrize("name", ["brats_unet3d", "hippocampus_segresnet", "hippocampus_unet2d"])
def test_they_run_where_neither_package_is_installed(name: str) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT, name], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-1000:]
    assert json.loads(done.stdout.splitlines()[-1]) == [24, 26, 28]

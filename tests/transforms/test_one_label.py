import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from medseg.core.errors import InferenceError
from medseg.transforms.one_label import OneLabeld

_TURNED = np.diag([-1.0, 1.0, 1.0, 1.0])


def _image(affine: np.ndarray) -> MetaTensor:
    image = MetaTensor(torch.zeros(1, 2, 2, 2), affine=np.eye(4))
    image.meta["original_affine"] = affine
    return image


def test_a_label_map_goes_through_as_it_is() -> None:
    labels = torch.tensor([0.0, 1.0, 2.0, 2.0]).reshape(1, 2, 2, 1)
    assert torch.equal(OneLabeld("pred", classes=3)({"pred": labels})["pred"], labels)


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (torch.zeros(3, 2, 2, 2), "gives 3 channels"),
        (torch.full((1, 2, 2, 2), 0.25), "the value 0.25; its classes are 0 to 2"),
        (torch.full((1, 2, 2, 2), 3.0), "the value 3;"),
        (torch.full((1, 2, 2, 2), -1.0), "the value -1;"),
        (torch.full((1, 2, 2, 2), float("nan")), "the value nan;"),
    ],
)
def test_what_is_no_label_map_of_the_classes_is_refused(labels: torch.Tensor, reason: str) -> None:
    with pytest.raises(InferenceError, match=reason):
        OneLabeld(["pred"], classes=3)({"pred": labels})


def test_a_map_that_lies_turned_on_the_scan_is_refused() -> None:
    labels = MetaTensor(torch.zeros(1, 2, 2, 2), affine=np.eye(4))
    step = OneLabeld("pred", classes=2)
    assert step({"pred": labels, "image": _image(np.eye(4))})["pred"] is labels
    with pytest.raises(InferenceError, match="Invertd must undo"):
        step({"pred": labels, "image": _image(_TURNED)})

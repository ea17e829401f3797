import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from monai.inferers import SlidingWindowInferer
from monai.metrics import DiceMetric
from torch import nn

from medseg.core.labels import Label, LabelSet
from medseg.engine.device import Precision
from medseg.engine.distributed import World
from medseg.engine.scoring import mean_scored, predict_classes, score_network, score_study

LABELS = LabelSet((Label("core", 1), Label("rim", 2)))
REGIONS = LabelSet(LABELS.labels, {"whole": ("core", "rim"), "core": ("core",)})
CPU = torch.device("cpu")
FP32 = Precision("fp32", "cpu")


class Rounding(nn.Module):
    """Calls a voxel by its rounded intensity; right wherever the noise is below a half."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.cat([-((image - index) ** 2) for index in range(3)], dim=1)


def score(studies, labels: LabelSet = LABELS, world: World | None = None) -> dict[str, float]:
    return score_network(
        Rounding(),
        studies,
        inferer=SlidingWindowInferer(8, overlap=0.5),
        labels=labels,
        device=CPU,
        precision=FP32,
        world=world or World(),
    )


def test_a_study_is_scored_per_label_or_per_region() -> None:
    prediction, reference = np.array([[[1, 1, 2, 0]]], np.uint8), np.array([[[1, 2, 2, 0]]], np.uint8)
    assert score_study(prediction, reference, LABELS) == pytest.approx({"core": 2 / 3, "rim": 2 / 3})
    assert score_study(prediction, reference, REGIONS) == pytest.approx({"whole": 1.0, "core": 2 / 3})


def test_what_both_maps_lack_is_not_scored() -> None:
    nothing = np.zeros((2, 2, 2), np.uint8)
    one = nothing.copy()
    one[0, 0, 0] = 1
    scores = score_study(one, one, LABELS)
    assert scores["core"] == 1.0
    assert math.isnan(scores["rim"])
    assert score_study(one, nothing, LABELS)["core"] == 0.0


def test_a_mean_leaves_out_what_was_not_scored() -> None:
    assert mean_scored([0.5, math.nan, 1.0]) == 0.75
    assert math.isnan(mean_scored([math.nan]))
    assert math.isnan(mean_scored([]))


def test_logits_come_back_at_full_size_in_fp32(tiny: SimpleNamespace) -> None:
    image = torch.from_numpy(tiny.study(0).image)
    network = Rounding().train()
    logits = predict_classes(
        image, network, SlidingWindowInferer(8, overlap=0.5), device=CPU, precision=Precision("bf16", "cpu")
    )
    assert (logits.shape, logits.dtype) == ((3, 12, 12, 12), torch.float32)
    assert not network.training


def test_a_network_is_scored_as_monai_scores_it(tiny: SimpleNamespace) -> None:
    studies = [tiny.study(n) for n in range(3)]
    metric = DiceMetric(include_background=False, reduction="mean_batch", num_classes=3)
    for study in studies:
        prediction = np.clip(np.round(study.image[0]), 0, 2)
        metric(torch.from_numpy(prediction)[None, None], torch.from_numpy(study.label)[None, None])
    assert list(score(studies).values()) == pytest.approx(metric.aggregate().tolist(), abs=1e-5)


def test_a_label_that_occurs_nowhere_has_no_mean(tiny: SimpleNamespace) -> None:
    study = tiny.study(0)
    empty = type(study)("E", np.zeros_like(study.image), np.zeros_like(study.label), {}, study.spacing_mm)
    assert all(math.isnan(value) for value in score([empty]).values())
    assert score([empty, study]) == pytest.approx(score([study]))


def test_ranks_share_the_studies(tiny: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    from medseg.engine import scoring

    studies, parts = [tiny.study(n) for n in range(3)], []
    monkeypatch.setattr(scoring, "gather", lambda value, _: parts.append(value) or parts)
    score(studies, world=World(0, 2))
    together = score(studies, world=World(1, 2))
    assert [sorted(part) for part in parts] == [["S0", "S2"], ["S1"]]
    monkeypatch.undo()
    assert together == score(studies)

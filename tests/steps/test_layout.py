import dataclasses
from pathlib import Path

import pytest
import torch

from medseg.bundle.read import Bundle
from medseg.core.recipe import Recipe
from medseg.engine.device import Precision
from medseg.engine.distributed import World
from medseg.steps import layout
from medseg.steps.request import TrainRequest, resolve_recipe

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


class Chooser:
    """Chooses with a probe that gives what it is told and counts how often it is asked."""

    def __init__(self, bundle: Bundle, memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bundle, self.memory, self.says, self.probes = bundle, memory, True, 0
        self.recipe = resolve_recipe(bundle, TrainRequest(bundle="")).recipe
        monkeypatch.setattr(layout, "is_faster_channels_last", self._probe)

    def _probe(self, *_: object, **__: object) -> bool:
        self.probes += 1
        return self.says

    def __call__(self, asked: str = "auto", *, device: torch.device = CPU, batch: int = 2) -> bool:
        return layout.choose_layout(
            torch.nn.Identity(),
            self.bundle,
            self._asking(asked, batch),
            device=device,
            precision=Precision("fp32", device.type),
            world=World(),
            memory=self.memory,
        )

    def _asking(self, asked: str, batch: int) -> Recipe:
        engine = dataclasses.replace(self.recipe.engine, channels_last=asked)
        return dataclasses.replace(
            self.recipe, engine=engine, sampling=dataclasses.replace(self.recipe.sampling, batch=batch)
        )


@pytest.fixture
def choose(hippocampus: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Chooser:
    return Chooser(hippocampus, tmp_path / "cache" / "layouts.json", monkeypatch)


def test_what_the_recipe_says_is_done_without_a_probe(choose: Chooser) -> None:
    assert choose("yes")
    assert not choose("no")
    assert choose.probes == 0


def test_a_gpu_is_not_probed(choose: Chooser) -> None:
    assert choose(device=CUDA)
    assert choose.probes == 0


def test_the_first_answer_stays_although_a_later_probe_would_differ(choose: Chooser) -> None:
    assert choose()
    choose.says = False
    assert choose()
    assert choose.probes == 1


def test_another_batch_is_another_question(choose: Chooser) -> None:
    assert choose(batch=2)
    choose.says = False
    assert not choose(batch=3)
    assert choose.probes == 2


@pytest.mark.parametrize("text", ["{", "[]", "\xff"])
def test_a_damaged_memory_is_measured_over(choose: Chooser, text: str) -> None:
    choose.memory.parent.mkdir()
    choose.memory.write_text(text, encoding="latin-1")
    assert [choose(), choose()] == [True, True]
    assert choose.probes == 1


def test_a_memory_that_cannot_be_written_is_done_without(choose: Chooser) -> None:
    choose.memory.parent.write_text("a file where the folder should be")
    assert [choose(), choose()] == [True, True]
    assert choose.probes == 2

"""Build what a bundle trains and segments with, and refuse what does not fit together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from monai.inferers import Inferer
from monai.transforms import Compose

from medseg.bundle.build import build_inferer, build_network, build_preprocessing
from medseg.bundle.read import Bundle
from medseg.core.errors import ConfigError, DatalistError
from medseg.core.recipe import Recipe
from medseg.engine.device import Precision
from medseg.engine.distributed import World
from medseg.engine.inference import Predictor
from medseg.engine.learner import Learner
from medseg.engine.scoring import mean_per_name, score_each
from medseg.steps.layout import choose_layout
from medseg.steps.predictors import build_predictor, plain
from medseg.transforms.prepared import Prepared

PICTURE_AXIS = 2  # pictures are volumes (C, I, J, 1)


@dataclass(frozen=True)
class Parts:
    """What a bundle builds to train and to segment with.

    Attributes:
        bundle: Names labels.
        learner: With a fresh network.
        preprocessing: Chain behind LoadImaged.
        inferer: Window.
    """

    bundle: Bundle
    learner: Learner
    preprocessing: Compose
    inferer: Inferer

    def validate(self, studies: Sequence[Prepared]) -> dict[str, float]:
        """Mean Dice per scored name of the judged network."""
        return mean_per_name(self.score_each(studies, world=self.learner.world), self.bundle.labels)

    def score_each(self, studies: Sequence[Prepared], *, world: World) -> dict[str, dict[str, float]]:
        """Study id to Dice per scored name of the judged network; these processes share the studies."""
        learner = self.learner
        return score_each(
            learner.judged,
            studies,
            inferer=self.inferer,
            labels=self.bundle.labels,
            device=learner.device,
            precision=learner.precision,
            world=world,
        )

    def predictor(self) -> Predictor:
        """The judged network as it will be shipped: fp32, with the bundle's whole chain."""
        device = self.learner.device
        mode = plain(Precision("fp32", device.type))
        return build_predictor([self.bundle], [self.learner.judged], device=device, mode=mode, exact=True)


def build_parts(
    bundle: Bundle,
    recipe: Recipe,
    *,
    device: torch.device,
    precision: Precision,
    world: World,
    layouts: Path,
    channels_last: bool | None = None,
) -> Parts:
    """Network, chain and window of a bundle, tried on one patch.

    Args:
        bundle: What the model is.
        recipe: How it is trained.
        device: Where.
        precision: Of the forward pass.
        world: The processes of the training.
        layouts: File that remembers which memory layout is faster.
        channels_last: Layout of a run that is gone on with; None chooses.

    Raises:
        BundleError: The bundle does not build.
        ConfigError: The patch does not fit the network.
    """
    torch.manual_seed(recipe.seed)  # before the weights are drawn, the same on every rank
    network = build_network(bundle)
    _try_patches(network, bundle, recipe)
    if channels_last is None:
        channels_last = choose_layout(
            network, bundle, recipe, device=device, precision=precision, world=world, memory=layouts
        )
    learner = Learner(network, recipe, device=device, precision=precision, channels_last=channels_last, world=world)
    return Parts(bundle, learner, build_preprocessing(bundle), build_inferer(bundle))


def _slice_axis(bundle: Bundle) -> int:
    """The axis that a 2D network does not see: the last of pictures, for volumes as the inferer says."""
    return PICTURE_AXIS if bundle.takes_pictures else int(bundle.inference["inferer"].get("spatial_dim", 0))


def _try_patches(network: torch.nn.Module, bundle: Bundle, recipe: Recipe) -> None:
    _try_patch(network, bundle, "sampling", recipe.sampling.patch)
    if recipe.curriculum.share:
        _try_patch(network, bundle, "curriculum", recipe.curriculum.patch)


def _try_patch(network: torch.nn.Module, bundle: Bundle, part: str, patch: Sequence[int]) -> None:
    shape = [n for n in patch if n > 1]
    sides = len(bundle.metadata["network_data_format"]["inputs"]["image"]["spatial_shape"])
    if len(patch) != 3 or len(shape) != sides:
        raise ConfigError(
            f"{part}.patch {list(patch)} must give one number for each of the 3 axes of a volume, "
            f"{sides} of them above 1: bundle '{bundle.name}' has a {sides}D network."
        )
    inferred = _slice_axis(bundle) if sides == 2 else None
    if inferred is not None and patch.index(1) != inferred:
        raise ConfigError(
            f"{part}.patch {list(patch)} takes slices across axis {patch.index(1)}; the inferer of bundle "
            f"'{bundle.name}' takes them across axis {inferred}. Put the 1 there."
        )
    try:
        network.eval()
        with torch.inference_mode():
            network(torch.zeros(1, len(bundle.channels), *shape))
    except (RuntimeError, ValueError) as error:
        divisor = bundle.metadata["network_data_format"]["inputs"]["image"]["spatial_shape"]
        raise ConfigError(
            f"{part}.patch {list(patch)} does not fit the network "
            f"({str(error).splitlines()[0][:120]}). Bundle '{bundle.name}' takes {' x '.join(str(n) for n in divisor)}."
        ) from None


def check_share(studies: int, recipe: Recipe, world: World) -> None:
    """Raise DatalistError where there are fewer patches an epoch than processes."""
    patches = studies * recipe.sampling.patches_per_study
    if patches < world.size:
        raise DatalistError(
            f"{studies} training studies give {patches} patches an epoch, fewer than the {world.size} processes. "
            "Start fewer processes or raise sampling.patches_per_study."
        )

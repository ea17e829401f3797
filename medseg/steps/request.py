"""What a user asks of a training, and the recipe that follows from it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from medseg.bundle.read import Bundle
from medseg.bundle.trust import Trust
from medseg.core.errors import ConfigError
from medseg.recipe.layers import Layer, Resolved, flatten, parse_settings, resolve
from medseg.recipe.yaml_file import read_yaml

PHANTOM_BUDGET_MIN = 5.0  # without data there is nothing to learn that takes longer
PHANTOM_LAYER = "phantom cohort"  # where that value comes from


@dataclass(frozen=True)
class TrainRequest:
    """What to train, on what, how, and where the result goes.

    Attributes:
        bundle: Name, folder, zip or run.
        data: Folder or datalist; None trains on a phantom cohort.
        output: Folder of all runs.
        name: Of the run; None takes the time.
        config: YAML files over the bundle's recipe.
        settings: "key=value" texts over these.
        fold: Which of the folds is held out; None holds no one out.
        folds: Number of folds, in place of the recipe's.
        epochs: Length of the run; wins over the bundle's.
        budget_min: Length of the whole command, in minutes.
        seed: Of split, weights and every draw.
        precision: fp32, bf16, fp16 or auto.
        device: auto, cpu, cuda, cuda:N or mps.
        workers: Processes that prepare batches; None chooses.
        cache: Where prepared studies are kept: auto, memory or disk.
        cache_dir: Folder of the disk cache; None takes the user's.
        tracking: Whether to use MLflow.
        tracking_uri: Address of MLflow; None takes the environment's or a database in ``output``.
        experiment: Name in MLflow; None takes the bundle's.
        keep_memory: Whether the C library keeps freed memory.
        score_holdout: Whether the hold-out is scored at the end; where not, the validation studies are, one by one:
            recipes are compared on these, and a hold-out that chose between them would no longer be one.
        holdout_passes: Times that a budget has to last for segmenting the hold-out; more in a run that is a part of
            another one, which needs it again.
        within: Folder of the run or search that this run is a part of; None makes it in ``output/<bundle>``.
        mlflow_parent: MLflow's id of the run that this one is a part of.
        key: Public key that must have signed the bundle.
    """

    bundle: str
    data: Path | None = None
    output: Path = Path("runs")
    name: str | None = None
    config: tuple[Path, ...] = ()
    settings: tuple[str, ...] = ()
    fold: int | None = 0
    folds: int | None = None
    epochs: int | None = None
    budget_min: float | None = None
    seed: int | None = None
    precision: str | None = None
    device: str = "auto"
    workers: int | None = None
    cache: str = "auto"
    cache_dir: Path | None = None
    tracking: bool = True
    tracking_uri: str | None = None
    experiment: str | None = None
    keep_memory: bool = True
    score_holdout: bool = True
    holdout_passes: int = 1
    within: Path | None = None
    mlflow_parent: str | None = None
    key: str | None = None

    @property
    def trust(self) -> Trust:
        """What is said of the bundle."""
        return Trust(self.key, registry=self.tracking_uri)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for run.json; paths absolute, so that a resume works from any folder."""
        return {key: _plain(value) for key, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TrainRequest:
        """The request that ``as_dict`` wrote; what it does not know is left out."""
        known = {item.name for item in fields(cls)}
        request = {key: value for key, value in values.items() if key in known}
        for key in ("data", "output", "cache_dir", "within"):
            request[key] = None if request.get(key) is None else Path(request[key])
        request["config"] = tuple(Path(path) for path in request.get("config", ()))
        request["settings"] = tuple(request.get("settings", ()))
        return cls(**request)


def resolve_recipe(bundle: Bundle, request: TrainRequest) -> Resolved:
    """The recipe of a request: bundle, then config files, then flags and --set.

    Raises:
        ConfigError: The bundle has no train.yaml, or a value is unknown, missing or unfit.
        UsageError: A --set is wrong.
    """
    if bundle.train_values is None:
        raise ConfigError(f"Bundle '{bundle.name}' has no configs/train.yaml: it can segment, but not be trained.")
    asked = [Layer(str(path), flatten(read_yaml(path))) for path in request.config]
    asked += [Layer("command line", _flags(request)), parse_settings(request.settings)]
    layers = [Layer("bundle", bundle.train_values)]
    if request.data is None and not any(key.startswith("length.") for layer in asked for key in layer.values):
        layers.append(Layer(PHANTOM_LAYER, {"length.budget_min": PHANTOM_BUDGET_MIN}))
    return resolve([*layers, *asked], f"Bundle '{bundle.name}', recipe")


def _flags(request: TrainRequest) -> dict[str, Any]:
    flags: dict[str, Any] = {}
    if request.epochs is not None:
        flags |= {"length.epochs": request.epochs, "length.budget_min": None}
    if request.budget_min is not None:
        flags["length.budget_min"] = request.budget_min
    if request.folds is not None:
        flags["split.folds"] = request.folds
    if request.seed is not None:
        flags["seed"] = request.seed
    if request.precision is not None:
        flags["engine.precision"] = request.precision
    return flags


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value.absolute())
    return [_plain(item) for item in value] if isinstance(value, tuple) else value

"""Read a bundle's files into plain values, all faults at once, without importing torch."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medseg.bundle.contract import contract_faults
from medseg.bundle.find import METADATA
from medseg.bundle.label_codes import label_codes_of
from medseg.bundle.results import KEY as RESULTS
from medseg.bundle.safety import safety_faults
from medseg.bundle.scoring import Scoring, scoring_of, scoring_of_classes
from medseg.bundle.series import series_rules_of
from medseg.bundle.split_file import SPLIT, split_faults
from medseg.core.coding import CodedLabel
from medseg.core.errors import BundleError, ConfigError, raise_faults
from medseg.core.files import digest_of, digest_of_file
from medseg.core.labels import LabelSet, bare_name
from medseg.core.series_rules import SeriesRules
from medseg.recipe.layers import flatten
from medseg.recipe.yaml_file import read_yaml

PICTURE_READER = "PILReader"  # of MONAI
WEIGHTS = Path("models") / "model.pt"
_INFERENCE_NAMES = ("inference.yaml", "inference.yml", "inference.json")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True)
class Channel:
    """One input channel of the network.

    Attributes:
        name: As the bundle calls it.
        aliases: Other names datasets use for it.
    """

    name: str
    aliases: tuple[str, ...] = ()

    def is_called(self, name: str) -> bool:
        """Whether a dataset's ``name`` means this channel; case, spaces and punctuation do not count."""
        return bare_name(name) in {bare_name(known) for known in (self.name, *self.aliases)}


@dataclass(frozen=True)
class Bundle:
    """What a model is, as its files say.

    Attributes:
        name: Of the model; results and runs are named after it.
        root: Absolute path of its folder.
        version: As in metadata.json.
        channels: Input channels in the network's order.
        scoring: Labels, regions, tolerances and thresholds of evaluate.yaml.
        metadata: Parsed metadata.json.
        inference: Parsed inference.yaml; its four parts are safe to build.
        train_values: Dotted key to value of train.yaml; None where the bundle has none and cannot be trained.
        phantom: Which synthetic cohort stands in for data; None for none.
        series: How series.yaml recognises each channel in a DICOM study; None where the bundle has none.
        coded: Labels and regions that metadata.json gives codes for; ``coded_labels`` tells which are lacking.
        split: Ids of the studies that its weights were trained on and chosen by, as split.json says; None where the
            bundle has none and does not say.
    """

    name: str
    root: Path
    version: str
    channels: tuple[Channel, ...]
    scoring: Scoring
    metadata: Mapping[str, Any]
    inference: Mapping[str, Any]
    train_values: Mapping[str, Any] | None
    phantom: str | None
    series: SeriesRules | None = None
    coded: tuple[CodedLabel, ...] = ()
    split: Mapping[str, Any] | None = None

    @property
    def labels(self) -> LabelSet:
        """Labels in the order of the network's classes, and regions."""
        return self.scoring.labels

    @property
    def takes_pictures(self) -> bool:
        """Whether it is made for pictures (PNG, TIFF), a plane each: its LoadImaged reads them with PILReader."""
        return bool(self.inference["preprocessing"]["transforms"][0].get("reader") == PICTURE_READER)

    @property
    def weights(self) -> Path:
        """Where the trained weights are, or would be."""
        return self.root / WEIGHTS

    @property
    def digest(self) -> str:
        """SHA-256 over the configuration files and the weights, in hexadecimal.

        What it says of results and of who was seen is left out: to know more of a model does not make it another.
        """
        return self._digest_of([self.weights] if self.weights.is_file() else [])

    @property
    def configuration_digest(self) -> str:
        """As ``digest``, without the weights: what a training begins with, since it takes none of them."""
        return self._digest_of([])

    def _digest_of(self, others: Sequence[Path]) -> str:
        files = sorted(path for path in (self.root / "configs").iterdir() if path.is_file() and path.name != SPLIT.name)
        digests = {path.relative_to(self.root).as_posix(): digest_of_file(path) for path in [*files, *others]}
        model = {key: value for key, value in self.metadata.items() if key != RESULTS}
        return digest_of(digests | {METADATA.as_posix(): digest_of(model)})


def read_bundle(root: Path) -> Bundle:
    """Bundle in a folder.

    Args:
        root: Folder that holds configs/metadata.json, as ``find_bundle`` gives it.

    Raises:
        BundleError: Files are missing or unreadable, or say what they may not; every fault is listed.
    """
    root = root.resolve()
    faults: list[str] = []
    metadata = _read(root / "configs" / "metadata.json", faults)
    path = _inference_file(root)
    inference = _read(path, faults)
    evaluate = _read(root / "configs" / "evaluate.yaml", faults, optional=True)
    train = _read(root / "configs" / "train.yaml", faults, optional=True)
    name = _name_of(root, metadata or {})
    faults += [f"configs/{path.name}: {fault}" for fault in _inference_faults(inference)]
    channels, classes = ([], []) if metadata is None else _tensor_names(metadata, faults)
    series = _series_rules(root, channels, faults)
    split = _read(root / SPLIT, faults, optional=True)
    faults += [f"{SPLIT.as_posix()}: {fault}" for fault in split_faults(split)] if split is not None else []
    wrong_before = len(faults)
    scoring = _scoring(evaluate, classes, faults)
    labels_are_right = len(faults) == wrong_before
    coded = _label_codes(metadata or {}, scoring.labels, faults) if labels_are_right else ()
    raise_faults(f"Bundle '{name}' in {root}", faults, BundleError)
    assert metadata is not None  # a missing file is a fault
    assert inference is not None
    aliases = metadata.get("channel_aliases", {})
    return Bundle(
        name=name,
        root=root,
        version=str(metadata["version"]),
        channels=tuple(Channel(channel, tuple(aliases.get(channel, ()))) for channel in channels),
        scoring=scoring,
        metadata=metadata,
        inference=inference,
        train_values=None if train is None else flatten(train),
        phantom=metadata.get("phantom"),
        series=series,
        coded=coded,
        split=split,
    )


def _read(path: Path, faults: list[str], *, optional: bool = False) -> dict[str, Any] | None:
    if not path.is_file():
        if not optional:
            faults.append(f"configs/{path.name}: missing")
        return None
    try:
        return _read_json(path) if path.suffix == ".json" else read_yaml(path)
    except ConfigError as error:
        faults.append(str(error))
        return None


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}: line {error.lineno}: {error.msg}") from None
    except (OSError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: cannot be read as JSON text ({error})") from None
    if not isinstance(value, dict):
        raise ConfigError(f"{path}: holds {type(value).__name__}, not keys and values")
    return value


def _inference_file(root: Path) -> Path:
    paths = [root / "configs" / name for name in _INFERENCE_NAMES]
    return next((path for path in paths if path.is_file()), paths[0])


def _inference_faults(inference: Mapping[str, Any] | None) -> list[str]:
    if inference is None:
        return []
    try:
        return [*contract_faults(inference), *safety_faults(inference)]
    except RecursionError:  # a YAML anchor may hold itself
        return ["a value holds itself; write it out"]


def _name_of(root: Path, metadata: Mapping[str, Any]) -> str:
    name = metadata.get("name")
    return name if isinstance(name, str) and _PLAIN_NAME.fullmatch(name) else root.name


def _tensor_names(metadata: Mapping[str, Any], faults: list[str]) -> tuple[list[str], list[str]]:
    """Names of the input channels and of the output classes, in order."""
    if "version" not in metadata:
        faults.append("configs/metadata.json: version: missing")
    aliases = metadata.get("channel_aliases", {})
    if not isinstance(aliases, dict) or not all(isinstance(names, list) for names in aliases.values()):
        faults.append(f'configs/metadata.json: channel_aliases: {aliases!r}; write {{"t1c": ["t1ce"]}}')
    names = []
    for side, tensor in (("inputs", "image"), ("outputs", "pred")):
        where = f"network_data_format.{side}.{tensor}.channel_def"
        found: Any = metadata
        for key in where.split("."):
            found = found.get(key) if isinstance(found, dict) else None
        if not isinstance(found, dict) or set(found) != {str(n) for n in range(len(found))} or not found:
            faults.append(f'configs/metadata.json: {where}: {found!r}; write {{"0": "first", "1": "second"}}')
            found = {}
        names.append([str(found[str(n)]) for n in range(len(found))])
    return names[0], names[1]


def _scoring(evaluate: Mapping[str, Any] | None, classes: list[str], faults: list[str]) -> Scoring:
    if evaluate is None:
        return scoring_of_classes(classes)
    scoring, wrong = scoring_of(evaluate)
    faults += [f"configs/evaluate.yaml: {fault}" for fault in wrong]
    labels = [label.name for label in scoring.labels.labels]
    if not wrong and classes and labels != classes[1:]:
        faults.append(
            f"configs/evaluate.yaml: labels are {', '.join(labels)}; the network's classes in metadata.json are "
            f"{', '.join(classes)}, background first. Both must name the same in the same order."
        )
    return scoring


def _series_rules(root: Path, channels: list[str], faults: list[str]) -> SeriesRules | None:
    values = _read(root / "configs" / "series.yaml", faults, optional=True)
    if values is None or not channels:
        return None
    rules, wrong = series_rules_of(values, channels)
    faults += [f"configs/series.yaml: {fault}" for fault in wrong]
    return rules


def _label_codes(metadata: Mapping[str, Any], labels: LabelSet, faults: list[str]) -> tuple[CodedLabel, ...]:
    coded, wrong = label_codes_of(metadata, labels)
    faults += [f"configs/metadata.json: {fault}" for fault in wrong]
    return coded

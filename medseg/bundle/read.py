"""Read a bundle's files into plain values, all faults at once, without importing torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medseg.bundle.config_files import ConfigFiles, read_config_files
from medseg.bundle.contract import contract_faults
from medseg.bundle.declared_names import name_of, tensor_names
from medseg.bundle.find import METADATA
from medseg.bundle.foreign import refuse_foreign
from medseg.bundle.label_codes import label_codes_of
from medseg.bundle.results import KEY as RESULTS
from medseg.bundle.safety import safety_faults, stock_line_faults
from medseg.bundle.scoring import Scoring, scoring_of, scoring_of_classes
from medseg.bundle.series import series_rules_of
from medseg.bundle.split_file import SPLIT, split_faults
from medseg.bundle.validity import Validity, read_validity
from medseg.core.coding import CodedLabel
from medseg.core.errors import BundleError, raise_faults
from medseg.core.files import digest_of, digest_of_file
from medseg.core.labels import LabelSet, bare_name
from medseg.core.series_rules import SeriesRules
from medseg.recipe.layers import flatten

if TYPE_CHECKING:
    from medseg.bundle.foreign_model import ForeignModel

PICTURE_READER = "PILReader"  # of MONAI
WEIGHTS = Path("models") / "model.pt"


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
        inference: Parsed inference.yaml; its four parts are safe to build, or were evaluated.
        train_values: Dotted key to value of train.yaml; None where the bundle has none and cannot be trained.
        phantom: Which synthetic cohort stands in for data; None for none.
        series: How series.yaml recognises each channel in a DICOM study; None where the bundle has none.
        coded: Labels and regions that metadata.json gives codes for; ``coded_labels`` tells which are lacking.
        split: Ids of the studies that its weights were trained on and chosen by, as split.json says; None where the
            bundle has none and does not say.
        validity: Which scans it may be used on, as validity.json says; None where the bundle has none. As what it says
            of results, it makes no other model: the digest leaves it out.
        located: Of a foreign bundle that was trusted and evaluated, name to class or function of all that its parts
            name; then they may hold objects too. None where a bundle was read as the plain values it is.
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
    validity: Validity | None = None
    located: Mapping[str, Callable[..., Any]] | None = None

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
        files += [] if self.located is None else sorted(self.root.rglob("*.py"))  # its own code is part of the model
        digests = {path.relative_to(self.root).as_posix(): digest_of_file(path) for path in [*files, *others]}
        model = {key: value for key, value in self.metadata.items() if key != RESULTS}
        return digest_of(digests | {METADATA.as_posix(): digest_of(model)})


def read_bundle(root: Path, *, trusted: bool = False) -> Bundle:
    """Bundle in a folder.

    Args:
        root: Folder that holds configs/metadata.json, as ``find_bundle`` gives it.
        trusted: Whether a foreign bundle, one that is more than plain values and known classes, may run its code to be
            read; what it evaluates is told as a warning first.

    Raises:
        BundleError: Files are missing or unreadable, or say what they may not; every fault is listed.
    """
    root = root.resolve()
    faults: list[str] = []
    files = read_config_files(root, faults)
    name = name_of(root, files.metadata or {})
    title = f"Bundle '{name}' in {root}"
    wrong = _inference_faults(files.inference)
    model = _evaluated(title, root, files) if wrong and trusted else None
    if model is not None:
        metadata, inference = dict(model.metadata), dict(model.inference)
        files, wrong = replace(files, metadata=metadata, inference=inference, evaluate=None, train=None), []
    faults += [f"configs/{files.inference_name}: {fault}" for fault in wrong]
    channels, classes = (model.channels, model.classes) if model else _names(files.metadata, faults)
    series = _series_rules(files.series, channels, faults)
    faults += [f"{SPLIT.as_posix()}: {fault}" for fault in split_faults(files.split)] if files.split is not None else []
    wrong_before = len(faults)
    scoring = _scoring(files.evaluate, classes, faults)
    labels_are_right = len(faults) == wrong_before
    coded = _label_codes(files.metadata or {}, scoring.labels, faults) if labels_are_right else ()
    validity = _validity(root, channels, scoring.labels, faults) if labels_are_right and channels else None
    if wrong and files.inference is not None:
        values = {**files.inference, "_meta_": files.metadata}
        refuse_foreign(title, files.inference_name, values, only_in_short=files.evaluate is not None)
    raise_faults(title, faults, BundleError)
    assert files.metadata is not None  # a missing file is a fault
    assert files.inference is not None
    aliases = files.metadata.get("channel_aliases", {})
    return Bundle(
        name=name,
        root=root,
        version=str(files.metadata["version"]),
        channels=tuple(Channel(channel, tuple(aliases.get(channel, ()))) for channel in channels),
        scoring=scoring,
        metadata=files.metadata,
        inference=files.inference,
        train_values=None if files.train is None else flatten(files.train),
        phantom=files.metadata.get("phantom"),
        series=series,
        coded=coded,
        split=files.split,
        validity=validity,
        located=None if model is None else model.located,
    )


def _evaluated(title: str, root: Path, files: ConfigFiles) -> ForeignModel | None:
    """A foreign bundle as MONAI evaluates it; None where a file of it is missing."""
    if files.metadata is None or files.inference is None:
        return None
    from medseg.bundle.foreign_model import evaluated_model  # imports torch and MONAI

    return evaluated_model(title, root, files.inference_name, files.metadata, files.inference)


def _names(metadata: Mapping[str, Any] | None, faults: list[str]) -> tuple[list[str], list[str]]:
    return ([], []) if metadata is None else tensor_names(metadata, faults)  # that it is missing is a fault already


def _inference_faults(inference: Mapping[str, Any] | None) -> list[str]:
    if inference is None:
        return []
    try:
        return [*contract_faults(inference), *safety_faults(inference), *stock_line_faults(inference)]
    except RecursionError:  # a YAML anchor may hold itself
        return ["a value holds itself; write it out"]


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


def _series_rules(values: Mapping[str, Any] | None, channels: list[str], faults: list[str]) -> SeriesRules | None:
    if values is None or not channels:
        return None
    rules, wrong = series_rules_of(values, channels)
    faults += [f"configs/series.yaml: {fault}" for fault in wrong]
    return rules


def _label_codes(metadata: Mapping[str, Any], labels: LabelSet, faults: list[str]) -> tuple[CodedLabel, ...]:
    coded, wrong = label_codes_of(metadata, labels)
    faults += [f"configs/metadata.json: {fault}" for fault in wrong]
    return coded


def _validity(root: Path, channels: list[str], labels: LabelSet, faults: list[str]) -> Validity | None:
    validity, wrong = read_validity(root, channels=channels, labels=[label.name for label in labels.labels])
    faults += wrong
    return validity

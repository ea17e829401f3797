"""What segments: one bundle, or several whose probabilities are averaged, each perhaps of its mirror images too."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise, zip_longest
from pathlib import Path
from typing import Any

from medseg.bundle.agreement import averaging_faults, disagreements
from medseg.bundle.manifest import MANIFEST
from medseg.bundle.read import Bundle
from medseg.bundle.trust import NOTHING_SAID, Trust
from medseg.core.errors import BundleError, UsageError, raise_faults
from medseg.core.files import digest_of, digest_of_file
from medseg.recipe.yaml_file import read_yaml
from medseg.runs.folder import RunFolder, fold_runs
from medseg.steps.given_bundle import given_bundle
from medseg.steps.unseen import run_of, split_of

FLIP_AXES = "augmentation.flip_axes"
_NAME_LENGTH = 48  # characters; DICOM has room for 64, and "medseg " stands before it


@dataclass(frozen=True)
class Ensemble:
    """Bundles that segment together; often it is one.

    Attributes:
        members: Ordered by digest, so that the order in which they were given changes nothing.
        runs: Folder of the run that made each member; None where it is no run's.
        flip_axes: Axes of the preprocessed volume along which mirror images are averaged too.
    """

    members: tuple[Bundle, ...]
    runs: tuple[Path | None, ...] = ()
    flip_axes: tuple[int, ...] = ()

    @property
    def bundle(self) -> Bundle:
        """What all members share: channels, labels, chains, rules."""
        return self.members[0]

    @property
    def is_plain(self) -> bool:
        """Whether it is one bundle as stock MONAI would run it."""
        return len(self.members) == 1 and not self.flip_axes

    @cached_property
    def splits(self) -> tuple[Mapping[str, Any] | None, ...]:
        """Which studies each member saw; None where no one says.

        Raises:
            FileError: The record of a run cannot be read.
        """
        return tuple(split_of(member, run) for member, run in zip_longest(self.members, self.runs))

    @cached_property
    def digests(self) -> tuple[str, ...]:
        """Of each member; the files are read once."""
        return tuple(member.digest for member in self.members)

    @property
    def digest(self) -> str:
        """SHA-256 that names this very model: that of the bundle, or of all members and the axes together."""
        if self.is_plain:
            return self.digests[0]
        return digest_of({"members": sorted(self.digests), "flip_axes": list(self.flip_axes)})

    @property
    def name(self) -> str:
        """That of the bundle, or such as "5 x hippocampus_unet3d"."""
        if len(self.members) == 1:
            return self.bundle.name
        counts = Counter(sorted(member.name for member in self.members))
        joined = " + ".join(name if count == 1 else f"{count} x {name}" for name, count in counts.items())
        return joined if len(joined) <= _NAME_LENGTH else f"ensemble of {len(self.members)}"

    @property
    def version(self) -> str:
        """Each that occurs."""
        return " + ".join(sorted({member.version for member in self.members}))

    @property
    def parts(self) -> tuple[tuple[str, str], ...]:
        """What it is made of, in words, where it is more than one bundle: ("member 1", "name version sha256 …")."""
        members = zip(self.members, self.digests, strict=True)
        named = [
            (f"member {n}", f"{one.name} {one.version} sha256 {digest}") for n, (one, digest) in enumerate(members, 1)
        ]
        axes = " and ".join(str(axis) for axis in self.flip_axes)
        mirrored = [("mirrored axes", f"{axes} of the preprocessed volume")] if axes else []
        return (*(named if len(named) > 1 else ()), *mirrored)

    def record(self) -> dict[str, Any]:
        """What run.json says of it beside name and digest."""
        members = zip(self.members, self.digests, strict=True)
        told = [
            {"name": one.name, "version": one.version, "digest": digest, **_package(one)} for one, digest in members
        ]
        return {"members": told, "flip_axes": list(self.flip_axes)}


def _package(bundle: Bundle) -> dict[str, str]:
    """Which package a bundle is: by its manifest, which names every byte of it; nothing where it is none."""
    path = bundle.root / MANIFEST
    return {"manifest_sha256": digest_of_file(path)} if path.is_file() else {}


def read_ensemble(given: Sequence[str], *, tta: bool = False, trust: Trust = NOTHING_SAID) -> Ensemble:
    """The bundles a user names, checked to fit together.

    Args:
        given: Names, folders, runs; a cross-validation stands for the runs of its folds.
        tta: Whether mirror images are averaged too, along every axis that all members allow.
        trust: What the command line says of each.

    Raises:
        BundleError: One cannot be read, they do not fit together, or give no softmax that could be averaged.
        FileError: A cross-validation is not finished.
        UsageError: One is given twice, or ``tta`` is asked for and no axis may be mirrored.
    """
    origins = _expanded(given)
    bundles = {text: given_bundle(text, trust) for text in origins}
    raise_faults("These bundles cannot be averaged", disagreements(bundles), BundleError)
    by_digest = sorted(((bundle.digest, text) for text, bundle in bundles.items()))
    for (one, first), (other, second) in pairwise(by_digest):
        if one == other and origins[first] != origins[second]:  # folds trained for a step or two may be alike
            raise UsageError(f"--bundle: '{first}' and '{second}' are the same model; it would count twice. Give one.")
    members = [bundles[text] for _, text in by_digest]
    runs = [run_of(bundles[text], text) for _, text in by_digest]
    model = Ensemble(tuple(members), tuple(runs))
    if tta:
        called = [text for _, text in by_digest]
        model = replace(model, flip_axes=_shared_axes(dict(zip(called, map(axes_of, members, runs), strict=True))))
    if not model.is_plain:
        raise_faults(f"Bundle '{model.bundle.name}' cannot be averaged", averaging_faults(model.bundle), BundleError)
    return model


def check_trained(model: Ensemble) -> None:
    """Refuse members without weights.

    Raises:
        BundleError: One has none.
    """
    for bundle in model.members:
        if not bundle.weights.is_file():
            raise BundleError(
                f"Bundle '{bundle.name}' in {bundle.root} has no trained weights (models/model.pt). "
                f"Train it (python -m medseg.train --bundle {bundle.name} --data DIR) and give its run as --bundle."
            )


def axes_of(bundle: Bundle, run: Path | None) -> frozenset[int]:
    """Axes along which a model's images may be mirrored: where its bundle allows it, and its run was trained so.

    Args:
        bundle: Its train.yaml says where labels stay what they are in a mirror image.
        run: Its config.yaml says what was done; None where the bundle is no run's.
    """
    axes = frozenset((bundle.train_values or {}).get(FLIP_AXES) or ())
    config = None if run is None else RunFolder(run).config
    if config is None or not config.is_file():
        return axes
    section, key = FLIP_AXES.split(".")
    return axes & frozenset((read_yaml(config).get(section) or {}).get(key) or ())


def _expanded(given: Sequence[str]) -> dict[str, str]:
    """Each bundle, to what the user gave for it."""
    pairs = [(text, one) for one in given for text in _folds_of(one) or [one]]
    twice = [text for text, count in Counter(text for text, _ in pairs).items() if count > 1]
    if twice:
        raise UsageError(f"--bundle: '{twice[0]}' is given twice; it would count twice. Give it once.")
    return dict(pairs)


def _folds_of(given: str) -> list[str]:
    path = Path(given).expanduser()
    # os.path, not Path: it answers False where a name is too long for the system.
    return [str(run) for run in fold_runs(path)] if given.strip() and os.path.isfile(path / "run.json") else []


def _shared_axes(allowed: Mapping[str, frozenset[int]]) -> tuple[int, ...]:
    none = [text for text, axes in allowed.items() if not axes]
    if none:
        raise UsageError(
            f"--tta: '{none[0]}' allows no axis to be mirrored ({FLIP_AXES} is empty): a mirror image may exchange "
            "labels that differ along an axis, such as left and right or head and tail. Leave --tta out."
        )
    shared = frozenset.intersection(*allowed.values())
    if not shared:
        raise UsageError("--tta: the bundles allow different axes to be mirrored, and none in common. Leave --tta out.")
    return tuple(sorted(shared))

"""Ways to damage recipes, bundles, weights and runs, and machines that lack something."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import tiny
from damage import Make, Place, Words, copied, cut, train

SMALL_FILES = 48 * 2**10  # bytes a file may have on the "full disk": records fit, weights do not


# Configurations


def config(text: str) -> Make:
    """A training of sound data with a configuration file."""
    return lambda place: train(place, "--config", place.file("mine.yaml", text))


def recipe_without(section: str, key: str) -> Make:
    def change(values: dict[str, Any]) -> None:
        del values[section][key]

    return _edited("train.yaml", change)


def _edited(name: str, change: Callable[[dict[str, Any]], None]) -> Make:
    def make(place: Place) -> Words:
        bundle = place.own_bundle()
        tiny.edit_yaml(bundle / "configs" / name, change)
        return ["train", "--bundle", bundle, "--data", place.cohort]

    return make


def model(change: Callable[[dict[str, Any]], None]) -> Make:
    """A training of a bundle whose inference.yaml was changed."""
    return _edited("inference.yaml", change)


def without(*names: str) -> Make:
    """A training of a bundle that lacks files."""

    def make(place: Place) -> Words:
        bundle = place.own_bundle()
        for name in names:
            (bundle / name).unlink()
        return ["train", "--bundle", bundle, "--data", place.cohort]

    return make


def broken_metadata(place: Place) -> Words:
    bundle = place.own_bundle()
    (bundle / "configs" / "metadata.json").write_text('{"version": "0.1.0",\n}')
    return ["train", "--bundle", bundle, "--data", place.cohort]


# Weights and runs


def weights(change: Callable[[Path], None]) -> Make:
    """An inference with a trained bundle whose models/model.pt was changed."""

    def make(place: Place) -> Words:
        bundle = copied(place.run / "bundle", place.root / "trained")
        change(bundle / "models" / "model.pt")
        return infer(place, bundle)

    return make


def infer(place: Place, bundle: Path | str | None = None, *inputs: Path, bundles: Sequence[Path] = ()) -> Words:
    return ["infer", "--bundle", bundle or place.run, *bundles, "--input", *(inputs or (scan(place),))]


def another_model(place: Place) -> Words:
    """A run, and a copy of its bundle that writes another value for a label and resamples to another grid."""
    configs = copied(place.run / "bundle", place.root / "other") / "configs"
    tiny.edit_yaml(configs / "evaluate.yaml", lambda values: values["labels"]["posterior"].update(value=3))
    steps = "preprocessing"
    tiny.edit_yaml(configs / "inference.yaml", lambda values: values[steps]["transforms"][2].update(pixdim=[2.0] * 3))
    return infer(place, bundles=[configs.parent])


def one_sided(place: Place) -> Words:
    bundle = copied(place.run / "bundle", place.root / "one_sided")
    tiny.edit_yaml(bundle / "configs" / "train.yaml", lambda values: values["augmentation"].update(flip_axes=[]))
    return [*infer(place, bundle), "--tta"]


def unfinished_folds(place: Place) -> Words:
    whole = place.root / "cv"
    copied(place.run, whole / "fold0")
    (whole / "run.json").write_text('{"folds": [{"name": "fold0"}, {"name": "fold1"}]}')
    return infer(place, whole)


def scan(place: Place) -> Path:
    return place.cohort / "imagesTr" / "phantom_000.nii.gz"


def of_another_network(path: Path) -> None:
    import torch

    torch.save(torch.nn.Linear(2, 2).state_dict(), path)


def with_code(path: Path) -> None:
    import torch

    torch.save({"weight": Path}, path)  # a class: loading it would import what it names


def same_id(place: Place) -> Words:
    (place.root / "visit2").mkdir()
    shutil.copy(scan(place), place.root / "visit2")
    return infer(place, None, scan(place), place.root / "visit2" / scan(place).name)


def onto_inputs(place: Place) -> Words:
    place.out.mkdir()
    shutil.copy(scan(place), place.out)
    return infer(place, None, place.out / scan(place).name)


def one_cut_scan(place: Place) -> Words:
    data = place.data()
    cut(data / "imagesTr" / "phantom_003.nii.gz")
    return infer(place, None, data)


def wrong_channels(place: Place) -> Words:
    bundle = tiny.write_tiny_bundle(place.root / "brats_unet3d", "brats_unet3d")
    return infer(place, tiny.add_random_weights(bundle))


def file_in_the_way(verb: Callable[[Place], Words]) -> Make:
    def make(place: Place) -> Words:
        place.file("out", "a letter")
        return verb(place)

    return make


def name_taken(place: Place) -> Words:
    folder = place.out / "hippocampus_unet3d" / "first"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("{}")
    return train(place, "--name", "first")


def interrupted(change: Callable[[Path], None]) -> Make:
    """A resume of a run that says it was interrupted, after a change."""

    def make(place: Place) -> Words:
        run = place.own_run()
        record = json.loads((run / "run.json").read_text())
        record["request"]["tracking"] = False
        (run / "run.json").write_text(json.dumps({**record, "outcome": "interrupted"}))
        change(run)
        return ["train", "--resume", run]

    return make


def other_digest(run: Path) -> None:
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**record, "data_digest": "0" * 64}))


def plain_folder(place: Place) -> Words:
    return ["train", "--bundle", place.cohort, "--data", place.cohort]


def unfinished_run(place: Place) -> Words:
    (place.root / "run").mkdir()
    place.file("run/run.json", "{}")
    return infer(place, place.root / "run")


# Machines


@contextlib.contextmanager
def full_disk() -> Iterator[None]:
    """No file may grow beyond a few kilobytes: what a full disk or a quota does to the weights."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL_FILES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextlib.contextmanager
def no_cuda() -> Iterator[None]:
    """A machine whose only device is its CPU."""
    import torch

    here = torch.cuda.is_available, torch.backends.mps.is_available
    torch.cuda.is_available = torch.backends.mps.is_available = lambda: False
    try:
        yield
    finally:
        torch.cuda.is_available, torch.backends.mps.is_available = here


@contextlib.contextmanager
def two_processes() -> Iterator[None]:
    """What torchrun tells the first of two processes."""
    os.environ |= {"WORLD_SIZE": "2", "RANK": "0"}
    try:
        yield
    finally:
        del os.environ["WORLD_SIZE"], os.environ["RANK"]


def machine() -> AbstractContextManager[None]:
    """Any machine."""
    return contextlib.nullcontext()

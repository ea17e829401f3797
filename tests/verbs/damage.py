"""Ways to damage scans, label maps and folders; each takes a place of its own and gives a command."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import tiny

Words = list[object]


@dataclass(frozen=True)
class Place:
    """Where one bad input is made.

    Attributes:
        root: An empty folder; results go to root/"out".
        bundle: The tiny bundle without weights.
        run: A finished run of it.
        cohort: The tiny cohort. All three are only to be copied.
    """

    root: Path
    bundle: Path
    run: Path
    cohort: Path

    @property
    def out(self) -> Path:
        return self.root / "out"

    def data(self) -> Path:
        return copied(self.cohort, self.root / "data")

    def own_bundle(self) -> Path:
        return copied(self.bundle, self.root / "hippocampus_unet3d")

    def own_run(self) -> Path:
        return copied(self.run, self.root / "run")

    def file(self, name: str, text: str) -> Path:
        (self.root / name).write_text(text, encoding="utf-8")
        return self.root / name


def copied(source: Path, target: Path) -> Path:
    return Path(shutil.copytree(source, target))


Make = Callable[[Place], Words]


def train(place: Place, *words: object, data: Path | None = None) -> Words:
    return ["train", "--bundle", place.bundle, "--data", data or place.cohort, *words]


def options(*words: object) -> Make:
    """A training of sound data with these words added."""
    return lambda place: train(place, *words)


# Files and headers


def image(change: Callable[[Path], None]) -> Make:
    """A training on data of which one image was changed."""
    return _one_file("imagesTr", change)


def label(change: Callable[[Path], None]) -> Make:
    """A training on data of which one label map was changed."""
    return _one_file("labelsTr", change)


def _one_file(folder: str, change: Callable[[Path], None]) -> Make:
    def make(place: Place) -> Words:
        data = place.data()
        change(data / folder / "phantom_000.nii.gz")
        return train(place, data=data)

    return make


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def content(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(change(path.read_bytes())) and None


def voxels(change: Callable[[Any], Any]) -> Callable[[Path], None]:
    """Change the array of a file; its header is written anew."""

    def apply(path: Path) -> None:
        scan = nibabel.load(path)
        nibabel.save(nibabel.Nifti1Image(change(np.asarray(scan.dataobj)), scan.affine), path)

    return apply


def header(change: Callable[[Any], None]) -> Callable[[Path], None]:
    """Change the header of a file as it is stored, so that nothing repairs it."""

    def apply(path: Path) -> None:
        stored = gzip.decompress(path.read_bytes())
        found = nibabel.Nifti1Header(stored[:348], check=False)
        change(found)
        path.write_bytes(gzip.compress(found.binaryblock + stored[348:]))

    return apply


def with_value(array: Any, value: float) -> Any:
    changed = array.astype(np.float32 if value != int(value) or value != value else array.dtype)
    changed[tuple(n // 2 for n in array.shape)] = value
    return changed


def with_nan(array: Any) -> Any:
    changed = array.astype(np.float32)
    changed[0, 0, :3] = np.nan
    return changed


def no_place(found: Any) -> None:
    found["sform_code"] = found["qform_code"] = 0


def shear(found: Any) -> None:
    found["srow_x"][1] = 0.5
    found["qform_code"] = 0


def move(found: Any) -> None:
    found["srow_x"][3] = found["qoffset_x"] = 5.0


def assign(key: str, index: int, value: float) -> Callable[[Any], None]:
    def change(found: Any) -> None:
        found[key][index] = value

    return change


# Folders


def listing(change: Callable[[dict[str, Any]], None]) -> Make:
    """A training on data whose dataset.json was changed."""

    def make(place: Place) -> Words:
        data = place.data()
        found = json.loads((data / "dataset.json").read_text())
        change(found)
        (data / "dataset.json").write_text(json.dumps(found))
        return train(place, data=data)

    return make


def twice(found: dict[str, Any]) -> None:
    found["training"].append(found["training"][0])


def only(count: int) -> Callable[[dict[str, Any]], None]:
    def change(found: dict[str, Any]) -> None:
        found["training"] = found["training"][:count]

    return change


def three_patients(place: Place) -> Words:
    return [*listing(only(3))(place), "--folds", 2]


def broken_listing(place: Place) -> Words:
    data = place.data()
    (data / "dataset.json").write_text('{"training": [')
    return train(place, data=data)


def other_folder(place: Place) -> Words:
    (place.root / "letters").mkdir()
    place.file("letters/letter.txt", "dear colleague")
    return train(place, data=place.root / "letters")


def masks_folder(place: Place) -> Words:
    data = place.data()
    (data / "dataset.json").unlink()
    (data / "imagesTr").rename(data / "images")
    (data / "labelsTr").rename(data / "masks")
    return train(place, data=data)


def no_labels(place: Place) -> Words:
    data = place.data()
    (data / "dataset.json").unlink()
    shutil.rmtree(data / "labelsTr")
    return train(place, data=data / "imagesTr")


def brats(change: Callable[[Path], None]) -> Make:
    """A training of the shipped brats_unet3d on phantoms in BraTS folders that were changed."""

    def make(place: Place) -> Words:
        data = tiny.write_tiny_cohort(place.root / "brats", "brain_tumour", studies=3, scale=0.3)
        change(data)
        return ["train", "--bundle", "brats_unet3d", "--data", data]

    return make


def mix_generations(data: Path) -> None:
    folder = data / "Phantom_000"
    for old, new in {"t1": "t1n", "t1ce": "t1c", "t2": "t2w", "flair": "t2f", "seg": "seg"}.items():
        (folder / f"Phantom_000_{old}.nii.gz").rename(folder / f"Phantom_000-{new}.nii.gz")

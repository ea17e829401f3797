"""Ways to touch a package, and to ask for one that cannot be; each takes a place of its own and gives a command."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import tiny
from damage import Make, Place, Words, copied

from medseg.bundle.contents import contents_of
from medseg.bundle.manifest import MANIFEST, manifest_text
from medseg.bundle.minisign import SecretKey
from medseg.bundle.minisign_keys import public_text

KEY = SecretKey(b"12345678", b"0" * 32)


def sealed(change: Callable[[Path], None], *words: object) -> Make:
    """A package that was changed after it was sealed, verified."""

    def make(place: Place) -> Words:
        root = _sealed(place)
        change(root)
        return ["verify", "--bundle", root, *words]

    return make


def flip_a_byte(root: Path) -> None:
    path = root / "docs" / "README.md"
    old = path.read_bytes()
    path.write_bytes(bytes([old[0] ^ 1]) + old[1:])


def add_a_file(root: Path) -> None:
    (root / "configs" / "logging.conf").write_text("[loggers]\n", encoding="utf-8")


def unsigned(place: Place) -> Words:
    key = place.file("lab.pub", public_text(KEY.public))
    return ["verify", "--bundle", _sealed(place), "--key", key]


def no_key(place: Place) -> Words:
    return ["verify", "--bundle", _sealed(place), "--key", place.file("lab.pub", "hello\n")]


def no_package(place: Place) -> Words:
    return ["verify", "--bundle", place.run]


def zip_with(name: str, text: str = "{}") -> Make:
    """A zip with one more entry."""

    def make(place: Place) -> Words:
        path = place.root / "model.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("model/configs/metadata.json", "{}")
            archive.writestr(name, text)
        return ["check", "--bundle", path]

    return make


def cut_zip(place: Place) -> Words:
    return ["check", "--bundle", place.file("model.zip", "PK")]


def package(*words: object, run: Callable[[Place], Path] = lambda place: place.run) -> Make:
    return lambda place: ["package", "--run", run(place), "--output", place.root / "model.zip", *words]


def package_again(place: Place) -> Words:
    place.file("model.zip", "an older package")
    return ["package", "--run", place.run, "--output", place.root / "model.zip"]


def without_weights(place: Place) -> Path:
    return place.bundle


def far_from_training(place: Place) -> Words:
    """A scan for a model of larger scans."""
    from medseg.bundle.read import read_bundle
    from medseg.bundle.validity import AXES, LabelLimits, Limits, Validity, write_validity

    root = copied(place.run / "bundle", place.root / "hippocampus_unet3d")
    spacing = dict.fromkeys(AXES, Limits((1.0, 1.0), (0.9, 1.1), (0.5, 2.0)))
    extent = dict.fromkeys(AXES, Limits((200.0, 240.0), (180.0, 264.0), (100.0, 480.0)))
    labels = {label.name: LabelLimits(None, True) for label in read_bundle(root).labels.labels}
    limits = Validity(9, 9, ("MR",), spacing, extent, ("RAS",), False, {"t1": {}}, labels)
    write_validity(root, limits)
    scan = sorted((place.cohort / "imagesTr").glob("*.nii.gz"))[0]
    return ["infer", "--bundle", root, "--input", scan]


def foreign(place: Place) -> Words:
    """A bundle in the shape of MONAI's model zoo."""
    root = place.own_bundle()
    tiny.edit_yaml(root / "configs" / "inference.yaml", _as_in_the_zoo)
    (root / "configs" / "evaluate.yaml").unlink()
    return ["check", "--bundle", root]


def _as_in_the_zoo(values: dict) -> None:
    steps = values["preprocessing"]["transforms"]
    steps[2]["pixdim"] = "$[1.0] * 3"


def _sealed(place: Place) -> Path:
    root = copied(place.run / "bundle", place.root / "hippocampus_unet3d")
    facts = {"name": root.name, "version": json.loads((root / "configs" / "metadata.json").read_text())["version"]}
    (root / MANIFEST).write_text(manifest_text(contents_of(root), facts), encoding="utf-8")
    return root

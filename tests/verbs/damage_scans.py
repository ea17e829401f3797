"""Ways to spoil a DICOM study or what is said about it; each gives a command."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import clinic
from damage import Make, Place, Words, copied, cut
from damage_models import infer, scan


def study(change: Callable[[Path], object], *words: object) -> Make:
    """An inference on a DICOM study that was changed, with these words added."""

    def make(place: Place) -> Words:
        change(clinic.t1_study(place.root / "study"))
        return [*infer(place, None, place.root / "study"), *words]

    return make


def given(*words: object) -> Make:
    """An inference on a sound DICOM study with these words added."""
    return study(lambda folder: folder, *words)


def on_nifti(*words: object) -> Make:
    """An inference on a NIfTI file with these words added."""
    return lambda place: [*infer(place), *words]


def look(*words: object) -> Make:
    """A check with just these words."""
    return lambda _: ["check", *words]


def look_at(change: Callable[[Path], object]) -> Make:
    """A check of a DICOM study that was changed."""

    def make(place: Place) -> Words:
        change(clinic.t1_study(place.root / "study"))
        return ["check", "--input", place.root / "study"]

    return make


def look_at_cut_nifti(place: Place) -> Words:
    (place.root / "scans").mkdir()
    shutil.copy(scan(place), place.root / "scans")
    cut(place.root / "scans" / scan(place).name)
    return ["check", "--input", place.root / "scans"]


def look_at_nothing(place: Place) -> Words:
    (place.root / "letters").mkdir()
    place.file("letters/letter.txt", "dear colleague")
    return ["check", "--input", place.root / "letters"]


def empty_slice(folder: Path) -> None:
    (folder / "IM0009.dcm").write_bytes(b"")


def cut_slice(folder: Path) -> None:
    path = folder / "IM0009.dcm"
    path.write_bytes(path.read_bytes()[:-300])


def cut_all(folder: Path) -> None:
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes()[:200])


def again(folder: Path) -> None:
    clinic.t1_study(folder / "again", seed=1, SeriesNumber="2")


def two_echoes(folder: Path) -> None:
    shutil.rmtree(folder)
    for seed, echo in enumerate(("2.3", "4.92")):
        clinic.t1_study(folder / echo, seed=seed, EchoTime=echo, SeriesInstanceUID="1.2.3.8")


def long_echo(folder: Path) -> None:
    shutil.rmtree(folder)
    clinic.t1_study(folder, EchoTime="90")


def two_slices(folder: Path) -> None:
    for path in sorted(folder.iterdir())[2:]:
        path.unlink()


def results_only(folder: Path) -> None:
    shutil.rmtree(folder)
    clinic.add_results(folder)


def study_twice(place: Place) -> Words:
    folders = [clinic.t1_study(place.root / name) for name in ("monday", "tuesday")]
    return infer(place, None, *folders)


def without_codes(place: Place) -> Words:
    bundle = copied(place.run / "bundle", place.root / "trained")
    path = bundle / "configs" / "metadata.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    del values["label_codes"]
    path.write_text(json.dumps(values), encoding="utf-8")
    return [*infer(place, bundle, clinic.t1_study(place.root / "study")), "--format", "dicom-seg"]

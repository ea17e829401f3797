"""The limits of a package: what is on a limit is within it, what was written is read, what is damaged is told."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from medseg.bundle.read import read_bundle
from medseg.bundle.validity import (
    AXES,
    FILE,
    INTENSITIES,
    LARGEST,
    LabelLimits,
    Limits,
    Validity,
    read_validity,
    validity_of,
    write_validity,
)
from medseg.core.errors import BundleError

Write = Callable[..., Path]
NAMES: dict[str, Any] = {"channels": ["t1"], "labels": ["core", "rim"]}
LENGTH = Limits((1.0, 1.5), (0.9, 1.65), (0.5, 3.0))
VALIDITY = Validity(
    studies=3,
    patients=2,
    modality=("MR",),
    spacing_mm=dict.fromkeys(AXES, LENGTH),
    extent_mm=dict.fromkeys(AXES, replace(LENGTH, refuse=None)),
    orientation=("LPS", "RAS"),
    orientation_matters=True,
    intensity={"t1": dict.fromkeys(INTENSITIES, Limits((-3.5, 1e6)))},
    labels={"core": LabelLimits(Limits((1.0, 2.0), (0.75, 2.5)), False), "rim": LabelLimits(None, True)},
)


@pytest.fixture
def values(tmp_path: Path) -> dict[str, Any]:
    """A parsed validity.json without a fault."""
    parsed: dict[str, Any] = json.loads(write_validity(tmp_path / "made", VALIDITY).read_text())
    return parsed


def _faults(values: dict[str, Any]) -> list[str]:
    validity, faults = validity_of(values, **NAMES)
    assert (validity is None) == bool(faults)
    return faults


# Limits


@pytest.mark.parametrize(
    ("value", "refused", "warned"),
    [(0.5, False, True), (0.499, True, True), (0.9, False, False), (1.65, False, False), (3.0, False, True),
     (3.01, True, True)],
)  # fmt: skip
def test_a_number_on_a_limit_is_within_it(value: float, refused: bool, warned: bool) -> None:
    assert (LENGTH.refuses(value), LENGTH.warns_of(value)) == (refused, warned)


def test_what_float32_makes_of_a_limit_is_within_it() -> None:
    assert not Limits((0.7, 0.7), None, (0.35, 1.4)).refuses(1.4000000238)  # 1.4 as a NIfTI header stores it
    assert not Limits((-0.7, 0.7), (-1.4, 1.4)).warns_of(-1.4000000238)


def test_no_limit_lets_everything_through() -> None:
    assert not Limits((1.0, 1.0)).refuses(1e9)
    assert not Limits((1.0, 1.0)).warns_of(-1e9)


# The file


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write_validity(tmp_path, VALIDITY)
    assert read_validity(tmp_path, **NAMES) == (VALIDITY, [])


def test_no_file_is_no_validity_and_no_fault(tmp_path: Path) -> None:
    assert read_validity(tmp_path, **NAMES) == (None, [])


def test_a_limit_stands_on_one_line_that_a_person_can_change(tmp_path: Path) -> None:
    text = write_validity(tmp_path, VALIDITY).read_text()
    assert '"top": {"seen": [1.0, 1.5], "warn": [0.9, 1.65], "refuse": [0.5, 3.0]}\n' in text
    assert '  "modality": ["MR"],\n' in text
    (tmp_path / FILE).write_text(text.replace("[0.5, 3.0]", "[0.25, 6]"))
    changed, faults = read_validity(tmp_path, **NAMES)
    assert faults == []
    assert changed is not None
    assert changed.spacing_mm["top"].refuse == (0.25, 6.0)


def test_a_picture_bundle_has_no_lengths(tmp_path: Path) -> None:
    flat = replace(VALIDITY, spacing_mm={}, extent_mm={}, orientation=(), orientation_matters=False, modality=())
    write_validity(tmp_path, flat)
    assert read_validity(tmp_path, **NAMES) == (flat, [])


def test_a_channel_that_showed_nothing_has_no_limits(tmp_path: Path) -> None:
    blind = replace(VALIDITY, intensity={"t1": {}})
    write_validity(tmp_path, blind)
    assert read_validity(tmp_path, **NAMES) == (blind, [])


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("studies",), 0, "studies: 0; write a whole number above 0"),
        (("studies",), True, "studies: True"),
        (("patients",), "two", "patients: 'two'"),
        (("modality",), "MR", "modality: 'MR'; write texts in a list"),
        (("modality",), [1], r"modality: \[1\]"),
        (("orientation",), [], r"orientation: \[\]; write keys and values: seen, warn"),
        (("orientation", "warn"), 1, "orientation.warn: 1; write true or false"),
        (("spacing_mm",), [], r"spacing_mm: \[\]; write keys and values: front, right, top"),
        (("spacing_mm", "up"), {}, "spacing_mm: 'up' is unknown; known are front, right, top"),
        (("spacing_mm", "top"), 1.0, "spacing_mm.top: 1.0; write keys and values"),
        (("spacing_mm", "top", "seen"), None, r"spacing_mm.top.seen: None; write \[lowest, highest\]"),
        (("spacing_mm", "top", "refuse"), [3.0, 0.5], r"spacing_mm.top.refuse: \[3.0, 0.5\]; write"),
        (("spacing_mm", "top", "refuse"), [0.5], r"spacing_mm.top.refuse: \[0.5\]"),
        (("spacing_mm", "top", "refuse"), [0.5, float("nan")], r"refuse: \[0.5, nan\]"),
        (("spacing_mm", "top", "refuse"), [0.5, float("inf")], r"refuse: \[0.5, inf\]"),
        (("spacing_mm", "top", "refuse"), [0.5, 10**400], r"refuse: \[0.5, 1000"),
        (("spacing_mm", "top", "refuse"), [0.5, True], r"refuse: \[0.5, True\]"),
        (("spacing_mm", "top", "refuse"), ["0.5", "3"], r"refuse: \['0.5', '3'\]"),
        (("extent_mm", "top", "forbid"), [0, 1], "extent_mm.top: 'forbid' is unknown; known are refuse, seen, warn"),
        (("intensity",), {}, "intensity: 't1' is missing"),
        (("intensity", "t9"), None, "intensity: 't9' is unknown; known are t1"),
        (("intensity", "t1"), [1, 2], r"intensity.t1: \[1, 2\]"),
        (("intensity", "t1", "p50"), {"seen": [0, 1]}, "intensity.t1.p50: 'warn' is missing"),
        (("labels", "tumour"), {}, "labels: 'tumour' is unknown; known are core, rim"),
        (("labels", "core"), None, "labels.core: None; write keys and values: may_be_absent, volume_ml"),
        (("labels", "core", "may_be_absent"), None, "labels.core.may_be_absent: None; write true or false"),
        (("labels", "core", "volume_ml", "seen"), [[]], r"labels.core.volume_ml.seen: \[\[\]\]"),
        (("format",), 2, "format: 2; this medseg reads 1"),
        (("comment",), "?", "the file: 'comment' is unknown"),
    ],
)
def test_a_fault_names_its_place_and_value(
    values: dict[str, Any], path: tuple[str, ...], value: Any, says: str
) -> None:
    assert _faults(values) == []
    place = values
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    (fault,) = _faults(values)
    assert re.search(says, fault)


@pytest.mark.parametrize("key", ["studies", "modality", "spacing_mm", "orientation", "intensity", "labels"])
def test_a_missing_key_is_named(values: dict[str, Any], key: str) -> None:
    del values[key]
    assert _faults(values) == [f"the file: '{key}' is missing"]


def test_all_faults_are_told_at_once(values: dict[str, Any]) -> None:
    values["studies"] = -1
    values["spacing_mm"]["top"]["warn"] = [2, 1]
    values["labels"]["rim"]["may_be_absent"] = "yes"
    assert len(_faults(values)) == 3


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "7",
        "null",
        '{"format": 1}',
        '{"format": 1, "format": 1}',
        '{"format": ' + "9" * 5000 + "}",
        "[" * 100_000,
        '{"format": 1, "labels": ' + "[" * 900 + "]" * 900 + "}",
        " " * (LARGEST + 1),
    ],
    ids=["empty", "torn", "list", "number", "null", "bare", "double", "many digits", "deep", "nested", "large"],
)
def test_a_damaged_file_is_a_fault_of_the_bundle(write_bundle: Write, text: str) -> None:
    root = write_bundle()
    (root / FILE).write_text(text)
    with pytest.raises(BundleError, match=r"faults?\n  .*validity\.json: "):
        read_bundle(root)


def test_bytes_that_are_no_text_and_links_that_lead_nowhere_are_faults(write_bundle: Write) -> None:
    root = write_bundle()
    (root / FILE).write_bytes(b"\xff\xfe\x00{")
    with pytest.raises(BundleError, match=r"validity.json: cannot be read as JSON text"):
        read_bundle(root)
    (root / FILE).unlink()
    (root / FILE).symlink_to(root / "nowhere.json")
    with pytest.raises(BundleError, match=r"validity.json: cannot be read"):
        read_bundle(root)


# The bundle


def test_a_bundle_holds_its_validity_and_stays_the_model_it_was(write_bundle: Write) -> None:
    root = write_bundle()
    before = read_bundle(root)
    write_validity(root, VALIDITY)
    after = read_bundle(root)
    assert (before.validity, after.validity) == (None, VALIDITY)
    assert (after.digest, after.configuration_digest) == (before.digest, before.configuration_digest)


def test_it_is_read_without_torch(write_bundle: Write) -> None:
    root = write_bundle()
    write_validity(root, VALIDITY)
    program = (
        "import sys; from pathlib import Path; from medseg.bundle.read import read_bundle; "
        f"assert read_bundle(Path({str(root)!r})).validity.studies == 3; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)

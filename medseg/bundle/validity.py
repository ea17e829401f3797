"""The validity.json of a package: which scans its model may be used on, as its training studies show.

Every limit stands in the file, so that whoever packs a model can read it, and change it, before signing. ``null`` in
place of a range is no limit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from medseg.bundle.json_file import read_json
from medseg.core.errors import ConfigError
from medseg.core.files import write_text

FILE = "validity.json"  # at the bundle's root
FORMAT = 1
LARGEST = 1 << 20  # bytes; one of 20 channels and 200 labels has a twentieth of it
AXES = ("right", "front", "top")  # of the patient; the first letters of RAS+ in words
INTENSITIES = ("p0.5", "p50", "p99.5", "median_position")
# Headers keep spacings as float32 or in a few digits, and the file keeps six: a scan on a limit is within it.
TOLERANCE = 1e-4  # of the larger end of a range
_FINITE = 1e300
_ABOUT = (
    "Which scans this model may be used on. seen: lowest and highest of the training studies. A scan outside of refuse "
    "is not segmented; outside of warn it is, with a warning. null: no limit."
)
_KEYS = (
    *("about", "format", "studies", "patients", "modality"),
    *("spacing_mm", "extent_mm", "orientation", "intensity", "labels"),
)

Span = tuple[float, float]
T = TypeVar("T")


@dataclass(frozen=True)
class Limits:
    """Between what a number should lie.

    Attributes:
        seen: Lowest and highest of the training studies.
        warn: Outside of it a scan is warned of; None for no limit.
        refuse: Outside of it a scan is refused; None for no limit.
    """

    seen: Span
    warn: Span | None = None
    refuse: Span | None = None

    def refuses(self, value: float) -> bool:
        """Whether a scan with this number is refused; one on the limit is not."""
        return _is_outside(value, self.refuse)

    def warns_of(self, value: float) -> bool:
        """Whether a scan with this number is warned of; one on the limit is not."""
        return _is_outside(value, self.warn)


@dataclass(frozen=True)
class LabelLimits:
    """What is expected of a label in a result.

    Attributes:
        volume_ml: Of studies that have it; None where that was not measured.
        may_be_absent: A training study was without it, so that its absence is no surprise.
    """

    volume_ml: Limits | None
    may_be_absent: bool


@dataclass(frozen=True)
class Validity:
    """What a model was trained on, and how far from it a scan may be.

    Attributes:
        studies: How many were measured.
        patients: Of how many.
        modality: Those seen, as DICOM writes them; empty where unknown, and then it is not checked.
        spacing_mm: Each of ``AXES`` to limits; empty for pictures, which have no millimetres.
        extent_mm: Voxels times spacing along each of ``AXES``; empty for pictures.
        orientation: Stored directions of the voxel axes that were seen, for example "RAS".
        orientation_matters: Whether another one is warned of: a chain that turns all scans alike makes them equal.
        intensity: Channel to each of ``INTENSITIES`` to limits; empty for a channel that showed nothing.
        labels: Label to what is expected of it.
    """

    studies: int
    patients: int
    modality: tuple[str, ...]
    spacing_mm: Mapping[str, Limits]
    extent_mm: Mapping[str, Limits]
    orientation: tuple[str, ...]
    orientation_matters: bool
    intensity: Mapping[str, Mapping[str, Limits]]
    labels: Mapping[str, LabelLimits]


def read_validity(root: Path, *, channels: Sequence[str], labels: Sequence[str]) -> tuple[Validity | None, list[str]]:
    """The validity of a bundle, and what is wrong with its file.

    Args:
        root: Of the bundle.
        channels: Of the bundle; the file must name each.
        labels: Of the bundle; the file must name each.

    Returns:
        None where there is no file or it has a fault; every fault in one sentence.
    """
    path = root / FILE
    if not path.exists() and not path.is_symlink():  # one that leads nowhere is a damaged file, not an absent one
        return None, []
    try:
        size = path.stat().st_size
        if size > LARGEST:
            return None, [f"{FILE}: {size} bytes; a file of limits has at most {LARGEST}"]
        validity, faults = validity_of(read_json(path), channels=channels, labels=labels)
    except ConfigError as error:
        return None, [str(error)]
    except (OSError, RecursionError) as error:
        return None, [f"{FILE}: cannot be read as JSON text ({error!s:.200})"]
    return validity, [f"{FILE}: {fault}" for fault in faults]


def write_validity(root: Path, validity: Validity) -> Path:
    """Write validity.json to a bundle; gives its path.

    Raises:
        OutputError: The folder cannot be written.
    """
    text = json.dumps(_plain(validity), indent=2, ensure_ascii=False, allow_nan=False)
    for brackets in (r"\[[^\[\]{}]*\]", r"\{[^{}]*\}"):  # what holds nothing nested goes on one line
        text = re.sub(brackets, lambda found: re.sub(r"(?<=[\[{]) | (?=[\]}])", "", " ".join(found[0].split())), text)
    write_text(root / FILE, text + "\n")
    return root / FILE


def validity_of(
    values: Mapping[str, Any], *, channels: Sequence[str], labels: Sequence[str]
) -> tuple[Validity | None, list[str]]:
    """The validity that a parsed validity.json holds; as ``read_validity``."""
    if values.get("format") != FORMAT:
        return None, [f"format: {values.get('format')!r:.60}; this medseg reads {FORMAT}. Take the medseg it is of"]
    faults: list[str] = []
    given = _keyed(values, "the file", _KEYS, faults)
    if given is None:
        return None, faults
    orientation = _keyed(given["orientation"], "orientation", ("seen", "warn"), faults) or {"seen": [], "warn": False}
    found = Validity(
        studies=_count(given["studies"], "studies", faults),
        patients=_count(given["patients"], "patients", faults),
        modality=_texts(given["modality"], "modality", faults),
        spacing_mm=_along_axes(given["spacing_mm"], "spacing_mm", faults),
        extent_mm=_along_axes(given["extent_mm"], "extent_mm", faults),
        orientation=_texts(orientation["seen"], "orientation.seen", faults),
        orientation_matters=_flag(orientation["warn"], "orientation.warn", faults),
        intensity=_each(given["intensity"], "intensity", channels, _intensity, faults),
        labels=_each(given["labels"], "labels", labels, _label, faults),
    )
    return (None if faults else found), faults


def _is_outside(value: float, span: Span | None) -> bool:
    if span is None:
        return False
    slack = TOLERANCE * max(abs(span[0]), abs(span[1]))
    return not span[0] - slack <= value <= span[1] + slack


def _keyed(value: Any, where: str, keys: Iterable[str], faults: list[str]) -> Mapping[str, Any] | None:
    """Keys and values with exactly these keys; None, and a fault, where they are others."""
    wanted = set(keys)
    if not isinstance(value, Mapping):
        faults.append(f"{where}: {value!r:.60}; write keys and values: {', '.join(sorted(wanted))}")
        return None
    lacking, unknown = sorted(wanted - set(value)), sorted(set(value) - wanted)
    faults += [f"{where}: '{key}' is missing" for key in lacking]
    faults += [f"{where}: '{key:.60}' is unknown; known are {', '.join(sorted(wanted))}" for key in unknown]
    return None if lacking or unknown else value


def _each(
    value: Any, where: str, keys: Iterable[str], read: Callable[[Any, str, list[str]], T], faults: list[str]
) -> dict[str, T]:
    given = _keyed(value, where, keys, faults) or {}
    return {key: read(one, f"{where}.{key}", faults) for key, one in given.items()}


def _along_axes(value: Any, where: str, faults: list[str]) -> dict[str, Limits]:
    return {} if value == {} else _each(value, where, AXES, _hard_limits, faults)


def _intensity(value: Any, where: str, faults: list[str]) -> dict[str, Limits]:
    return {} if value is None else _each(value, where, INTENSITIES, _soft_limits, faults)


def _label(value: Any, where: str, faults: list[str]) -> LabelLimits:
    given = _keyed(value, where, ("volume_ml", "may_be_absent"), faults)
    if given is None:
        return LabelLimits(None, may_be_absent=True)
    volume = given["volume_ml"]
    return LabelLimits(
        volume_ml=None if volume is None else _soft_limits(volume, f"{where}.volume_ml", faults),
        may_be_absent=_flag(given["may_be_absent"], f"{where}.may_be_absent", faults),
    )


def _hard_limits(value: Any, where: str, faults: list[str]) -> Limits:
    return _limits(value, where, ("seen", "warn", "refuse"), faults)


def _soft_limits(value: Any, where: str, faults: list[str]) -> Limits:
    return _limits(value, where, ("seen", "warn"), faults)


def _limits(value: Any, where: str, keys: Sequence[str], faults: list[str]) -> Limits:
    given = _keyed(value, where, keys, faults) or dict.fromkeys(keys, (0, 0))
    spans = {
        key: _span(span, f"{where}.{key}", faults) for key, span in given.items() if span is not None or key == "seen"
    }
    return Limits(spans["seen"], spans.get("warn"), spans.get("refuse"))


def _span(value: Any, where: str, faults: list[str]) -> Span:
    if isinstance(value, list | tuple) and len(value) == 2 and all(_is_number(one) for one in value):
        low, high = value
        if low <= high:
            return float(low), float(high)
    faults.append(f"{where}: {value!r:.60}; write [lowest, highest]")
    return 0.0, 0.0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _FINITE  # never nan


def _count(value: Any, where: str, faults: list[str]) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    faults.append(f"{where}: {value!r:.60}; write a whole number above 0")
    return 0


def _texts(value: Any, where: str, faults: list[str]) -> tuple[str, ...]:
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return tuple(value)
    faults.append(f"{where}: {value!r:.60}; write texts in a list")
    return ()


def _flag(value: Any, where: str, faults: list[str]) -> bool:
    if isinstance(value, bool):
        return value
    faults.append(f"{where}: {value!r:.60}; write true or false")
    return False


def _plain(validity: Validity) -> dict[str, Any]:
    """As JSON keeps it, in the order in which it is read."""
    return {
        "about": _ABOUT,
        "format": FORMAT,
        "studies": validity.studies,
        "patients": validity.patients,
        "modality": list(validity.modality),
        "spacing_mm": {axis: _plain_limits(one, hard=True) for axis, one in validity.spacing_mm.items()},
        "extent_mm": {axis: _plain_limits(one, hard=True) for axis, one in validity.extent_mm.items()},
        "orientation": {"seen": list(validity.orientation), "warn": validity.orientation_matters},
        "intensity": {
            channel: {name: _plain_limits(one) for name, one in limits.items()} or None
            for channel, limits in validity.intensity.items()
        },
        "labels": {
            name: {
                "volume_ml": None if one.volume_ml is None else _plain_limits(one.volume_ml),
                "may_be_absent": one.may_be_absent,
            }
            for name, one in validity.labels.items()
        },
    }


def _plain_limits(limits: Limits, *, hard: bool = False) -> dict[str, Any]:
    spans = {"seen": limits.seen, "warn": limits.warn, **({"refuse": limits.refuse} if hard else {})}
    return {key: None if span is None else list(span) for key, span in spans.items()}

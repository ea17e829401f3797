"""The golden study of a package: a small scan and the label map that the model gave where it was packaged."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from medseg.bundle.json_file import read_json
from medseg.core.errors import BundleError
from medseg.core.files import write_json

FOLDER = Path("golden")
FILE = FOLDER / "golden.json"
EXPECTED = FOLDER / "expected.nii.gz"
LEAST_DICE = 0.999  # of each label; in fp32 machines differ in single voxels where two classes are as likely


@dataclass(frozen=True)
class Golden:
    """A golden study.

    Attributes:
        source: Where the scan comes from, in words.
        licence: Under which it may be given away.
        channels: Channel of the bundle to the file of its volume, relative to the bundle.
        expected: File of the label map, written values.
        voxels: Label name to its voxels there.
    """

    source: str
    licence: str
    channels: Mapping[str, str]
    expected: str
    voxels: Mapping[str, int]


def channel_file(n: int) -> Path:
    """Where the volume of channel ``n`` lies; channels have names that need not be names of files."""
    return FOLDER / "input" / f"channel_{n}.nii.gz"


def write_golden(root: Path, golden: Golden) -> None:
    """Write golden.json into a bundle's folder.

    Raises:
        OutputError: It cannot be written.
    """
    write_json(root / FILE, asdict(golden))


def read_golden(root: Path, channels: tuple[str, ...]) -> Golden:
    """Golden study of a bundle.

    Args:
        root: Its folder.
        channels: Names of the bundle's channels.

    Raises:
        BundleError: It has none, or it is damaged.
    """
    if not (root / FILE).is_file():
        raise BundleError(f"Bundle '{root}' has no golden study ({FILE.as_posix()}); `medseg package` makes one.")
    values = read_json(root / FILE)
    if not _is_golden(values, channels):
        raise BundleError(
            f"'{root / FILE}' is no golden study of channels {', '.join(channels)}. Get the bundle again."
        )
    files = [root / name for name in (*values["channels"].values(), values["expected"])]
    outside = [path for path in files if Path(os.path.realpath(root)) not in Path(os.path.realpath(path)).parents]
    if outside:
        raise BundleError(f"'{root / FILE}' names '{outside[0]}', which lies outside of the bundle.")
    return Golden(**{key: values[key] for key in Golden.__dataclass_fields__})


def _is_golden(values: Mapping[str, Any], channels: tuple[str, ...]) -> bool:
    texts = all(isinstance(values.get(key), str) for key in ("source", "licence", "expected"))
    files, voxels = values.get("channels"), values.get("voxels")
    if not texts or not isinstance(files, dict) or not isinstance(voxels, dict):
        return False
    if not all(isinstance(one, str) and one.isprintable() for one in (*files.values(), values["expected"])):
        return False
    return sorted(files) == sorted(channels) and all(isinstance(one, int) for one in voxels.values())

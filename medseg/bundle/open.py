"""From what a user writes after --bundle to the folder of a bundle: found, unpacked, its seal checked."""

from __future__ import annotations

import os
from pathlib import Path

from medseg.bundle.contents import Contents, ZipContents, contents_of
from medseg.bundle.find import find_bundle
from medseg.bundle.manifest import MANIFEST, manifest_digest
from medseg.bundle.seal import check_seal
from medseg.bundle.trust import NOTHING_SAID, Demand, Trust, demands_of
from medseg.bundle.unpack import forget, is_complete, unpacked, unpacked_again
from medseg.core.errors import BundleError
from medseg.core.machine import default_folder

ZIP = ".zip"


def folder_of(text: str, trust: Trust = NOTHING_SAID) -> Path:
    """Folder of the bundle a user means, if it is as it was packaged; its configuration is not read.

    Args:
        text: A bundle's name, its folder, a zip of it, or the folder of a run.
        trust: What the command line says of it.

    Raises:
        BundleError: It is absent, altered, unsafe to unpack, or not signed as demanded.
        UsageError: A key cannot be read.
        ConfigError: A site's file cannot be read.
        OutputError: A zip cannot be unpacked.
    """
    demands, place = demands_of(trust), place_of(text)
    if place.is_file():
        return _unpacked(place, demands)
    if demands or os.path.isfile(place / MANIFEST):
        check_seal(contents_of(place), demands)
    return place


def place_of(text: str) -> Path:
    """Zip or folder of the bundle that a user means; nothing of it is looked at.

    Raises:
        BundleError: As ``find_bundle``.
    """
    path = Path(text).expanduser() if text.strip() else Path("?")
    # os.path, not Path: it answers False where a name is too long or holds what the system does not allow.
    return path.resolve() if path.suffix.lower() == ZIP and os.path.isfile(path) else find_bundle(text)


def _unpacked(place: Path, demands: list[Demand]) -> Path:
    packed = contents_of(place)
    assert isinstance(packed, ZipContents)
    check_seal(packed, demands, files=False)  # what nobody signed is not even unpacked
    cache = default_folder() / "bundles"
    try:
        folder = _checked(unpacked(packed, cache), packed, demands)
    except BundleError:  # the cache was touched, or the zip itself is not what its manifest says
        try:
            folder = _checked(unpacked_again(packed, cache), packed, demands)
        except BundleError:
            forget(packed, cache)
            raise
    return folder


def _manifest(contents: Contents) -> str | None:
    return manifest_digest(contents) if MANIFEST in contents.names else None


def _checked(folder: Path, packed: ZipContents, demands: list[Demand]) -> Path:
    check_seal(contents_of(folder), demands, called=packed.place)
    if not is_complete(folder, packed) or _manifest(contents_of(folder)) != _manifest(packed):
        raise BundleError(f"'{folder}' is not what '{packed.place}' holds. Remove it, and try again.")
    return folder

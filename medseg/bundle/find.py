"""From what a user writes after --bundle to the folder of one bundle."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path

from medseg.core.errors import BundleError

SEARCH_VARIABLE = "MEDSEG_BUNDLES"  # folders that hold bundles, separated as in PATH
METADATA = Path("configs") / "metadata.json"
_PACKAGE = Path(__file__).resolve().parents[1]


def find_bundle(text: str) -> Path:
    """Folder of the bundle a user means.

    Args:
        text: A bundle's name, its folder, or the folder of a run.

    Returns:
        Absolute path of a folder that holds configs/metadata.json.

    Raises:
        BundleError: Nothing of that name, or a path that is no bundle; lists the known names.
    """
    path = Path(text).expanduser() if text.strip() else Path("?")
    if is_bundle(path):
        return path.resolve()
    if os.path.isfile(path / "run.json"):
        return _bundle_of_run(path)
    known = known_bundles()
    if text in known:
        return known[text]
    raise BundleError(_refusal(text, path, known))


def known_bundles() -> dict[str, Path]:
    """Name to folder of every bundle that can be called by its name; where two share one, the first found."""
    found: dict[str, Path] = {}
    for folder in search_folders(os.environ):
        if not os.path.isdir(folder):
            continue
        for path in sorted(folder.iterdir()):
            if is_bundle(path):
                found.setdefault(path.name, path.resolve())
    return dict(sorted(found.items()))


def search_folders(environment: Mapping[str, str]) -> list[Path]:
    """Folders searched for a name, in order: MEDSEG_BUNDLES, ./bundles, the checkout, the installed package."""
    named = [Path(part).expanduser() for part in environment.get(SEARCH_VARIABLE, "").split(os.pathsep) if part]
    return [*named, Path("bundles"), _PACKAGE.parent / "bundles", _PACKAGE / "_bundles"]


def is_bundle(path: Path) -> bool:
    """Whether a folder holds a bundle."""
    # os.path, not Path: it answers False where a name is too long or holds what the system does not allow.
    return os.path.isfile(path / METADATA)


def _bundle_of_run(run: Path) -> Path:
    folds = sorted(str(path.parent) for path in run.glob("fold*/bundle"))
    if folds and not is_bundle(run / "bundle"):
        raise BundleError(f"Run '{run}' is a cross-validation and holds a model for each fold: {', '.join(folds)}.")
    if not is_bundle(run / "bundle"):
        raise BundleError(
            f"Run '{run}' holds no complete bundle: {Path('bundle') / METADATA} is missing. "
            "The run ended before it was written; train again or choose another run."
        )
    return (run / "bundle").resolve()


def _refusal(text: str, path: Path, known: Mapping[str, Path]) -> str:
    names = ", ".join(known) or f"none: set {SEARCH_VARIABLE} to the folder that holds your bundles"
    if os.path.isfile(path):
        return (
            f"Bundle '{text}' is a file. Give the folder that holds {METADATA.as_posix()}, a zip, a run folder, a name."
        )
    if os.path.isdir(path):
        return f"'{text}' is a folder but no bundle: it holds neither {METADATA.as_posix()} nor a run.json."
    nearest = difflib.get_close_matches(text, list(known), n=1, cutoff=0.5)
    hint = f" Did you mean '{nearest[0]}'?" if nearest else ""
    return f"No bundle '{text}'.{hint} Known names: {names}. A bundle's folder or a run folder works too."

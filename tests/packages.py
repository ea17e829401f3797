"""Small packages: the shipped hippocampus bundle without its weights, sealed."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medseg.bundle.contents import contents_of
from medseg.bundle.manifest import MANIFEST, SIGNATURE, manifest_text
from medseg.bundle.minisign import SecretKey, sign
from medseg.bundle.read import Bundle, read_bundle

NAME = "hippocampus_unet3d"
_SHIPPED = Path(__file__).resolve().parents[1] / "bundles" / NAME


@dataclass(frozen=True)
class Packaged:
    """A package as a zip, and what is in it."""

    zip: Path
    bundle: Bundle
    manifest: Mapping[str, Any]


def packaged(folder: Path, *, note: str = "first", key: SecretKey | None = None) -> Packaged:
    """A package in a folder; another note makes another package."""
    root = folder / NAME
    shutil.copytree(_SHIPPED, root, ignore=shutil.ignore_patterns("models"))
    (root / "docs" / "note.txt").write_text(note)
    facts = {
        "name": NAME,
        "version": read_bundle(_SHIPPED).version,
        "versions": {"medseg": "1.0"},
        "training": {"seed": 7, "commit": None},
    }
    (root / MANIFEST).write_text(manifest_text(contents_of(root), facts), encoding="utf-8")
    if key is not None:
        signature = sign((root / MANIFEST).read_bytes(), key, trusted="a test")
        (root / SIGNATURE).write_text(signature, encoding="utf-8")
    path = shutil.make_archive(str(folder / "my package"), "zip", folder, NAME)
    return Packaged(Path(path), read_bundle(root), json.loads((root / MANIFEST).read_text(encoding="utf-8")))

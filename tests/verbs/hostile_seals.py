"""Packages that were changed after they were sealed or signed, and folders that hold what is no file."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hostile_weights as w
from hostile_kit import ALL, OWNER, STRANGER, Hostile, Kit, resealed

from medseg.bundle.manifest import MANIFEST, SIGNATURE, with_own_digest
from medseg.bundle.minisign import SecretKey, sign


def _link_to_a_pickle(kit: Kit) -> Path:
    bundle = kit.copy()
    w.pickled_object(kit.root / "outside.pt", kit.command)
    (bundle / "models" / "model.pt").unlink()
    (bundle / "models" / "model.pt").symlink_to(kit.root / "outside.pt")
    return bundle


def _link_to_nowhere(kit: Kit) -> Path:
    bundle = kit.copy()
    (bundle / "models" / "model.pt").unlink()
    (bundle / "models" / "model.pt").symlink_to(kit.root / "nowhere")
    return bundle


def _linked_folder(kit: Kit) -> Path:
    bundle = kit.copy()
    shutil.move(bundle / "models", kit.root / "outside")
    (bundle / "models").symlink_to(kit.root / "outside")
    return bundle


def _pipe(name: str, size: int) -> Callable[[Kit], Path]:
    """A pipe in place of a file, and a manifest that says it is empty: who opens it waits for ever."""

    def make(kit: Kit) -> Path:
        bundle = kit.copy()
        (bundle / name).write_bytes(bytes(size))
        resealed(bundle)
        (bundle / name).unlink()
        os.mkfifo(bundle / name)
        return bundle

    return make


def _folder_as_file(kit: Kit) -> Path:
    bundle = kit.copy()
    (bundle / "models" / "model.pt").unlink()
    (bundle / "models" / "model.pt").mkdir()
    return bundle


_FOLDERS = [
    Hostile("weights that are a link to another file", _link_to_a_pickle, ("models/model.pt was altered",)),
    Hostile("weights that are a link to nowhere", _link_to_nowhere, ("models/model.pt", "cannot be read")),
    Hostile("a folder that is a link", _linked_folder, ("models/model.pt is missing", "models was added")),
    Hostile("a pipe in place of the weights", _pipe("models/model.pt", 0), ("models/model.pt' is no file",)),
    Hostile("a pipe that nothing reads", _pipe("docs/extra.txt", 0), ("docs/extra.txt' is no file",)),
    Hostile("a folder in place of the weights", _folder_as_file, ("models/model.pt is missing",)),
]


def without(name: str) -> Callable[[Kit], Path]:
    """A file taken out, after it was sealed."""

    def make(kit: Kit) -> Path:
        bundle = kit.copy()
        (bundle / name).unlink()
        return bundle

    return make


def _added(kit: Kit) -> Path:
    bundle = kit.copy()
    (bundle / "sitecustomize.py").write_text(f"import os; os.system('{kit.command}')")
    return bundle


def _another_digest(kit: Kit) -> Path:
    """The altered file's own digest in the manifest: all agrees but the signature."""
    bundle = kit.copy()
    signature = (bundle / SIGNATURE).read_text()
    (bundle / "configs" / "evaluate.yaml").write_text(
        "# nothing\n" + (bundle / "configs" / "evaluate.yaml").read_text()
    )
    resealed(bundle)
    (bundle / SIGNATURE).write_text(signature)
    return bundle


def _unsigned(kit: Kit) -> Path:
    return resealed(kit.copy())


def _signed_by_a_stranger(kit: Kit) -> Path:
    bundle = kit.copy()
    (bundle / SIGNATURE).write_text(sign((bundle / MANIFEST).read_bytes(), STRANGER, trusted="mine"))
    return bundle


def _signed_by_a_stranger_under_the_owner_s_name(kit: Kit) -> Path:
    bundle = kit.copy()
    forged = SecretKey(OWNER.id, STRANGER.seed)
    (bundle / SIGNATURE).write_text(sign((bundle / MANIFEST).read_bytes(), forged, trusted="mine"))
    return bundle


def _signature_of_another(kit: Kit) -> Path:
    bundle = kit.copy()
    (bundle / SIGNATURE).write_text(sign(b"another manifest", OWNER, trusted="mine"))
    return bundle


def signature(change: Callable[[str], str]) -> Callable[[Kit], Path]:
    """The signature's text changed."""

    def make(kit: Kit) -> Path:
        bundle = kit.copy()
        path = bundle / SIGNATURE
        path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
        return bundle

    return make


def _manifest(change: Callable[[dict[str, Any]], Any]) -> Callable[[Kit], Path]:
    """A manifest of the attacker's: its own digest is right, and nobody signed it."""

    def make(kit: Kit) -> Path:
        bundle = resealed(kit.copy())
        values = json.loads((bundle / MANIFEST).read_text())
        del values["sha256"]
        (bundle / MANIFEST).write_text(with_own_digest(change(values)))
        return bundle

    return make


def _pub(*verbs: str) -> dict[str, tuple[str, ...]]:
    return dict.fromkeys(verbs or ALL, ("--key", OWNER.public.text))


_SEALS = [
    Hostile("a file that was taken out", without("configs/series.yaml"), ("configs/series.yaml is missing",)),
    Hostile("a file that was added", _added, ("sitecustomize.py was added",)),
    Hostile("a manifest of something else", _manifest(lambda _: {}), ("manifest.json", "format 1")),
    Hostile(
        "a manifest whose name moves the cursor",
        _manifest(lambda old: old | {"name": "\x1b[2Kharmless"}),
        ("manifest.json", "format 1"),
    ),
    Hostile("a manifest of another format", _manifest(lambda old: old | {"format": 2}), ("manifest.json", "format 1")),
    Hostile(
        "a manifest that leads out of the bundle",
        _manifest(lambda old: old | {"files": old["files"] | {"../../etc/passwd": old["files"]["LICENSE"]}}),
        ("../../etc/passwd is missing",),
    ),
    Hostile(
        "a manifest that was made to fit", _another_digest, ("manifest.json", "not that of this file"), more=_pub()
    ),
    Hostile("no signature where one is demanded", _unsigned, ("is not signed, and --key demands it",), more=_pub()),
    Hostile("no signature where the site demands one", _unsigned, ("is not signed", "site.yaml demands it"), site=True),
    Hostile(
        "no manifest where a signature is demanded",
        without(MANIFEST),
        ("is not signed, and --key demands it",),
        by=("check", "infer"),
        more=_pub(),
    ),
    Hostile("no manifest in a package", without(MANIFEST), ("has no manifest.json",), by=("verify",), more=_pub()),
    Hostile("a signature of a stranger", _signed_by_a_stranger, ("signed by key", "manifest.json"), more=_pub()),
    Hostile("a signature of a stranger, at a site", _signed_by_a_stranger, ("signed by key", "site.yaml"), site=True),
    Hostile(
        "a signature of a stranger under the owner's name",
        _signed_by_a_stranger_under_the_owner_s_name,
        ("manifest.json", "not that of this file"),
        more=_pub(),
    ),
    Hostile("a signature of another manifest", _signature_of_another, ("not that of this file",), more=_pub()),
    Hostile(
        "a trusted comment that was changed",
        signature(lambda old: old.replace("trusted comment: hippo", "trusted comment: Hippo")),
        ("not that of this file",),
        more=_pub(),
    ),
    Hostile("a signature cut short", signature(lambda old: old[:90]), ("not in minisign's format",), more=_pub()),
    Hostile("a signature that is no base64", signature(lambda old: old.replace("RU", "!!")), ("damaged",), more=_pub()),
]
ROWS = [*_FOLDERS, *_SEALS]

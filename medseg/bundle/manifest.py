"""The manifest of a sealed bundle: SHA-256 of every file, and where the model comes from."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from medseg.bundle.contents import Contents, read_text
from medseg.bundle.json_file import parse_json
from medseg.bundle.minisign import ENDING
from medseg.core.errors import BundleError, ConfigError

MANIFEST = "manifest.json"
SIGNATURE = MANIFEST + ENDING
FORMAT = 1
SIGNER = "signer"  # public key of whoever signed it: so its signature cannot be lost or damaged unnoticed
_OWN = "sha256"  # of the manifest without that line: what is damaged by chance is found without a key
# What file managers leave behind wherever they look; nothing reads it.
_LITTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
_SHA256 = re.compile(r"[0-9a-f]{64}")


def manifest_text(contents: Contents, facts: Mapping[str, Any], *, signer: str | None = None) -> str:
    """Text of a manifest.json over all files of a bundle.

    Args:
        contents: The bundle; an old manifest and signature in it are left out.
        facts: Plain values beside the files: name, version, versions, training.
        signer: Public key of whoever is going to sign it, as text; None where nobody is.
    """
    files = {name: {"bytes": contents.size(name), "sha256": digest(contents, name)} for name in sealed_names(contents)}
    values = {"format": FORMAT, **facts, **({SIGNER: signer} if signer else {}), "files": files}
    return with_own_digest(values)


def with_own_digest(values: Mapping[str, Any]) -> str:
    """Text of a manifest of these values, the last of which is the digest of the others."""
    return _text({**values, _OWN: hashlib.sha256(_text(values).encode()).hexdigest()})


def sealed_names(contents: Contents) -> list[str]:
    """Files that a manifest tells of: all but itself, its signature, and what file managers leave."""
    own = {MANIFEST, SIGNATURE}
    return [name for name in contents.names if name not in own and PurePosixPath(name).name not in _LITTER]


def read_manifest(contents: Contents) -> dict[str, Any]:
    """What a manifest says; its files are not looked at.

    Raises:
        BundleError: It is absent, or no manifest.
    """
    if MANIFEST not in contents.names:
        raise BundleError(f"'{contents.place}' has no {MANIFEST}.")
    text = read_text(contents, MANIFEST)
    try:
        values = parse_json(text, MANIFEST)
    except ConfigError as error:
        raise BundleError(f"'{contents.place}': {error}. Get the bundle again.") from None
    if not _is_manifest(values):
        raise BundleError(f"'{contents.place}': {MANIFEST} is no manifest of format {FORMAT}. Get the bundle again.")
    if not _is_whole(text, values.pop(_OWN)):
        raise BundleError(f"Bundle '{contents.place}': {MANIFEST} was altered. Get the bundle again.")
    return values


def altered_files(contents: Contents, manifest: Mapping[str, Any]) -> list[str]:
    """Where a bundle is not what its manifest says, one sentence each; empty where it is.

    Args:
        contents: The bundle; every file is read.
        manifest: As ``read_manifest`` gives it.
    """
    files: Mapping[str, Mapping[str, Any]] = manifest["files"]
    there = sealed_names(contents)
    faults = [f"{name} is missing" for name in files if name not in there]
    added = [name if name.isprintable() else ascii(name) for name in there if name not in files]
    faults += [f"{name} was added: the manifest does not know it" for name in added]
    return faults + [f"{name} was altered" for name in there if name in files and not _is_same(contents, name, files)]


def digest(contents: Contents, name: str) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with contents.stream(name) as stream:
        found = hashlib.sha256()
        while block := stream.read(1 << 20):
            found.update(block)
    return found.hexdigest()


def manifest_digest(contents: Contents) -> str:
    """SHA-256 of manifest.json itself: by it two sealed bundles are the same, or are not."""
    return digest(contents, MANIFEST)


def _is_whole(text: str, own: str) -> bool:
    """Whether the digest in its last line is that of the text without that line."""
    rest = text.removesuffix(f',\n  "{_OWN}": "{own}"\n}}\n')
    return rest != text and hashlib.sha256(f"{rest}\n}}\n".encode()).hexdigest() == own


def _text(values: Mapping[str, Any]) -> str:
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


def _is_same(contents: Contents, name: str, files: Mapping[str, Mapping[str, Any]]) -> bool:
    """Its size first: that costs nothing, and a file that was cut or has grown need not be read."""
    told = files[name]
    return contents.size(name) == int(told["bytes"]) and digest(contents, name) == str(told["sha256"])


def _is_manifest(values: Any) -> bool:
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        return False
    texts = (values.get("name"), values.get("version"), values.get(_OWN), values.get(SIGNER, ""))
    files = values.get("files")
    if not all(isinstance(text, str) for text in texts) or not isinstance(files, dict):
        return False
    shown = (values["name"], values["version"], *files)
    return all(text.isprintable() for text in shown) and all(_is_entry(entry) for entry in files.values())


def _is_entry(entry: Any) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("bytes"), int):
        return False
    return isinstance(entry.get("sha256"), str) and _SHA256.fullmatch(entry["sha256"]) is not None

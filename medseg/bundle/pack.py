"""Seal a bundle's folder with a manifest and a signature, and pack it: the same files give the same zip."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from medseg.bundle.contents import FolderContents, contents_of
from medseg.bundle.manifest import MANIFEST, SIGNATURE, manifest_text
from medseg.bundle.minisign import SecretKey, sign
from medseg.core.errors import BundleError, OutputError
from medseg.core.files import replacing, write_text

ZIP = ".zip"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first date a zip knows: a package says in its manifest when it was made
_PLAIN_FILE = 0o100644 << 16
_PACKED_ALREADY = {".pt", ".ts", ".pt2", ".onnx", ".gz", ".png"}  # deflate would cost seconds and save a tenth


def seal_bundle(root: Path, facts: Mapping[str, Any], key: SecretKey | None) -> None:
    """Write the manifest of a bundle's folder, and its signature where there is a key; what it had of both is replaced.

    Args:
        root: The folder; no other file of it may change from now on.
        facts: Plain values beside the files, as in ``manifest_text``.
        key: Signs the manifest.

    Raises:
        BundleError: A file has a name that no terminal can show, and no zip of a package may hold.
        OutputError: A file cannot be written.
    """
    hidden = [ascii(name) for name in contents_of(root).names if not name.isprintable()]
    if hidden:
        raise BundleError(f"'{root}' holds {', '.join(hidden)}: no name for a file of a package. Rename it.")
    (root / SIGNATURE).unlink(missing_ok=True)
    signer = key.public.text if key is not None else None
    write_text(root / MANIFEST, manifest_text(contents_of(root), facts, signer=signer))
    if key is not None:
        said = f"{facts['name']} {facts['version']}, packaged {facts['made']}"
        write_text(root / SIGNATURE, sign((root / MANIFEST).read_bytes(), key, trusted=said))


def write_package(root: Path, target: Path) -> None:
    """Put a sealed bundle where it belongs, whole or not at all.

    Args:
        root: Its folder, named after the bundle.
        target: A zip to write, or a folder that does not exist.

    Raises:
        OutputError: It is there already, or cannot be written.
    """
    if os.path.lexists(target):  # a folder would be moved into it, and a zip replaced
        raise OutputError(f"'{target}' is there already; a package that was handed on does not change.")
    if target.suffix.lower() == ZIP:
        with replacing(target) as temporary:
            write_zip(root, root.name, temporary)
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(root, target)
    except OSError as error:
        raise OutputError(f"Cannot write '{target}': {error.strerror or error}. Choose another --output.") from error


def write_zip(root: Path, name: str, path: Path) -> None:
    """A bundle's folder as a zip; the same files give the same bytes.

    Args:
        root: The folder.
        name: Of the folder in the zip.
        path: The zip; replaced.

    Raises:
        BundleError: A file cannot be read.
        OSError: The disk does not take it.
    """
    contents = contents_of(root)
    assert isinstance(contents, FolderContents)
    with zipfile.ZipFile(path, "w") as archive:
        for file in contents.names:
            entry = zipfile.ZipInfo(f"{name}/{file}", _EPOCH)
            entry.external_attr, entry.file_size = _PLAIN_FILE, contents.size(file)
            stored = os.path.splitext(file)[1] in _PACKED_ALREADY
            entry.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            # Opened here, not by ``contents``: that would take a full disk for a file that cannot be read.
            with (root / file).open("rb") as source, archive.open(entry, "w") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)

"""Copy a bundle, with other weights where they are given: how a run keeps the model it trained.

What a bundle says of its results, and of the studies it saw, holds for its own weights. A copy that holds others, or is
to, says nothing of either.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import torch

from medseg.bundle.claims import OF_WEIGHTS, PAGE, metadata_without_results, page_without_results
from medseg.bundle.find import METADATA
from medseg.bundle.read import WEIGHTS, Bundle
from medseg.bundle.split_file import SPLIT
from medseg.bundle.weights import save_weights
from medseg.core.errors import OutputError
from medseg.core.files import replacing, write_json, write_text

_FOLDERS = ("configs", "docs")


def copy_bundle(
    bundle: Bundle,
    target: Path,
    *,
    state_dict: Mapping[str, torch.Tensor] | None = None,
    with_weights: bool = True,
) -> Path:
    """Write a complete bundle to another folder; files already there are replaced one by one.

    Args:
        bundle: The bundle to copy: LICENSE, configs/ and docs/.
        target: Folder to write, made where it is absent.
        state_dict: Becomes models/model.pt; None copies the bundle's own weights where it has any.
        with_weights: False leaves models/ out: a training that has only begun has none to show.

    Returns:
        ``target``.

    Raises:
        OutputError: The folder cannot be written or the disk is full.
    """
    # A resumed run trains the bundle it holds: its texts are in place.
    for path in [] if target.resolve() == bundle.root else _text_files(bundle.root):
        _copy(path, target / path.relative_to(bundle.root))
    if state_dict is not None or not with_weights:
        _take_back_claims(bundle, target)
    if state_dict is not None:
        save_weights(state_dict, target / WEIGHTS)
    elif with_weights and bundle.weights.is_file():
        _copy(bundle.weights, target / WEIGHTS)
    return target


def _text_files(root: Path) -> list[Path]:
    found = [path for folder in _FOLDERS for path in sorted((root / folder).rglob("*"))]
    return [path for path in [root / "LICENSE", *found] if path.is_file()]


def _take_back_claims(bundle: Bundle, target: Path) -> None:
    write_json(target / METADATA, metadata_without_results(bundle.metadata))
    _remove(target / SPLIT)
    for path in OF_WEIGHTS:
        shutil.rmtree(target / path) if (target / path).is_dir() else _remove(target / path)
    if (target / PAGE).is_file():  # in any encoding: a foreign page without our section stays as its bytes are
        text = (target / PAGE).read_text(encoding="utf-8", errors="replace")
        if (plain := page_without_results(text)) != text:
            write_text(target / PAGE, plain)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"Cannot remove '{path}': {error.strerror or error}.") from error


def _copy(source: Path, target: Path) -> None:
    with replacing(target) as temporary:
        shutil.copyfile(source, temporary)

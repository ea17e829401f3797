"""What is wrong with a bundle's files of weights, as far as it can be told without loading them, and without torch."""

from __future__ import annotations

from collections.abc import Iterator

from medseg.bundle.archives import SCRIPT, Archive, archive_of, may_hold_pickles
from medseg.bundle.contents import Contents, is_plain
from medseg.bundle.file_kinds import HEAD
from medseg.bundle.inspection_verdict import weight_faults
from medseg.bundle.read import WEIGHTS

_OF_SCRIPTS = ("__torch__.", "torch.jit._pickle.")  # names that torch's interpreter resolves within the program itself
# What arrays and numbers of numpy name, which checkpoints of a training hold beside the weights.
_OF_NUMPY = {
    *("numpy.dtype", "numpy.ndarray"),
    *(f"numpy.{core}.multiarray.{name}" for core in ("core", "_core") for name in ("scalar", "_reconstruct")),
}


def weights_file_faults(contents: Contents) -> list[str]:
    """Why the files of weights in a bundle are refused, one sentence each; empty where there is nothing to refuse.

    medseg opens models/model.pt, and opens no other pickle. Other programs do, so that a file which shows by its name
    or first bytes that it is one is refused where it would import more than networks and their training need.

    Args:
        contents: The bundle.

    Raises:
        BundleError: A file cannot be read.
    """
    own = WEIGHTS.as_posix()
    others = (name for name in contents.names if name != own)
    return [*_own_faults(contents, own), *(fault for name in others for fault in _other_faults(contents, name))]


def _own_faults(contents: Contents, name: str) -> list[str]:
    if name not in contents.names:
        return []
    with contents.stream(name) as stream:
        archive = archive_of(stream, name)
    return [f"{name}: holds no weights of torch"] if archive is None else weight_faults({name: archive})


def _other_faults(contents: Contents, name: str) -> Iterator[str]:
    if not is_plain(contents, name):  # a link to nowhere, a pipe: nobody unpickles it
        return
    with contents.stream(name) as stream:
        wanted = may_hold_pickles(name, stream.read(HEAD))
        stream.seek(0)
        archive = archive_of(stream, name) if wanted else None
    if archive is None:
        return
    if beyond := _beyond(archive):
        yield f"{name}: its pickle would import {', '.join(beyond)}, which no network needs; take the file out"
    for fault in archive.faults:
        yield f"{name}: {fault}, so that nobody knows what it would import; take the file out"


def _beyond(archive: Archive) -> list[str]:
    known = _OF_SCRIPTS if archive.kind == SCRIPT else ()
    return [name for name in archive.refused if name not in _OF_NUMPY and not name.startswith(known)]

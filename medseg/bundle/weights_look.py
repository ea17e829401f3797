"""What is wrong with a bundle's files of weights, as far as it can be told without loading them, and without torch."""

from __future__ import annotations

from collections.abc import Iterator

from medseg.bundle.archives import SCRIPT, Archive, archive_of, may_hold_pickles
from medseg.bundle.contents import Contents
from medseg.bundle.inspection_verdict import weight_faults
from medseg.bundle.read import WEIGHTS

_HEAD = 8  # bytes by which a file of pickles is known, whatever it is called
_OF_SCRIPTS = ("__torch__.", "torch.jit._pickle.")  # names that torch's interpreter resolves within the program itself


def weights_file_faults(contents: Contents) -> list[str]:
    """Why the files of weights in a bundle are refused, one sentence each; empty where there is nothing to refuse.

    medseg opens models/model.pt, and opens no other pickle. Other programs do, so that one which would import more
    than weights need is refused wherever it lies.

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
    with contents.stream(name) as stream:
        wanted = may_hold_pickles(name, stream.read(_HEAD))
        stream.seek(0)
        archive = archive_of(stream, name) if wanted else None
    if archive is not None and (beyond := _beyond(archive)):
        yield f"{name}: its pickle would import {', '.join(beyond)}, which no network needs"


def _beyond(archive: Archive) -> list[str]:
    is_script = archive.kind == SCRIPT
    return [name for name in archive.refused if not (is_script and name.startswith(_OF_SCRIPTS))]

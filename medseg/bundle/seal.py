"""Whether a bundle is as it was packaged, and whether the one who signed it is one whose word counts here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medseg.bundle.contents import MOST_TEXT, Contents, read_text
from medseg.bundle.manifest import MANIFEST, SIGNATURE, altered_files, read_manifest
from medseg.bundle.minisign import signer_of, verify
from medseg.bundle.trust import Demand
from medseg.core.errors import BundleError, raise_faults


@dataclass(frozen=True)
class Seal:
    """What was found out about a bundle.

    Attributes:
        manifest: What manifest.json says; None where there is none.
        claimed: Id of the key that the signature says it is of; None where there is none.
        signed_by: Id of the key whose signature was checked and is right; None where none was demanded.
        comment: The comment that the signature covers.
    """

    manifest: Mapping[str, Any] | None = None
    claimed: str | None = None
    signed_by: str | None = None
    comment: str = ""

    @property
    def in_words(self) -> str:
        """One line for people."""
        if self.manifest is None:
            return "not sealed: no manifest.json, so nothing says whether it was changed"
        if self.signed_by is not None:
            return f"sealed, and signed by key {self.signed_by}: {self.comment}"
        if self.claimed is not None:
            return f"sealed; its signature says key {self.claimed}, which was not checked: give --key"
        return "sealed, not signed: who can change a file can change the manifest"


def check_seal(contents: Contents, demands: Sequence[Demand], *, files: bool = True) -> Seal:
    """What the manifest and signature of a bundle are worth.

    Args:
        contents: The bundle.
        demands: Signatures that it must have; none accepts a bundle that is not sealed at all.
        files: Whether every file is read and compared; else the manifest and its signature alone.

    Raises:
        BundleError: A file is altered, missing or added; or a signature that is demanded is absent or wrong.
    """
    if MANIFEST not in contents.names:
        if demands:
            raise BundleError(f"Bundle '{contents.place}' is not signed, and {demands[0].by} demands it. {_GET}")
        return Seal()
    signature = read_text(contents, SIGNATURE) if SIGNATURE in contents.names else None
    seal = Seal(read_manifest(contents), _claimed(signature))
    # Before a byte of the rest is read: what it says of the files is worth as much as its signer.
    for demand in demands:
        seal = _signed(contents, seal, signature, demand)
    if files and seal.manifest is not None:
        faults = altered_files(contents, seal.manifest)
        title = f"Bundle '{contents.place}' is not what was packaged; get it again from whoever packaged it"
        raise_faults(title, faults, BundleError)
    return seal


_GET = "Get it again from whoever packaged it."


def _claimed(signature: str | None) -> str | None:
    if signature is None:
        return None
    try:
        return signer_of(signature)
    except BundleError:
        return "that cannot be read"


def _signed(contents: Contents, seal: Seal, signature: str | None, demand: Demand) -> Seal:
    if signature is None:
        raise BundleError(f"Bundle '{contents.place}' is not signed, and {demand.by} demands it. {_GET}")
    with contents.stream(MANIFEST) as stream:
        message = stream.read(MOST_TEXT)
    reasons = []
    for key in demand.keys:
        try:
            comment = verify(message, signature, key)
        except BundleError as error:
            reasons.append(str(error))
        else:
            return Seal(seal.manifest, seal.claimed, key.name, comment)
    raise BundleError(f"Bundle '{contents.place}': {MANIFEST}: {'; '.join(reasons)} ({demand.by}). {_GET}")

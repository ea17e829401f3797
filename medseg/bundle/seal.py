"""Whether a bundle is as it was packaged, and whether the one who signed it is one whose word counts here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medseg.bundle.contents import MOST_TEXT, Contents, read_text
from medseg.bundle.manifest import MANIFEST, SIGNATURE, SIGNER, altered_files, read_manifest
from medseg.bundle.minisign import is_as_written, signer_of, verify
from medseg.bundle.minisign_keys import public_key_of, read_public_key
from medseg.bundle.trust import Demand
from medseg.core.errors import BundleError, raise_faults
from medseg.core.printable import printable

_GET = "Get it again from whoever packaged it."


@dataclass(frozen=True)
class Seal:
    """What was found out about a bundle.

    Attributes:
        manifest: What manifest.json says; None where there is none.
        claimed: Id of the key that the signature says it is of; None where there is none.
        signed_by: Id of the key that was demanded and whose signature is right; None where none was demanded.
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
            return f"sealed, and signed by key {self.signed_by}: {printable(self.comment)}"
        if self.claimed is not None:
            return f"sealed; signed by key {self.claimed}, by its own word: --key PUB checks it"
        return "sealed, not signed: whoever can change a file can change the manifest"


def check_seal(
    contents: Contents, demands: Sequence[Demand], *, files: bool = True, called: Path | None = None
) -> Seal:
    """What the manifest and signature of a bundle are worth.

    Args:
        contents: The bundle.
        demands: Signatures that it must have; none accepts a bundle that is not sealed at all.
        files: Whether every file is read and compared; else the manifest and its signature alone.
        called: What the user calls it, where that is not its place: the zip that it was unpacked from.

    Raises:
        BundleError: A file is altered, missing or added; or a signature is damaged, or is demanded and absent or wrong.
    """
    if MANIFEST not in contents.names:
        if demands:
            raise BundleError(f"Bundle '{contents.place}' is not signed, and {demands[0].by} demands it. {_GET}")
        return Seal()
    signature = read_text(contents, SIGNATURE) if SIGNATURE in contents.names else None
    manifest = read_manifest(contents)
    claimed = _claimed(contents, signature)
    # Before a byte of the rest is read: what it says of the files is worth as much as its signer.
    signed = [_signed(contents, signature, demand) for demand in demands]
    if not signed or claimed == _announced(contents, manifest):  # else signed anew, by a key that is trusted here
        _check_announced(contents, manifest, signature)
    if files:
        faults = altered_files(contents, manifest)
        title = f"Bundle '{called or contents.place}' is not what was packaged; get it again from whoever packaged it"
        raise_faults(title, faults, BundleError)
    signed_by, comment = signed[-1] if signed else (None, "")
    return Seal(manifest, claimed, signed_by, comment)


def _signed(contents: Contents, signature: str | None, demand: Demand) -> tuple[str, str]:
    """Id of the key that meets a demand, and the comment that it signed."""
    if signature is None:
        raise BundleError(f"Bundle '{contents.place}' is not signed, and {demand.by} demands it. {_GET}")
    message, reasons = _message(contents), []
    for key in demand.keys:
        try:
            return key.name, verify(message, signature, key)
        except BundleError as error:
            reasons.append(str(error))
    raise BundleError(f"Bundle '{contents.place}': {MANIFEST}: {'; '.join(reasons)} ({demand.by}). {_GET}")


def _claimed(contents: Contents, signature: str | None) -> str | None:
    """Id of the key that a signature says it is of."""
    try:
        return None if signature is None else signer_of(signature)
    except BundleError as error:
        raise BundleError(f"Bundle '{contents.place}': {SIGNATURE}: {error}. {_GET}") from None


def _announced(contents: Contents, manifest: Mapping[str, Any]) -> str | None:
    """Id of the key that a manifest names as that of its signer; None where it names none."""
    if SIGNER not in manifest:
        return None
    if (key := public_key_of(manifest[SIGNER])) is None:
        raise BundleError(f"Bundle '{contents.place}': the {SIGNER} in {MANIFEST} is no public key. {_GET}")
    return key.name


def _check_announced(contents: Contents, manifest: Mapping[str, Any], signature: str | None) -> None:
    """Hold a signature against the key that the manifest names.

    That finds what was lost or damaged by chance. Against someone who means ill it is worth nothing: they name a key
    of their own.
    """
    signer = _announced(contents, manifest)
    if signer is None:
        return
    if signature is None:
        raise BundleError(
            f"Bundle '{contents.place}': {SIGNATURE} is missing; {MANIFEST} says that key {signer} signed it. {_GET}"
        )
    try:
        verify(_message(contents), signature, read_public_key(manifest[SIGNER]))
        if not is_as_written(signature):
            raise BundleError("its first line, which nothing signs, is not as it was written")
    except BundleError as error:
        raise BundleError(
            f"Bundle '{contents.place}': {SIGNATURE}: {error}. {_GET} If your site signed it anew, give its --key."
        ) from None


def _message(contents: Contents) -> bytes:
    with contents.stream(MANIFEST) as stream:
        return stream.read(MOST_TEXT)

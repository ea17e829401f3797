"""Ed25519 signatures in the format of minisign, so that a site can check them without medseg.

Source: the format's description at https://jedisct1.github.io/minisign/ and RFC 8032. The arithmetic is that of the
package cryptography; a test has Debian's minisign check our signatures, and us its own.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
from dataclasses import dataclass, field

from medseg.core.errors import BundleError

ENDING = ".minisig"
ED25519 = b"Ed"  # algorithm of a key, and of a signature over the bytes themselves
_HASHED = b"ED"  # of a signature over their BLAKE2b-512
COMMENT, _TRUSTED = "untrusted comment: ", "trusted comment: "


@dataclass(frozen=True)
class PublicKey:
    """A key that checks signatures.

    Attributes:
        id: 8 bytes that signatures name it by.
        key: 32 bytes of Ed25519.
    """

    id: bytes
    key: bytes

    @property
    def name(self) -> str:
        """Its id as minisign writes it: 16 hexadecimal digits."""
        return self.id[::-1].hex().upper()

    @property
    def text(self) -> str:
        """The line of base64 that minisign takes after -P."""
        return encoded(ED25519 + self.id + self.key)


@dataclass(frozen=True)
class SecretKey:
    """A key that signs; its text form shows no secret.

    Attributes:
        id: As in its public key.
        seed: 32 bytes of Ed25519.
    """

    id: bytes
    seed: bytes = field(repr=False)

    @property
    def public(self) -> PublicKey:
        """Its public key."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return PublicKey(self.id, Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw())


def new_key() -> SecretKey:
    """A new secret key, from the system's random numbers."""
    return SecretKey(os.urandom(8), os.urandom(32))


def sign(message: bytes, key: SecretKey, *, trusted: str) -> str:
    """Text of a .minisig file.

    Args:
        message: What is signed.
        key: Signs it.
        trusted: A line that is signed too; shown to whoever checks.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    trusted = " ".join(trusted.split())  # one line: the next is the signature over it
    signer = Ed25519PrivateKey.from_private_bytes(key.seed)
    signature = signer.sign(hashlib.blake2b(message).digest())
    whole = signer.sign(signature + trusted.encode())
    return f"{_first_line(key.id)}\n{_text(_HASHED + key.id + signature, trusted, whole)}"


def verify(message: bytes, signature: str, key: PublicKey) -> str:
    """The trusted comment of a signature that is right.

    Args:
        message: What was signed.
        signature: Text of the .minisig file.
        key: Must have signed it.

    Raises:
        BundleError: The signature is damaged, of another key, or of something else.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    algorithm, identity, signed, trusted, whole = _parsed(signature)
    if identity != key.id:
        raise BundleError(f"signed by key {PublicKey(identity, b'').name}, not by {key.name}")
    checker = Ed25519PublicKey.from_public_bytes(key.key)
    try:
        checker.verify(signed, hashlib.blake2b(message).digest() if algorithm == _HASHED else message)
        checker.verify(whole, signed + trusted.encode())
    except InvalidSignature:
        raise BundleError(f"the signature of key {key.name} is not that of this file") from None
    return trusted


def signer_of(signature: str) -> str:
    """Id of the key that a signature says it is of; nothing is checked.

    Raises:
        BundleError: It is no signature of minisign.
    """
    return PublicKey(_parsed(signature)[1], b"").name


def is_as_written(signature: str) -> bool:
    """Whether a signature is to the letter as ``sign`` or minisign writes it, also in its first line, which none signs.

    Raises:
        BundleError: It is no signature of minisign.
    """
    algorithm, identity, signed, trusted, whole = _parsed(signature)
    firsts = (_first_line(identity), f"{COMMENT}signature from minisign secret key")
    rest = _text(algorithm + identity + signed, trusted, whole)
    return signature.replace("\r\n", "\n") in [f"{first}\n{rest}" for first in firsts]


def _first_line(identity: bytes) -> str:
    return f"{COMMENT}signature from medseg, key {PublicKey(identity, b'').name}"


def _text(signature: bytes, trusted: str, whole: bytes) -> str:
    """All lines but the first."""
    return f"{encoded(signature)}\n{_TRUSTED}{trusted}\n{encoded(whole)}\n"


def _parsed(signature: str) -> tuple[bytes, bytes, bytes, str, bytes]:
    """Algorithm, id, signature, trusted comment, signature over both."""
    lines = [line.removesuffix("\r") for line in signature.split("\n")]  # no other sign ends a line of minisign
    if len(lines) < 4 or not lines[0].startswith(COMMENT) or not lines[2].startswith(_TRUSTED):
        raise BundleError("the signature is not in minisign's format; its four lines begin with 'untrusted comment: '")
    one, whole = decoded(lines[1]), decoded(lines[3])
    if len(one) != 74 or one[:2] not in (ED25519, _HASHED) or len(whole) != 64:
        raise BundleError("the signature is damaged: its lines of base64 have not the length of an Ed25519 signature")
    return one[:2], one[2:10], one[10:], lines[2].removeprefix(_TRUSTED), whole


def encoded(raw: bytes) -> str:
    """Base64 in one line."""
    return base64.b64encode(raw).decode("ascii")


def decoded(text: str) -> bytes:
    """Bytes of a line of base64; none where it is something else."""
    try:
        return base64.b64decode(text.encode("ascii"), validate=True) if re.fullmatch(r"[A-Za-z0-9+/=]+", text) else b""
    except (binascii.Error, UnicodeEncodeError):
        return b""

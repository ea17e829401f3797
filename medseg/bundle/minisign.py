"""Ed25519 keys and signatures in the format of minisign, so that a site can check them without medseg.

Source: the format's description at https://jedisct1.github.io/minisign/ and RFC 8032. The arithmetic is that of the
package cryptography; a test has Debian's minisign check our signatures, and us its own.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from medseg.core.errors import BundleError, OutputError, UsageError

ENDING = ".minisig"
_PUBLIC = b"Ed"  # algorithm of a key, and of a signature over the bytes themselves
_HASHED = b"ED"  # of a signature over their BLAKE2b-512
_SCRYPT, _PLAIN = b"Sc", b"\0\0"  # how a secret key is kept: behind a password, or as it is
_BLAKE = b"B2"
_COMMENT, _TRUSTED = "untrusted comment: ", "trusted comment: "
_SECRET_BYTES = 104  # of a secret key behind a password: id 8, seed 32, public 32, checksum 32


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
        return _encoded(_PUBLIC + self.id + self.key)


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
    lines = [
        f"{_COMMENT}signature from medseg, key {key.public.name}",
        _encoded(_HASHED + key.id + signature),
        f"{_TRUSTED}{trusted}",
        _encoded(signer.sign(signature + trusted.encode())),
    ]
    return "\n".join(lines) + "\n"


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


def read_public_key(given: str) -> PublicKey:
    """A public key.

    Args:
        given: A file that minisign or medseg wrote, or its line of base64.

    Raises:
        UsageError: It is neither.
    """
    if (key := public_key_of(given)) is not None:  # before files: one may be called as another's key reads
        return key
    is_file = os.path.isfile(given)  # os.path, not Path: it answers False where a text is too long for a name
    key = public_key_of(_read(Path(given))) if is_file else None
    if key is None:
        what = f"'{given}' is no public key of minisign" if is_file else f"no file '{given}', nor is that a public key"
        raise UsageError(f"{what}. Give the file NAME.pub, or its second line.")
    return key


def public_key_of(text: str) -> PublicKey | None:
    """The public key that a text is: that of a file, or its line of base64; None where it is none."""
    raw = _decoded(_line(text))
    return PublicKey(raw[2:10], raw[10:]) if len(raw) == 42 and raw[:2] == _PUBLIC else None


def read_secret_key(path: Path, password: str | None) -> SecretKey:
    """A secret key.

    Args:
        path: A file that minisign or medseg wrote.
        password: Opens it; None where it has none.

    Raises:
        UsageError: It is no secret key, or the password does not open it.
    """
    raw = _decoded(_line(_read(path)))
    if len(raw) != 158 or raw[:2] != _PUBLIC or raw[2:4] not in (_SCRYPT, _PLAIN) or raw[4:6] != _BLAKE:
        raise UsageError(f"'{path}' is no secret key of minisign. Give NAME.key, as `medseg keygen` writes it.")
    secret = raw[54:]
    if raw[2:4] == _SCRYPT:
        if password is None:
            raise UsageError(f"'{path}' is kept behind a password, and none was given.")
        secret = _opened(secret, password, raw[6:38], raw[38:46], raw[46:54])
        if hashlib.blake2b(_PUBLIC + secret[:72], digest_size=32).digest() != secret[72:]:
            raise UsageError(f"'{path}': the password does not open this key.")
    key = SecretKey(secret[:8], secret[8:40])
    if key.public.key != secret[40:72]:
        raise UsageError(f"'{path}' is damaged: its public half does not belong to its secret half.")
    return key


def has_password(path: Path) -> bool:
    """Whether a secret key is kept behind a password; False for what is no key."""
    return _decoded(_line(_read(path)))[2:4] == _SCRYPT


def secret_text(key: SecretKey) -> str:
    """Text of the file of a secret key, without a password."""
    secret = key.id + key.seed + key.public.key
    check = hashlib.blake2b(_PUBLIC + secret, digest_size=32).digest()
    raw = _PUBLIC + _PLAIN + _BLAKE + bytes(32 + 8 + 8) + secret + check
    return f"{_COMMENT}minisign secret key, without a password; keep it to yourself\n{_encoded(raw)}\n"


def public_text(key: PublicKey) -> str:
    """Text of the file of a public key."""
    return f"{_COMMENT}minisign public key {key.name}\n{key.text}\n"


def _opened(secret: bytes, password: str, salt: bytes, operations: bytes, memory: bytes) -> bytes:
    """A secret key out of its password: xor with what scrypt makes of it, by the parameters that libsodium derives."""
    n, r, p = _scrypt_parameters(int.from_bytes(operations, "little"), int.from_bytes(memory, "little"))
    memory_bytes = 128 * r * (n + p + 2) + 2**10
    try:
        stream = hashlib.scrypt(password.encode(), salt=salt, n=n, r=r, p=p, dklen=_SECRET_BYTES, maxmem=memory_bytes)
    except (ValueError, OverflowError, MemoryError) as error:
        reason = f"its password takes {memory_bytes >> 20} MiB of memory ({error})"
        raise UsageError(f"This key cannot be opened here: {reason}.") from None
    return bytes(a ^ b for a, b in zip(secret, stream, strict=True))


def _scrypt_parameters(operations: int, memory: int) -> tuple[int, int, int]:
    """N, r and p from limits of operations and bytes, as ``crypto_pwhash_scryptsalsa208sha256`` chooses them."""
    operations, r = max(operations, 32768), 8
    if operations < memory // 32:
        most = operations // (r * 4)
        return 2 ** _power(most), r, 1
    power = _power(memory // (r * 128))
    return 2**power, r, min((operations // 4) // 2**power, 0x3FFFFFFF) // r


def _power(most: int) -> int:
    """The smallest power of two, from 1 on, that is more than half of ``most``; 24 at most, for 16 GiB of memory."""
    return next((n for n in range(1, 24) if 2**n > most // 2), 24)


def _parsed(signature: str) -> tuple[bytes, bytes, bytes, str, bytes]:
    """Algorithm, id, signature, trusted comment, signature over both."""
    lines = [line.removesuffix("\r") for line in signature.split("\n")]  # no other sign ends a line of minisign
    if len(lines) < 4 or not lines[0].startswith(_COMMENT) or not lines[2].startswith(_TRUSTED):
        raise BundleError("the signature is not in minisign's format; its four lines begin with 'untrusted comment: '")
    one, whole = _decoded(lines[1]), _decoded(lines[3])
    if len(one) != 74 or one[:2] not in (_PUBLIC, _HASHED) or len(whole) != 64:
        raise BundleError("the signature is damaged: its lines of base64 have not the length of an Ed25519 signature")
    return one[:2], one[2:10], one[10:], lines[2].removeprefix(_TRUSTED), whole


def _line(text: str) -> str:
    """The line that holds the key: the last that is not a comment."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith(_COMMENT)]
    return lines[0] if len(lines) == 1 else ""


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"Key '{path}' cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}."
        ) from None


def _encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _decoded(text: str) -> bytes:
    """Bytes of base64; none where it is something else."""
    try:
        return base64.b64decode(text.encode("ascii"), validate=True) if re.fullmatch(r"[A-Za-z0-9+/=]+", text) else b""
    except (binascii.Error, UnicodeEncodeError):
        return b""


def write_key_pair(secret: Path, public: Path, key: SecretKey) -> None:
    """Write both halves of a key; the secret one for its owner's eyes alone.

    Raises:
        OutputError: A file exists, or cannot be written.
    """
    for path in (secret, public):
        if os.path.lexists(path):
            raise OutputError(f"'{path}' exists; a key that is replaced is lost. Name another.")
    try:
        secret.parent.mkdir(parents=True, exist_ok=True)
        with public.open("x", encoding="utf-8") as stream:
            stream.write(public_text(key.public))
        with os.fdopen(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
            stream.write(secret_text(key))
    except OSError as error:
        for path in (secret, public):  # half a pair would stand in the way of the next try
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        raise OutputError(f"Cannot write the keys '{secret}' and '{public}': {error.strerror}.") from error

"""Keys of minisign as files and lines of text, with and without a password; see ``minisign``."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from medseg.bundle.minisign import COMMENT, ED25519, PublicKey, SecretKey, decoded, encoded
from medseg.core.errors import OutputError, UsageError

_SCRYPT, _PLAIN = b"Sc", b"\0\0"  # how a secret key is kept: behind a password, or as it is
_BLAKE = b"B2"
_SECRET_BYTES = 104  # of a secret key behind a password: id 8, seed 32, public 32, checksum 32


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
    raw = decoded(_line(text))
    return PublicKey(raw[2:10], raw[10:]) if len(raw) == 42 and raw[:2] == ED25519 else None


def read_secret_key(path: Path, password: str | None) -> SecretKey:
    """A secret key.

    Args:
        path: A file that minisign or medseg wrote.
        password: Opens it; None where it has none.

    Raises:
        UsageError: It is no secret key, or the password does not open it.
    """
    raw = decoded(_line(_read(path)))
    if len(raw) != 158 or raw[:2] != ED25519 or raw[2:4] not in (_SCRYPT, _PLAIN) or raw[4:6] != _BLAKE:
        raise UsageError(f"'{path}' is no secret key of minisign. Give NAME.key, as `medseg keygen` writes it.")
    secret = raw[54:]
    if raw[2:4] == _SCRYPT:
        if password is None:
            raise UsageError(f"'{path}' is kept behind a password, and none was given.")
        secret = _opened(secret, password, raw[6:38], raw[38:46], raw[46:54])
        if hashlib.blake2b(ED25519 + secret[:72], digest_size=32).digest() != secret[72:]:
            raise UsageError(f"'{path}': the password does not open this key.")
    key = SecretKey(secret[:8], secret[8:40])
    if key.public.key != secret[40:72]:
        raise UsageError(f"'{path}' is damaged: its public half does not belong to its secret half.")
    return key


def has_password(path: Path) -> bool:
    """Whether a secret key is kept behind a password; False for what is no key."""
    return decoded(_line(_read(path)))[2:4] == _SCRYPT


def secret_text(key: SecretKey) -> str:
    """Text of the file of a secret key, without a password."""
    secret = key.id + key.seed + key.public.key
    check = hashlib.blake2b(ED25519 + secret, digest_size=32).digest()
    raw = ED25519 + _PLAIN + _BLAKE + bytes(32 + 8 + 8) + secret + check
    return f"{COMMENT}minisign secret key, without a password; keep it to yourself\n{encoded(raw)}\n"


def public_text(key: PublicKey) -> str:
    """Text of the file of a public key."""
    return f"{COMMENT}minisign public key {key.name}\n{key.text}\n"


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


def _line(text: str) -> str:
    """The line that holds the key: the last that is not a comment."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith(COMMENT)]
    return lines[0] if len(lines) == 1 else ""


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"Key '{path}' cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}."
        ) from None

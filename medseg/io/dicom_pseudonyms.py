"""Names in place of names: what a secret key makes of a patient, a UID and a folder, the same each time."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import uuid
from dataclasses import dataclass, field

_WELL_KNOWN = "1.2.840.10008."  # PS3.6: what DICOM itself registers; it names no instance
SHORTEST_KEY = 16  # bytes; with 128 bits no one can try all keys to find a patient's number again


@dataclass(frozen=True)
class Pseudonyms:
    """A one-way mapping; who has the key can repeat it, and who has not cannot guess a source from a result.

    Attributes:
        key: At least ``SHORTEST_KEY`` secret bytes; never shown.
    """

    key: bytes = field(repr=False)

    @classmethod
    def random(cls) -> Pseudonyms:
        """A mapping that no one can repeat."""
        return cls(secrets.token_bytes(32))

    @property
    def fingerprint(self) -> str:
        """Tells keys apart and gives nothing away: 16 hexadecimal digits."""
        return self._digest("key", "").hex()[:16]

    def uid(self, uid: str) -> str:
        """New UID for one of an instance; empty and registered ones stay.

        Source: DICOM PS3.5 B.2, UIDs made from a UUID.
        """
        found = uid.strip(" \0")
        if not found or found.startswith(_WELL_KNOWN):
            return found
        # Version 8 of RFC 9562 is for digests of one's own choice; the bits only mark it as such.
        number = int.from_bytes(self._digest("uid", found)[:16], "big")
        number = number & ~(0xF << 76) & ~(0x3 << 62) | 8 << 76 | 2 << 62
        return f"2.25.{uuid.UUID(int=number).int}"

    def patient(self, *identity: str) -> str:
        """Pseudonym, for example "P5F0C1E22A97B"; the same for the same identity.

        Args:
            identity: What tells the patient from others, for example the PatientID; spaces around do not count.
        """
        return "P" + self._digest("patient", "\0".join(word.strip(" \0") for word in identity)).hex()[:12].upper()

    def folder(self, *uids: str) -> str:
        """Name for a folder or file that stands for these UIDs: 12 hexadecimal digits."""
        return self._digest("folder", "\0".join(uids)).hex()[:12]

    def _digest(self, purpose: str, text: str) -> bytes:
        return hmac.digest(self.key, f"{purpose}\0{text}".encode(), hashlib.sha256)

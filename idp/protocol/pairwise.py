"""Pairwise subject identifiers (OpenID Connect Core 1.0, section 8.1): apps of different sectors cannot compare people.

The person is encrypted for the sector, deterministically (AES-SIV, RFC 5297): whoever holds the key needs no table to
find the person again, nobody else learns anything, and an identifier of another sector is not one at all.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

LENGTH = 43
"""Characters."""


class PairwiseSubjects:
    """Gives out the identifiers of people, and recognises them."""

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        """`key`: a secret that all nodes share, and that never changes: every identifier would change with it."""
        self._cipher = AESSIV(hashlib.sha512(b"munjigi-pairwise\0" + key).digest())

    def __repr__(self) -> str:
        return "PairwiseSubjects(key=[secret])"

    def of(self, user_id: UUID, sector: str) -> str:
        """The identifier of a person for one sector."""
        sealed = self._cipher.encrypt(user_id.bytes, [sector.encode()])
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def user_of(self, subject: str, sector: str) -> UUID | None:
        """The person; None for what is no identifier of this sector."""
        if len(subject) != LENGTH:
            return None
        try:
            return UUID(bytes=self._cipher.decrypt(base64.urlsafe_b64decode(subject + "="), [sector.encode()]))
        except (InvalidTag, ValueError, binascii.Error):
            return None

"""Pairwise identifiers (OpenID Connect Core 1.0, section 8.1): apps of different sectors cannot compare people, nor
their sessions, of which a person has one at a time.

The person is encrypted for the sector, deterministically (AES-SIV, RFC 5297): whoever holds the key needs no table to
find the person again, nobody else learns anything, and an identifier of another sector is not one at all.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from urllib.parse import urlsplit
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

LENGTH = 43
"""Characters of a subject."""
SID_LENGTH = 72
"""Characters of a session's identifier."""
_SECTOR_SIZE = 16


def sector_hosts(redirect_uris: Iterable[str]) -> frozenset[str]:
    """The hosts of redirect URIs; one that has none, of an app on people's own machines, is a sector of its own."""
    return frozenset(urlsplit(uri).hostname or uri for uri in redirect_uris)


def sector_of(uris: Iterable[str]) -> str:
    """The one host of a client's `sector_identifier_uri`, or where it has none, of its redirect URIs.

    Raises `ValueError` where there is no such host, which registration does not let happen: nothing is issued then.
    """
    hosts = sector_hosts(uris)
    if len(hosts) != 1:
        raise ValueError("pairwise subjects need one host or a sector_identifier_uri")
    return next(iter(hosts))


class PairwiseSubjects:
    """Gives out the identifiers of people and of sessions, and recognises them."""

    __slots__ = ("_cipher", "_sessions")

    def __init__(self, key: bytes) -> None:
        """`key`: a secret that all nodes share, and that never changes: every identifier would change with it."""
        self._cipher = AESSIV(hashlib.sha512(b"munjigi-pairwise\0" + key).digest())
        self._sessions = AESSIV(hashlib.sha512(b"munjigi-pairwise-sid\0" + key).digest())

    def __repr__(self) -> str:
        return "PairwiseSubjects(key=[secret])"

    def of(self, user_id: UUID, sector: str) -> str:
        """The identifier of a person for one sector."""
        sealed = self._cipher.encrypt(user_id.bytes, [sector.encode()])
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def device_of(self, device_id: UUID, sector: str) -> str:
        """The identifier of a device for one sector: no host has a space in it, so that nobody's is one of a person."""
        return self.of(device_id, f"device {sector}")

    def user_of(self, subject: str, sector: str) -> UUID | None:
        """The person; None for what is no identifier of this sector."""
        if len(subject) != LENGTH:
            return None
        try:
            return UUID(bytes=self._cipher.decrypt(base64.urlsafe_b64decode(subject + "="), [sector.encode()]))
        except (InvalidTag, ValueError, binascii.Error):
            return None

    def sid_of(self, sid: str, sector: str) -> str:
        """The identifier of a session for one sector. It says of which, so that whoever reads it needs no client."""
        digest = hashlib.sha256(sector.encode()).digest()[:_SECTOR_SIZE]
        return base64.urlsafe_b64encode(self._sessions.encrypt(digest + sid.encode(), None)).rstrip(b"=").decode()

    def session_of(self, shown: str) -> str:
        """The session that some sector, or everybody else, calls so."""
        if len(shown) != SID_LENGTH:
            return shown
        try:
            return self._sessions.decrypt(base64.urlsafe_b64decode(shown), None)[_SECTOR_SIZE:].decode()
        except (InvalidTag, ValueError, binascii.Error):
            return shown

"""Randomness as a value that is passed in, so that tests can repeat what chance decided."""

from __future__ import annotations

import secrets
import uuid
from typing import Protocol


class Entropy(Protocol):
    """Where a composition root gets the randomness that it hands on."""

    def token(self, size: int = 32) -> str:
        """A secret of `size` random bytes, base64url without padding. 16 bytes and more cannot be guessed."""

    def uuid(self) -> uuid.UUID:
        """A random (version 4) identifier, RFC 9562 section 5.4. An identifier is not a secret."""

    def digits(self, count: int) -> str:
        """A one-time code of `count` decimal digits, each equally likely."""


class SystemEntropy:
    """The operating system's generator."""

    def token(self, size: int = 32) -> str:
        return secrets.token_urlsafe(size)

    def uuid(self) -> uuid.UUID:
        return uuid.uuid4()

    def digits(self, count: int) -> str:
        return str(secrets.randbelow(10**count)).zfill(count)

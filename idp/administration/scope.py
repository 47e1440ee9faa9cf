"""How far an administrator sees, and the cursors of their lists."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

ADMINISTRATOR = "administrator"
"""The role whose holder administers an organisation."""
SUPPORT = "support"
"""The role whose holder helps its people, and sees of them what that takes."""


@dataclass(frozen=True, slots=True)
class Administrator:
    """Who asks, and what they administer; of what is for support, whose people they help."""

    user_id: UUID
    sid: str
    organisations: frozenset[UUID]
    """In which they have the role at this moment, by the directory or for a time."""
    correlation_id: str


class NameCursor(NamedTuple):
    """The last entry of a page that is ordered by name."""

    name: str
    id: UUID

    def encode(self) -> str:
        return _encode(f"{self.id} {self.name}")

    @classmethod
    def decode(cls, text: str) -> NameCursor:
        """Raises `ValueError` for anything else than `encode` made."""
        ident, _, name = _decode(text).partition(" ")
        return cls(name, UUID(ident))


class MomentCursor(NamedTuple):
    """The last entry of a page that is ordered by its moment, newest first."""

    at: datetime
    id: str

    def encode(self) -> str:
        return _encode(f"{self.at.isoformat()} {self.id}")

    @classmethod
    def decode(cls, text: str) -> MomentCursor:
        """Raises `ValueError` likewise."""
        moment, _, ident = _decode(text).partition(" ")
        at = datetime.fromisoformat(moment)
        if at.tzinfo is None or not ident:
            raise ValueError("not a cursor")
        return cls(at, ident)


class EntryCursor(NamedTuple):
    """The same, where entries have UUIDs."""

    at: datetime
    id: UUID

    def encode(self) -> str:
        return MomentCursor(self.at, str(self.id)).encode()

    @classmethod
    def decode(cls, text: str) -> EntryCursor:
        """Raises `ValueError` likewise."""
        found = MomentCursor.decode(text)
        return cls(found.at, UUID(found.id))


def _encode(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(text: str) -> str:
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        decoded = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError) as error:
        raise ValueError("not a cursor") from error
    if "\0" in decoded:
        raise ValueError("not a cursor")
    return decoded

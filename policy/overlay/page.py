"""Where a page of a list begins: after something of a moment, and of that moment after its id."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from uuid import UUID

import msgspec


class Place(msgspec.Struct, frozen=True):
    """The last one of the page before."""

    at: datetime
    id: str

    def encode(self) -> str:
        """As the list gives it out: opaque."""
        written = f"{self.at.isoformat()} {self.id}".encode()
        return base64.urlsafe_b64encode(written).rstrip(b"=").decode()

    @classmethod
    def decode(cls, text: str) -> Place:
        """Raises `ValueError` where it is none that was given out."""
        try:
            written = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode("ascii")
        except (binascii.Error, UnicodeError) as error:
            raise ValueError("not a place in a list") from error
        at, _, ident = written.partition(" ")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError("a moment without a time zone")
        return cls(moment, str(UUID(ident)))

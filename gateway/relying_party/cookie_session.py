"""A cookie session: which browser stands for which session, and the tokens that it holds, sealed for their row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from config.envelope import Envelope
from gateway.callers.identity import Identity, read_identity
from jose.jws import named_key


@dataclass(frozen=True, slots=True)
class CookieSession:
    """One, as it is stored."""

    cookie_sha256: bytes
    sid: str
    contents_sealed: bytes
    access_expires_at: datetime
    begun_at: datetime
    expires_at: datetime
    """When it is over at the latest; an upper bound, the session itself may end before."""
    ended_at: datetime | None = None
    ended_reason: str | None = None
    ended_by: dict[str, Any] | None = None


class Contents(msgspec.Struct, frozen=True):
    """The tokens of one cookie session, and what they said when they were verified."""

    access_token: str
    refresh_token: str
    id_token: str
    claims: dict[str, Any]
    """Of the access token."""
    name: str
    locale: str
    session_address: str
    """The client address of the sign-in."""
    session_browser: str = ""
    """Which browser it was, as `gateway.inbound.browser` tells them apart; empty: unknown."""
    email: str = ""
    """Verified, of the sign-in; empty: unknown."""

    def __repr__(self) -> str:
        return "Contents([secret])"

    def identity(self) -> Identity:
        """Who they speak for. Raises `UnusableToken`."""
        return read_identity(
            self.claims,
            name=self.name,
            locale=self.locale,
            email=self.email,
            session_address=self.session_address,
            session_browser=self.session_browser,
            kid=named_key(self.access_token),
        )


def seal(contents: Contents, envelope: Envelope, cookie_sha256: bytes) -> bytes:
    """Seal for the row of one cookie, where alone it opens."""
    return envelope.seal(msgspec.json.encode(contents), _context(cookie_sha256))


def unseal(sealed: bytes, envelope: Envelope, cookie_sha256: bytes) -> Contents:
    """Open what `seal` closed. Raises `EnvelopeError`."""
    return msgspec.json.decode(envelope.open(sealed, _context(cookie_sha256)), type=Contents)


def _context(cookie_sha256: bytes) -> str:
    return f"gateway.cookie_session:{cookie_sha256.hex()}"

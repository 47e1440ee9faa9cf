"""Where each sign-in that a browser began was to lead, remembered by that browser alone.

A sign-in is taken once and not for long, and then nothing is left of it here. By this cookie one that comes back stale,
or a second time, begins anew towards the same page instead of failing; so often, and no more.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from urllib.parse import urlencode

import msgspec

from gateway.relying_party.return_path import return_path

LIFETIME = 12 * 3600
"""Seconds: a tab with an old sign-in page may stay open for a day's work."""
RESTARTS = 2
"""How often a sign-in begins anew by itself, until its person is asked."""
REMEMBERED = 6
SIZE_LIMIT = 3500
"""Bytes of the cookie's value; browsers keep 4096 with its name and attributes (RFC 6265bis, section 5.5)."""


class Way(msgspec.Struct, frozen=True, array_like=True):
    """One sign-in under way."""

    mark: str
    """The beginning of the digest of its state."""
    return_to: str
    acr: str | None = None
    max_age: int | None = None
    restarts: int = 0
    """How often it began anew by itself before."""

    def address(self, *, restarted: bool = False) -> str:
        """Where it begins anew."""
        wanted = {
            "return_to": return_path(self.return_to),
            **({"acr_values": self.acr} if self.acr else {}),
            **({"max_age": str(self.max_age)} if self.max_age is not None else {}),
            **({"again": str(self.restarts + 1)} if restarted else {}),
        }
        return f"/.munjigi/sign-in?{urlencode(wanted)}"


def read(cookie: str | None) -> list[Way]:
    """The newest first; nothing of a cookie that is not sound."""
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(cookie or ""), type=list[Way])
    except (msgspec.MsgspecError, binascii.Error, ValueError):
        return []


def write(ways: Sequence[Way]) -> str:
    """The value of the cookie; what was begun longest ago goes first where there are too many."""
    kept = list(ways[:REMEMBERED])
    while True:
        value = base64.urlsafe_b64encode(msgspec.json.encode(kept)).decode()
        if len(value) <= SIZE_LIMIT:
            return value
        kept.pop()


def mark(state: str) -> str:
    """How a sign-in is called in the cookie: its state itself would be of use to whoever reads it."""
    return hashlib.sha256(b"munjigi-way\0" + state.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def find(ways: Sequence[Way], state: str) -> Way | None:
    """The one of a state; None where this browser did not begin it, or too long ago."""
    wanted = mark(state)
    return next((way for way in ways if way.mark == wanted), None)

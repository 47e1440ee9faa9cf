"""The MAC that each hop between two steps of a login carries: no other step, login or browser accepts it.

A hop is `<login id>.<MAC>`, the MAC being HMAC-SHA256 over the step that may accept it, the login and the browser. It
stands in addresses and, as the proof against forged requests, in every form of the login's pages.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from uuid import UUID

from idp.authorization.next_step import Step

CONTINUE = "continue"
"""The step of the dispatcher itself; the others are the pages' (`Step`)."""

KEY_SIZE = 32


class WrongHop(Exception):
    """A hop that this step does not accept: forged, of another step, another login's or another browser's."""


def browser_hash(cookie: str) -> bytes:
    """What is kept of the login cookie's value."""
    return hashlib.sha256(cookie.encode()).digest()


class StepMac:
    """Issues and accepts hops, with a key that all nodes share."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_SIZE:
            raise ValueError(f"the key of the step MAC needs {KEY_SIZE} bytes")
        self._key = key

    def __repr__(self) -> str:
        return "StepMac(key=[secret])"

    def issue(self, login_id: UUID, step: Step | str, browser: bytes) -> str:
        """A hop to `step`; `browser` is the login's `browser_hash`."""
        return f"{_encode(login_id.bytes)}.{_encode(self._mac(login_id, step, browser))}"

    def accept(self, hop: str, step: Step | str, browser: bytes) -> UUID:
        """The login that a hop names, if it was issued to `step` for this browser. Raises `WrongHop`."""
        name, _, mac = hop.partition(".")
        try:
            login_id = UUID(bytes=_decode(name))
            given = _decode(mac)
        except ValueError:
            raise WrongHop("not a hop") from None
        if not hmac.compare_digest(self._mac(login_id, step, browser), given):
            raise WrongHop("a hop of another step, login or browser")
        return login_id

    def _mac(self, login_id: UUID, step: Step | str, browser: bytes) -> bytes:
        message = b"munjigi-hop\0" + str(step).encode() + b"\0" + login_id.bytes + browser
        return hmac.digest(self._key, message, "sha256")


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    if len(text) > 64 or not text.isascii():
        raise ValueError("too long, or not ASCII")
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)

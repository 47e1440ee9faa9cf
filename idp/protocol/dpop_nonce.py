"""Nonces that a proof of a key must repeat (RFC 9449, section 8): they say when a proof was made, by our own clock.

Nothing is kept of them: a nonce is a moment and its MAC, under a key that all nodes share.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Final

STEP: Final = 30
"""Seconds: nonces that are given out within one step are the same."""
LIFETIME: Final = 300
"""Seconds for which a nonce is good, give or take one step."""
KEY_SIZE: Final = 32
_MOMENT, _MAC = 6, 16


class Nonces:
    """Gives them out, and takes them back."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_SIZE:
            raise ValueError(f"the key of nonces needs {KEY_SIZE} bytes")
        self._key = key

    def __repr__(self) -> str:
        return "Nonces(key=[secret])"

    def issue(self, now: float) -> str:
        """The nonce of this moment (epoch seconds)."""
        moment = (int(now) // STEP).to_bytes(_MOMENT)
        return base64.urlsafe_b64encode(moment + self._mac(moment)).decode().rstrip("=")

    def accepts(self, nonce: str, now: float) -> bool:
        """Whether a nonce is one of ours, and not too old."""
        try:
            raw = base64.b64decode(nonce + "=" * (-len(nonce) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return False
        moment, mac = raw[:_MOMENT], raw[_MOMENT:]
        if not hmac.compare_digest(mac, self._mac(moment)):
            return False
        age = int(now) // STEP - int.from_bytes(moment)
        # one step ahead is another node whose clock is
        return -1 <= age <= LIFETIME // STEP

    def _mac(self, moment: bytes) -> bytes:
        return hmac.digest(self._key, b"munjigi-dpop-nonce\0" + moment, "sha256")[:_MAC]

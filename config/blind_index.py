"""By what a sealed value is found again: a keyed digest that says nothing of it to whoever has not the key.

Sealing the same value twice gives two ciphertexts, so a sealed column cannot be searched; this stands beside it. A
plain hash would not do: telephone numbers are few enough to hash them all.
"""

from __future__ import annotations

import hmac

KEY_SIZE = 32


class BlindIndex:
    """HMAC-SHA256 under one key; each kind of value has a key of its own."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_SIZE:
            raise ValueError(f"the key of a blind index needs {KEY_SIZE} bytes")
        self._key = key

    def __repr__(self) -> str:
        return "BlindIndex(key=[secret])"

    def of(self, value: str) -> bytes:
        """The digest of a value in its normal form."""
        return hmac.digest(self._key, value.encode(), "sha256")

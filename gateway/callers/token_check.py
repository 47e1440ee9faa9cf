"""Access tokens (RFC 9068): verified once, then found by their SHA-256 until they expire."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from gateway.callers.caller import Caller
from gateway.callers.identity import UnusableToken, read_identity
from jose import jws
from jose.jws import InvalidToken, Refusal
from jose.keys import PublicKeys

AUDIENCE = "urn:munjigi:services"
TYPE = "at+jwt"


class TokenCheck:
    """A bounded cache of verified tokens. Its key is the whole token's digest, and every other input (issuer, audience,
    keys) is the same for all of them; a change of keys empties it."""

    def __init__(self, *, issuer: str, keys: Callable[[], PublicKeys], limit: int = 50_000) -> None:
        self._issuer = issuer
        self._keys = keys
        self._limit = limit
        self._known: OrderedDict[bytes, Caller] = OrderedDict()

    def find(self, digest: bytes, now: float) -> Caller | None:
        """The token of a SHA-256 that was verified before; None: it must be. Raises `InvalidToken` once it expired."""
        caller = self._known.get(digest)
        if caller is not None and now >= caller.identity.expires_at:
            del self._known[digest]
            raise InvalidToken(Refusal.EXPIRED)
        return caller

    def verify(self, token: bytes, now: float) -> Caller:
        """Verify and remember. Raises `InvalidToken`; with `UNKNOWN_KEY` the keys may be fetched anew."""
        try:
            identity = read_identity(self.claims(token.decode("ascii", "replace"), now))
        except UnusableToken as error:
            raise InvalidToken(Refusal.CLAIMS) from error
        caller = self._known[hashlib.sha256(token).digest()] = Caller(identity)
        while len(self._known) > self._limit:
            self._known.popitem(last=False)
        return caller

    def claims(self, token: str, now: float) -> dict[str, Any]:
        """The claims of a sound token, not remembered. Raises `InvalidToken`."""
        return jws.verify(
            token,
            self._keys(),
            expected_typ=TYPE,
            expected_issuer=self._issuer,
            expected_audience=AUDIENCE,
            now=now,
        )

    def forget_all(self) -> None:
        """The keys changed: what they vouched for must be verified again."""
        self._known.clear()

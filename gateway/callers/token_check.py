"""Access tokens (RFC 9068): verified once, then found by their SHA-256 until they expire."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Any
from uuid import UUID

from gateway.callers.caller import Caller
from gateway.callers.identity import UnusableToken, read_identity
from jose import jws
from jose.jws import InvalidToken, Refusal
from jose.keys import PublicKeys

AUDIENCE = "urn:munjigi:services"
TYPE = "at+jwt"


class TokenCheck:
    """A bounded cache of verified tokens. Its key is the whole token's digest; issuer, keys, and the audience of tokens
    for all services are the same for all of them, and a change of keys empties it. A token for one host of ours alone
    (RFC 8707, by the identifier that RFC 9728 gives it) is remembered with that host."""

    def __init__(self, *, issuer: str, keys: Callable[[], PublicKeys], scheme: str, limit: int = 50_000) -> None:
        self._issuer = issuer
        self._scheme = scheme
        self._keys = keys
        self._limit = limit
        self._known: OrderedDict[bytes, Caller] = OrderedDict()

    def find(self, digest: bytes, now: float, authority: str) -> Caller | None:
        """The token of a SHA-256 that was verified before, for this host; None: it must be.

        Raises `InvalidToken` once it expired.
        """
        caller = self._known.get(digest)
        if caller is not None and caller.only_at and caller.only_at != authority:
            return None
        if caller is not None and now >= caller.identity.expires_at:
            del self._known[digest]
            raise InvalidToken(Refusal.EXPIRED)
        return caller

    def knows(self, digest: bytes, caller: Caller) -> bool:
        """Whether that token stands for this caller still, whenever it expires and wherever it is good."""
        return self._known.get(digest) is caller

    def verify(self, token: bytes, now: float, authority: str) -> Caller:
        """Verify for a host, and remember. Raises `InvalidToken`; with `UNKNOWN_KEY` the keys may be fetched anew."""
        text, only_at = token.decode("ascii", "replace"), ""
        try:
            try:
                identity = read_identity(self.claims(text, now))
            except InvalidToken as error:
                if error.refusal is not Refusal.AUDIENCE:
                    raise
                identity, only_at = read_identity(self._claims_for(text, now, authority)), authority
        except UnusableToken as error:
            raise InvalidToken(Refusal.CLAIMS) from error
        caller = self._known[hashlib.sha256(token).digest()] = Caller(identity, only_at=only_at)
        while len(self._known) > self._limit:
            self._known.popitem(last=False)
        return caller

    def claims(self, token: str, now: float) -> dict[str, Any]:
        """The claims of a sound token for all services, not remembered. Raises `InvalidToken`."""
        return self._verified(token, now, AUDIENCE)

    def claims_of_then(self, token: str, issued_at: float) -> dict[str, Any]:
        """The claims of a token that was sound when it was issued, whether or not it has expired since; by the keys of
        now. Raises `InvalidToken`."""
        return self._verified(token, issued_at, AUDIENCE)

    def _claims_for(self, token: str, now: float, authority: str) -> dict[str, Any]:
        """Of one for a host alone. A client that knows people by names of its own gets no token for us (OIDC Core 1.0,
        section 8.1): what it calls them would be somebody else here."""
        claims = self._verified(token, now, f"{self._scheme}://{authority}")
        if claims.get("sub") != claims.get("client_id") and not _names_a_person(claims.get("sub")):
            raise InvalidToken(Refusal.CLAIMS)
        return claims

    def _verified(self, token: str, now: float, audience: str) -> dict[str, Any]:
        return jws.verify(
            token,
            self._keys(),
            expected_typ=TYPE,
            expected_issuer=self._issuer,
            expected_audience=audience,
            now=now,
        )

    def forget_all(self) -> None:
        """The keys changed: what they vouched for must be verified again."""
        self._known.clear()


def _names_a_person(sub: object) -> bool:
    try:
        return str(UUID(str(sub))) == sub
    except ValueError:
        return False

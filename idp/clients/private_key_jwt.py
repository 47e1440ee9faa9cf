"""`private_key_jwt`: a client proves itself by a JWT that it signed (RFC 7523, section 3; OIDC Core 1.0, section 9)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from idp.clients.client import Client
from idp.protocol import fapi2
from jose.foreign import AHEAD, ALGORITHMS, ForeignKey, ForeignToken
from jose.jws import InvalidToken, Refusal

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST: Final = 300.0
"""Seconds after it was made for which an assertion is good, however late its `exp` is."""
LONGEST_JTI: Final = 256
_TYPES: Final = frozenset({"", "jwt", "client-authentication+jwt"})
"""A JWT that was signed for something else, such as a proof or a request object, is no assertion (RFC 8725, 3.11)."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """A sound one, which must be used once only."""

    jti: str
    made_at: float
    good_until: float
    """Both in epoch seconds."""


def check_assertion(
    token: ForeignToken,
    keys: Iterable[ForeignKey],
    client: Client,
    *,
    issuer: str,
    addresses: Collection[str],
    now: float,
) -> Assertion:
    """The assertion, if it is this client's and meant for us: for the issuer, or the `addresses` of its token endpoint.

    `now` is epoch seconds. Raises `InvalidToken`; `UnknownKey` where the client's keys may be fetched anew.
    """
    wanted = client.metadata.token_endpoint_auth_signing_alg
    allowed = fapi2.ALGORITHMS if fapi2.is_bound(client) else ALGORITHMS
    if token.algorithm not in allowed or wanted not in (None, token.algorithm):
        raise InvalidToken(Refusal.ALGORITHM)
    if token.typ not in _TYPES:
        raise InvalidToken(Refusal.TYPE)
    if token.text("iss") != client.client_id or token.text("sub") != client.client_id:
        raise InvalidToken(Refusal.ISSUER)
    if not _is_for_us(token.claims.get("aud"), client, issuer, addresses):
        raise InvalidToken(Refusal.AUDIENCE)
    assertion = _times(token, now)
    token.check_signature(keys)
    return assertion


def _is_for_us(audience: object, client: Client, issuer: str, addresses: Collection[str]) -> bool:
    if fapi2.is_bound(client):  # FAPI 2.0 Security Profile, section 5.3.2.1: the issuer, as one string
        return audience == issuer
    named = audience if isinstance(audience, list) else [audience]
    return any(one == issuer or one in addresses for one in named if isinstance(one, str))


def _times(token: ForeignToken, now: float) -> Assertion:
    expires, issued, starts = token.moment("exp"), token.moment("iat"), token.moment("nbf")
    jti = token.text("jti")
    if expires is None or not jti or len(jti) > LONGEST_JTI:
        raise InvalidToken(Refusal.CLAIMS)
    if any(name in token.claims and moment is None for name, moment in (("iat", issued), ("nbf", starts))):
        raise InvalidToken(Refusal.CLAIMS)
    if max(issued or 0.0, starts or 0.0) > now + AHEAD:
        raise InvalidToken(Refusal.NOT_YET)
    # one that does not say when it was made is not older than its `exp` lets it be
    made_at = issued if issued is not None else expires - LONGEST
    good_until = min(expires, made_at + LONGEST)
    if now >= good_until:
        raise InvalidToken(Refusal.EXPIRED)
    if made_at > now + AHEAD:  # only without `iat`: its `exp` is too far ahead
        raise InvalidToken(Refusal.CLAIMS)
    return Assertion(jti, made_at, good_until)

"""Request objects (RFC 9101): an authorization request as a JWT that its client signed.

Its signature is checked before (`jose.foreign`). Only what the object says counts (section 6.3), and an object that is
not signed is refused (section 10.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeGuard

import msgspec

from jose.foreign import AHEAD, ForeignToken

TYPES = frozenset({"oauth-authz-req+jwt", "jwt", ""})
"""Section 10.8; `JWT`, or none, is what clients of OpenID Connect Core 1.0, section 6, send."""
LONGEST_LIFE = 3600.0
"""Seconds between `nbf` and `exp`, and since `nbf`, under the FAPI 2.0 Message Signing profile, section 5.3.1."""

_OF_THE_JWT = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti"})
_REFUSED_INSIDE = ("request", "request_uri")


class InvalidRequestObject(ValueError):
    """`invalid_request_object`; the message says why, and may be shown."""


def parameters(
    token: ForeignToken,
    *,
    client_id: str,
    issuer: str,
    now: float,
    bounded: bool = False,
    backchannel: bool = False,
) -> list[tuple[str, str]]:
    """The request that an object holds, whose signature was checked, once its frame is found sound at `now` (epoch
    seconds).

    `bounded` asks for `nbf` and at most an hour of life; `backchannel` for what CIBA Core 1.0, section 7.1.1 does:
    `nbf`, `iat` and `jti`, and no `client_id`. Raises `InvalidRequestObject`.
    """
    if token.typ not in TYPES:
        raise InvalidRequestObject("the request object is a token of another type")
    claims = dict(token.claims)
    if backchannel:
        _framed_as_ciba_asks(claims)
        claims.setdefault("client_id", client_id)
    _frame(claims, client_id=client_id, issuer=issuer, now=now, bounded=bounded)
    found: list[tuple[str, str]] = []
    for name, value in claims.items():
        if name not in _OF_THE_JWT:
            found += _unfolded(name, value)
    return found


def _frame(claims: Mapping[str, object], *, client_id: str, issuer: str, now: float, bounded: bool) -> None:
    if any(name in claims for name in _REFUSED_INSIDE):
        raise InvalidRequestObject("the request object holds another one")
    if claims.get("iss") != client_id or claims.get("client_id") != client_id:
        raise InvalidRequestObject("iss and client_id of the request object must be the client's id")
    if claims.get("sub") == client_id:  # a client assertion is no request (section 10.8)
        raise InvalidRequestObject("the request object has a sub")
    audience = claims.get("aud")
    if audience != issuer and not (isinstance(audience, list) and issuer in audience):
        raise InvalidRequestObject("aud of the request object must be the issuer")
    _times(claims, now, bounded=bounded)


def _framed_as_ciba_asks(claims: Mapping[str, object]) -> None:
    if not (_is_moment(claims.get("nbf")) and _is_moment(claims.get("iat"))):
        raise InvalidRequestObject("nbf and iat of the request object must be moments, and be there")
    if not isinstance(claims.get("jti"), str) or not claims["jti"]:
        raise InvalidRequestObject("the request object has no jti")


def _times(claims: Mapping[str, object], now: float, *, bounded: bool) -> None:
    expires, starts = claims.get("exp"), claims.get("nbf")
    if not _is_moment(expires) or not (starts is None or _is_moment(starts)):
        raise InvalidRequestObject("exp and nbf of the request object must be moments, and exp be there")
    if now >= expires:
        raise InvalidRequestObject("the request object has expired")
    if starts is not None and starts > now + AHEAD:
        raise InvalidRequestObject("the request object is not good yet")
    if bounded and (starts is None or expires - starts > LONGEST_LIFE or now - starts > LONGEST_LIFE):
        raise InvalidRequestObject("the request object must have nbf, and live for an hour at most")


def _is_moment(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _unfolded(name: str, value: object) -> list[tuple[str, str]]:
    """A member as parameters: strings and numbers as they are, objects as JSON, only `resource` as a list."""
    match value:
        case str():
            return [(name, value)]
        case bool() | None:
            pass
        case int():
            return [(name, str(value))]
        case dict() if name == "claims":
            return [(name, msgspec.json.encode(value).decode())]
        case list() if name == "resource" and all(isinstance(one, str) for one in value):
            return [(name, one) for one in value]
        case _:
            pass
    raise InvalidRequestObject("a member of the request object has a type that no parameter has")

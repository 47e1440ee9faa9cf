"""The scopes there are, and which claims each lets a client see (OpenID Connect Core 1.0, section 5.4)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

OPENID = "openid"
SCOPES = (OPENID, "profile", "email")

_CLAIMS: Mapping[str, tuple[str, ...]] = {
    "profile": ("name", "preferred_username", "locale"),
    "email": ("email",),
}
CLAIMS = ("sub", *(claim for claims in _CLAIMS.values() for claim in claims))


def claims_of(scope: str) -> tuple[str, ...]:
    """What one scope shows, beside `sub`."""
    return _CLAIMS.get(scope, ())


def visible(claims: Mapping[str, object], scope: Collection[str]) -> dict[str, object]:
    """Those of a person's claims that these scopes show; what is not known of a person is left out."""
    names = {name for value in scope for name in _CLAIMS.get(value, ())}
    return {name: value for name, value in claims.items() if name in names and value is not None}


def split(text: str) -> tuple[str, ...]:
    """The values of a space-separated parameter (RFC 6749, section 3.3), each once, in order."""
    return tuple(dict.fromkeys(text.split()))

"""The scopes there are, and which claims each lets a client see (OpenID Connect Core 1.0, section 5.4)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

OPENID = "openid"
SCOPES = (OPENID, "profile", "email")

# a name is one field here, as people write it: given and family names are not guessed out of it
_CLAIMS: Mapping[str, tuple[str, ...]] = {
    "profile": ("name", "preferred_username", "locale", "zoneinfo", "updated_at"),
    "email": ("email", "email_verified"),
}
CLAIMS = ("sub", *(claim for claims in _CLAIMS.values() for claim in claims))


def claims_of(scope: Collection[str]) -> tuple[str, ...]:
    """The names of the claims that these scopes show, beside `sub`."""
    return tuple(name for value in scope for name in _CLAIMS.get(value, ()))


def showing(names: Collection[str]) -> tuple[str, ...]:
    """The scopes that would show these claims: what asking for them by name comes to, in the words of scopes."""
    return tuple(scope for scope, claims in _CLAIMS.items() if not set(claims).isdisjoint(names))


def visible(claims: Mapping[str, object], scope: Collection[str]) -> dict[str, object]:
    """Those of a person's claims that these scopes show; what is not known of a person is left out."""
    names = claims_of(scope)
    return {name: value for name, value in claims.items() if name in names and value is not None}


def in_order(scope: Iterable[str]) -> list[str]:
    """Each once, as people are told of them: in the order of `SCOPES`, then those of others as they were asked for."""
    asked = dict.fromkeys(scope)
    return [*(value for value in SCOPES if value in asked), *(value for value in asked if value not in SCOPES)]


def split(text: str) -> tuple[str, ...]:
    """The values of a space-separated parameter (RFC 6749, section 3.3), each once, in order."""
    return tuple(dict.fromkeys(text.split()))

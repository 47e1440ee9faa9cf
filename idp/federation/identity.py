"""Whom an upstream says that somebody is: pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from idp.directory.login_name import normalise
from idp.federation.problems import UpstreamUnsound
from idp.federation.provider import UpstreamProvider, domain_of

LONGEST_NAME = 100
EMAIL_SCOPE = "email"


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What is taken of the claims about a person."""

    name: str
    """Empty: it told none."""
    email: str | None
    """Verified by the upstream, and of a domain that is proven to be the organisation's; nothing else is believed."""
    shown: str
    """What a person knows the account by: a mail address or name, never believed."""


def wanted(provider: UpstreamProvider, claims: Mapping[str, Any]) -> bool:
    """Whether the userinfo endpoint could tell more that is wanted (OIDC Core 1.0, section 5.4)."""
    names = (provider.name_claim, *(("email",) if EMAIL_SCOPE in provider.scopes else ()))
    return any(name not in claims for name in names)


def with_userinfo(claims: Mapping[str, Any], told: Mapping[str, Any]) -> Mapping[str, Any]:
    """The claims of both. Raises `UpstreamUnsound` where userinfo is about somebody else (section 5.3.2)."""
    if told.get("sub") != claims["sub"]:
        raise UpstreamUnsound("userinfo is about somebody else")
    # whether an address is verified is said beside the address, and of no other one (section 5.1)
    source = claims if "email" in claims else told
    address = {name: source[name] for name in ("email", "email_verified") if name in source}
    if "email" in claims and "email_verified" not in claims and told.get("email") == claims["email"]:
        address["email_verified"] = told.get("email_verified")
    others = {name: value for name, value in {**told, **claims}.items() if name not in ("email", "email_verified")}
    return {**others, **address}


def described(provider: UpstreamProvider, claims: Mapping[str, Any]) -> Described:
    """What is taken of the claims."""
    name = _line(claims.get(provider.name_claim))
    told = _line(claims.get("email"))
    shown = told or name or _line(claims.get("preferred_username")) or str(claims["sub"])[:LONGEST_NAME]
    believed = claims.get("email_verified") is True and domain_of(told) in provider.domains
    email = normalise(told) if told and believed else None
    return Described(name=name, email=email, shown=shown)


def _line(value: object) -> str:
    """Text as one short line; empty where it is none."""
    if not isinstance(value, str):
        return ""
    return "".join(filter(str.isprintable, value)).strip()[:LONGEST_NAME]

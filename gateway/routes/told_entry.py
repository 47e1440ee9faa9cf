"""What an upstream is told of who asks, as it stands in the file of routes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from gateway.inbound.header_hygiene import HOP_BY_HOP, Treatment, plain_name, treatment
from gateway.vouching.told import AS_EVER, Claim, Told, WantedToken

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,62}")
_NEVER = re.compile(
    rb"munjigi-.*|x-forwarded|x-forwarded-(for|host|proto|port|prefix|server|uri|method)|forwarded|x-real-ip|"
    rb"(accept|access-control|content|if|sec|proxy|x-original|x-rewrite|x-http-method|x-envoy)(-.*)?|authorization|"
    rb"cookie|set-cookie|dpop|origin|referer|user-agent|range|date|via|cache-control|pragma|trace(parent|state)|"
    rb"x-method-override"
)
"""Fields that mean something else already."""
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*")
"""RFC 6749, section 3.3."""


class TokenEntry(msgspec.Struct, forbid_unknown_fields=True):
    """`token` of an upstream."""

    resource: str
    scope: str = ""


def read_told(name: str, *, assertion: bool, headers: Mapping[str, Claim], token: TokenEntry | None) -> Told:
    """What the upstream of that name is told. Raises `ValueError`, naming the entry."""
    told = Told(assertion, _headers(name, headers), None if token is None else _token(name, token))
    return AS_EVER if told == AS_EVER else told


def _headers(upstream: str, entries: Mapping[str, Claim]) -> tuple[tuple[bytes, Claim], ...]:
    found: dict[bytes, Claim] = {}
    for written, claim in entries.items():
        where = f"upstreams.{upstream}.headers.{written}"
        name = written.lower().encode()
        if not _NAME.fullmatch(written):
            raise ValueError(f"{where}: a field name of letters, digits and `-`")
        if name in HOP_BY_HOP or treatment(name) is Treatment.INSPECT or _NEVER.fullmatch(name):
            raise ValueError(f"{where}: this field means something else already")
        if plain_name(name) in found:
            raise ValueError(f"{where}: stands twice")
        found[name] = claim
    return tuple(found.items())


def _token(upstream: str, entry: TokenEntry) -> WantedToken:
    resource = urlsplit(entry.resource)
    if not resource.scheme or "#" in entry.resource or not entry.resource.isascii() or " " in entry.resource:
        raise ValueError(f"upstreams.{upstream}.token.resource: an absolute URI without fragment (RFC 8707, section 2)")
    if entry.scope and not _SCOPE.fullmatch(entry.scope):
        raise ValueError(f"upstreams.{upstream}.token.scope: scopes, separated by single spaces")
    return WantedToken(entry.resource, entry.scope)

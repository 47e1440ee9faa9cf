"""Who asks, as header fields that an upstream named: for software that reads no assertion.

A value is visible ASCII and spaces within. Anything else, and `%`, is percent-encoded UTF-8 (RFC 3986, section 2.1), in
a list `,` too, so that every value can be read back, and none breaks a line. (RFC 8187 encodes parameters, not values.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final
from urllib.parse import quote

from msgspec.structs import replace

from gateway.callers.caller import Caller
from gateway.callers.identity import Identity
from gateway.header import Header
from gateway.vouching.told import Claim, Told

_VISIBLE: Final = "".join(map(chr, range(0x21, 0x7F))).replace("%", "")
_IN_LISTS: Final = _VISIBLE.replace(",", "")


def plain_value(text: str, *, safe: str = _VISIBLE) -> bytes:
    """Text as a field value; nothing at its ends is lost."""
    bounded = text == text.strip(" ")
    return quote(text, safe=safe + " " if bounded else safe, errors="replace").encode("ascii")


def _listed(values: tuple[str, ...]) -> bytes:
    return b",".join([plain_value(value, safe=_IN_LISTS) for value in values])


_SAID: Final[Mapping[Claim, Callable[[Identity], bytes]]] = {
    Claim.SUB: lambda who: plain_value(who.subject.id),
    Claim.SID: lambda who: plain_value(who.sid),
    Claim.ORG: lambda who: plain_value(who.subject.organisation),
    Claim.ROLES: lambda who: _listed(who.roles),
    Claim.ACR: lambda who: plain_value(who.acr),
    Claim.AUTH_TIME: lambda who: (
        b"" if who.subject.authenticated_at is None else b"%d" % int(who.subject.authenticated_at)
    ),
    Claim.NAME: lambda who: plain_value(who.name),
    Claim.EMAIL: lambda who: plain_value(who.email),
    Claim.LOCALE: lambda who: plain_value(who.locale),
    Claim.DEVICE_ID: lambda who: plain_value(who.device_id),
    Claim.DEVICE_TRUST: lambda who: who.device_trust.name.lower().encode(),
    Claim.CLIENT_ID: lambda who: plain_value(who.client_id),
    Claim.ACTORS: lambda who: _listed(who.actors),
}


def identity_headers(caller: Caller, told: Told, roles: tuple[str, ...] | None = None) -> tuple[Header, ...]:
    """The fields for one caller, made once and kept with them until their token is refreshed. `roles`: other ones than
    the token's, for this request alone."""
    if roles is not None:
        return tuple(_made(replace(caller.identity, roles=roles), told))
    known = caller.headers
    if known is None:
        known = caller.headers = {}
    made = known.get(told)
    if made is None:
        made = known[told] = tuple(_made(caller.identity, told))
    return made


def _made(who: Identity, told: Told) -> Iterator[Header]:
    for name, claim in told.headers:
        if value := _SAID[claim](who):
            yield name, value

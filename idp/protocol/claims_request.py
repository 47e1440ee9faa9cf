"""The `claims` parameter (OpenID Connect Core 1.0, section 5.5): which claims are asked for, where, and how badly."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

LONGEST = 4096
"""Characters of the parameter."""
MOST = 64
"""Claims that one member asks for."""


class InvalidClaims(ValueError):
    """The parameter is not what section 5.5 describes; the message says why, and may be shown."""


class ClaimRequest(msgspec.Struct, frozen=True):
    """What is asked of one claim (section 5.5.1). Members that are not understood are ignored, as it says."""

    essential: bool = False
    value: str | int | float | bool | None = None
    values: tuple[str | int | float | bool, ...] = ()

    @property
    def wanted(self) -> tuple[str | int | float | bool, ...]:
        """The values that are asked for, the best first; empty: any."""
        return self.values if self.value is None else (self.value, *self.values)


ANY = ClaimRequest()
"""`null`: the claim, in the default manner."""


class ClaimsRequest(msgspec.Struct, frozen=True):
    """What is asked for in the ID token and at the UserInfo endpoint."""

    id_token: Mapping[str, ClaimRequest] = {}
    userinfo: Mapping[str, ClaimRequest] = {}

    def subjects(self) -> frozenset[str]:
        """The `sub` values that an answer may be about, as either member says; empty: anybody's."""
        wanted = [{str(v) for v in member["sub"].wanted} for member in self._members() if "sub" in member]
        named = [subjects for subjects in wanted if subjects]
        if len(named) == 2 and not named[0] & named[1]:
            raise InvalidClaims("claims asks for two different people")
        return frozenset(set.intersection(*named)) if named else frozenset()

    def acr(self, *, essential: bool) -> tuple[str, ...]:
        """The `acr` values asked for, as essential ones or as voluntary ones (section 5.5.1.1)."""
        asked = self.id_token.get("acr", ANY)
        return tuple(str(value) for value in asked.wanted) if asked.essential is essential else ()

    def _members(self) -> tuple[Mapping[str, ClaimRequest], ...]:
        return self.id_token, self.userinfo


class RequestedClaims(msgspec.Struct, frozen=True, omit_defaults=True):
    """What of a `claims` parameter lives on with the code: names of claims that this client may see."""

    id_token: tuple[str, ...] = ()
    userinfo: tuple[str, ...] = ()
    acr: tuple[str, ...] = ()
    """The strongest of these values that was reached stands as `acr` in the ID token; empty: the one that says most."""


NO_CLAIMS = RequestedClaims()
NOTHING_ASKED = ClaimsRequest()


def parse(text: str) -> ClaimsRequest:
    """Read the parameter. Raises `InvalidClaims`; nothing of it is guessed, and nothing may stand in it twice."""
    if len(text) > LONGEST:
        raise InvalidClaims("claims is too long")
    try:
        document = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, InvalidClaims) else "claims is not JSON"
        raise InvalidClaims(reason) from None
    if not isinstance(document, dict):
        raise InvalidClaims("claims is not a JSON object")
    return ClaimsRequest(id_token=_member(document, "id_token"), userinfo=_member(document, "userinfo"))


def visible(asked: ClaimsRequest, allowed: Collection[str], acr: tuple[str, ...]) -> RequestedClaims:
    """What of a request a client gets that may see these claims."""
    return RequestedClaims(
        id_token=tuple(name for name in asked.id_token if name in allowed),
        userinfo=tuple(name for name in asked.userinfo if name in allowed),
        acr=acr,
    )


def named(claims: Mapping[str, object], names: Collection[str]) -> dict[str, object]:
    """Those of a person's claims that were asked for by name; what is not known of a person is left out."""
    return {name: claims[name] for name in names if claims.get(name) is not None}


def _member(document: Mapping[str, Any], name: str) -> dict[str, ClaimRequest]:
    member = document.get(name)
    if member is None:
        return {}
    if not isinstance(member, dict) or len(member) > MOST:
        raise InvalidClaims(f"{name} of claims is not a JSON object, or asks for too much")
    try:
        return {claim: ANY if asked is None else _asked(asked) for claim, asked in member.items()}
    except msgspec.ValidationError:
        raise InvalidClaims(f"{name} of claims asks for a claim in a way that section 5.5.1 does not know") from None


def _asked(asked: object) -> ClaimRequest:
    request = msgspec.convert(asked, ClaimRequest)
    if request.value is not None and request.values:
        raise InvalidClaims("a claim has value and values")
    return request


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise InvalidClaims("a member of claims stands twice")
    if any("\0" in name for name in found):
        raise InvalidClaims("a name in claims holds a null character")
    return found


def _no_constant(_name: str) -> Any:
    raise InvalidClaims("claims is not JSON")

"""What one upstream is told of who asks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from config.problem import ProblemType
from gateway.header import Header
from policy.obligations import scopes_left


class Claim(StrEnum):
    """What a header field may say. What is not known of a caller is not said."""

    SUB = "sub"
    """The person's id, or the program's `client_id`."""
    SID = "sid"
    ORG = "org"
    ROLES = "roles"
    ACR = "acr"
    AUTH_TIME = "auth_time"
    """Whole seconds since the epoch: when the person last proved who they are."""
    NAME = "name"
    EMAIL = "email"
    """An address that the person proved to be theirs; known of browsers that signed in since it is asked for."""
    LOCALE = "locale"
    DEVICE_ID = "device_id"
    DEVICE_TRUST = "device_trust"
    CLIENT_ID = "client_id"
    """The client that the access token was issued to; of browsers the gateway's own."""
    ACTORS = "actors"
    """Who acts for the person (RFC 8693, section 4.1), the last one first."""


class WantedToken(msgspec.Struct, frozen=True, cache_hash=True):
    """The access token that an upstream wants of each caller (RFC 8693)."""

    resource: str
    """Where it is to be good (RFC 8707): the `aud` that the upstream expects."""
    scope: str = ""
    """Separated by spaces; empty: whatever the person's own token and the gateway both have."""


NO_SCOPE = "\0"
"""No scope at all, which is none that can be asked for: no such token is had."""


def narrowed(wanted: WantedToken, held: Iterable[str], obligations: tuple[str, ...]) -> WantedToken:
    """What is left of what an upstream wants where a decision leaves so many scopes. `held`: those of the caller's own
    token, of which all are meant where the upstream names none."""
    left = scopes_left(obligations)
    if left is None:
        return wanted
    meant = wanted.scope.split() if wanted.scope else held
    return WantedToken(wanted.resource, " ".join(scope for scope in meant if scope in left) or NO_SCOPE)


@dataclass(frozen=True, slots=True)
class UpstreamToken:
    """The access token of one caller for one upstream, or why there is none at the moment."""

    until: float
    """Epoch seconds."""
    header: Header | None = None
    refused: ProblemType | None = None

    def __repr__(self) -> str:
        return "UpstreamToken([secret])"


class Told(msgspec.Struct, frozen=True, cache_hash=True):
    """What one upstream is told."""

    assertion: bool = True
    headers: tuple[tuple[bytes, Claim], ...] = ()
    """Lower-case field names, and what each says."""
    token: WantedToken | None = None


AS_EVER = Told()
"""The assertion and nothing else: this very object, so that the warm path knows it by a glance."""

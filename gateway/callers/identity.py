"""Who a verified access token speaks for, computed once a token rather than once a request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from idp.protocol.assurance import level_of
from idp.protocol.confirmation import UnknownConfirmation, confirmation_of
from policy.request import CLIENT_ROLE, DeviceTrust, Subject, client_role

_TRUST = {trust.name.lower(): trust for trust in DeviceTrust}


class UnusableToken(Exception):
    """The token is sound, and yet lacks what the gateway needs."""


class Device(msgspec.Struct):
    """The claim `device`."""

    id: str = ""
    trust: str = "unknown"


class Act(msgspec.Struct):
    """The claim `act` (RFC 8693, section 4.1): who acts, and within it who did before."""

    sub: str
    act: Act | None = None


class AccessTokenClaims(msgspec.Struct):
    """What the gateway reads of an access token (RFC 9068, section 2.2; docs/house.md)."""

    sub: str
    exp: float
    iat: float
    client_id: str
    sid: str
    jti: str = ""
    grant: str = ""
    org: str = ""
    roles: list[str] = []
    acr: str = ""
    auth_time: float | None = None
    scope: str = ""
    act: Act | None = None
    device: Device = msgspec.field(default_factory=Device)


class Identity(msgspec.Struct, frozen=True, gc=False):
    """One verified token: who, in which session, how surely, until when."""

    sid: str
    subject: Subject
    device_id: str
    device_trust: DeviceTrust
    roles: tuple[str, ...]
    acr: str
    client_id: str
    issued_at: float
    expires_at: float
    """Epoch seconds; the token is over at that moment."""
    jti: str = ""
    grant: str = ""
    """What the token came of, with all others that did (RFC 7009, section 2.1); empty: of nothing that is revoked."""
    name: str = ""
    locale: str = ""
    email: str = ""
    """Verified; empty: unknown."""
    session_address: str = ""
    """Where the session's sign-in through this gateway came from; empty: unknown."""
    session_browser: str = ""
    """Which browser that was; empty: unknown."""
    confirmation: tuple[tuple[str, str], ...] = ()
    """The members of `cnf`: the keys that must be proven with the token."""
    kid: str = ""
    """Of a cookie session: the key that signed its token."""
    actors: tuple[str, ...] = ()
    """Who acts for the subject by a token that was exchanged, and before that one whoever did; empty: nobody does."""
    scope: tuple[str, ...] = ()
    """What the token is for (RFC 6749, section 3.3)."""


def read_identity(
    claims: Mapping[str, Any],
    *,
    name: str = "",
    locale: str = "",
    email: str = "",
    session_address: str = "",
    session_browser: str = "",
    kid: str = "",
) -> Identity:
    """Turn verified claims into an identity. Raises `UnusableToken`; what is unknown stays unknown (P1)."""
    try:
        token = msgspec.convert(claims, AccessTokenClaims)
    except msgspec.ValidationError as error:
        raise UnusableToken(str(error)) from error
    if not token.sid or not token.sub:
        raise UnusableToken("no session stands behind it")
    try:
        confirmation = tuple(confirmation_of(claims).items())
    except UnknownConfirmation as error:
        raise UnusableToken("it is bound in a way that is not known") from error
    if token.sub == token.client_id:
        return _program(token, confirmation)
    # what is a program's alone is nobody else's, whatever an organisation calls its roles
    roles = frozenset(role for role in token.roles if not role.startswith(CLIENT_ROLE))
    return Identity(
        sid=token.sid,
        subject=Subject(
            id=token.sub,
            organisation=token.org,
            roles=roles,
            assurance=level_of(token.acr),
            authenticated_at=token.auth_time,
        ),
        device_id=token.device.id,
        device_trust=_TRUST.get(token.device.trust, DeviceTrust.UNKNOWN),
        roles=tuple(sorted(roles)),
        acr=token.acr,
        client_id=token.client_id,
        issued_at=token.iat,
        expires_at=token.exp,
        jti=token.jti,
        grant=token.grant,
        name=name,
        locale=locale,
        email=email,
        session_address=session_address,
        session_browser=session_browser,
        confirmation=confirmation,
        kid=kid,
        actors=tuple(_actors(token.act)),
        scope=tuple(token.scope.split()),
    )


def _actors(act: Act | None) -> Iterator[str]:
    while act is not None:
        yield act.sub
        act = act.act


def _program(token: AccessTokenClaims, confirmation: tuple[tuple[str, str], ...]) -> Identity:
    """A program for itself (RFC 9068, section 2.2: `sub` is the client). Whatever else the token may say, of people,
    their roles and their devices, is not its."""
    roles = frozenset({client_role(token.client_id)})
    return Identity(
        sid=token.sid,
        subject=Subject(id=token.sub, roles=roles, machine=True),
        device_id="",
        device_trust=DeviceTrust.UNKNOWN,
        roles=tuple(roles),
        acr="",
        client_id=token.client_id,
        issued_at=token.iat,
        expires_at=token.exp,
        jti=token.jti,
        confirmation=confirmation,
        scope=tuple(token.scope.split()),
    )

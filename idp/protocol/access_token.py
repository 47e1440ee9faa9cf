"""The claims of an access token: a JWT as RFC 9068 has it, bound to a session by `sid`."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Literal

TYP = "at+jwt"
AUDIENCE = "urn:munjigi:services"
USERINFO = "userinfo_claims"
"""The claim that names what was asked for by the `claims` parameter (OpenID Connect Core 1.0, section 5.5)."""
GRANT = "grant"
"""The claim that names the refresh family that the token came of: what is revoked with that (RFC 7009, section 2.1)."""

Trust = Literal["unknown", "known", "registered", "attested"]


def claims(
    *,
    issuer: str,
    subject: str,
    client_id: str,
    audiences: Sequence[str] = (AUDIENCE,),
    confirmation: Mapping[str, str] | None = None,
    userinfo: Sequence[str] = (),
    scope: Sequence[str],
    sid: str,
    jti: str,
    issued_at: int,
    expires_at: int,
    person: Mapping[str, object],
    actor: Mapping[str, object] | None = None,
    grant: str = "",
) -> dict[str, object]:
    """The claims, in the order of docs/house.md, "Access token". Times are whole seconds since the epoch.

    `userinfo` are the claims that the UserInfo endpoint shows beyond those of the scopes. `person`: what `of_person`
    says of whom it speaks for, nothing where a program speaks for itself; `actor`: who acts for them (RFC 8693, 4.1);
    `grant`: what it came of, empty where that has no name.
    """
    return {
        "iss": issuer,
        "sub": subject,
        "aud": audiences[0] if len(audiences) == 1 else list(audiences),
        "exp": expires_at,
        "iat": issued_at,
        "jti": jti,
        "client_id": client_id,
        "scope": " ".join(scope),
        "sid": sid,
        **person,
        **({"act": dict(actor)} if actor else {}),
        **({"cnf": dict(confirmation)} if confirmation else {}),
        **({USERINFO: list(userinfo)} if userinfo else {}),
        **({GRANT: grant} if grant else {}),
    }


def is_revoked(claims: Mapping[str, object], revoked: Container[object]) -> bool:
    """Whether a token of these claims is among what is `revoked` in its session, alone or with what it came of."""
    return claims.get("jti") in revoked or claims.get(GRANT) in revoked


def of_person(
    *,
    org: str,
    roles: Sequence[str],
    acr: str,
    amr: Sequence[str],
    auth_time: int,
    device_id: str,
    device_trust: Trust,
) -> dict[str, object]:
    """The claims about a person, how they signed in, and at which device."""
    return {
        "org": org,
        "roles": list(roles),
        "acr": acr,
        "amr": list(amr),
        "auth_time": auth_time,
        "device": {"id": device_id, "trust": device_trust},
    }

"""The only mint: an access token (RFC 9068) and an ID token (OpenID Connect Core 1.0) about one session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from config.entropy import Entropy
from idp.protocol import access_token, assurance, claims_request, id_token, scopes
from idp.protocol.claims_request import NO_CLAIMS, RequestedClaims
from jose.jws import sign
from jose.keys import ES256, Algorithm, KeyRing

JTI_SIZE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whom and what the tokens are about: a person, their session, and what they are in their organisation."""

    sub: str
    sid: str
    org: str
    roles: tuple[str, ...]
    amr: tuple[str, ...]
    acr: str
    authenticated_at: datetime
    device_id: str
    device_trust: access_token.Trust
    claims: Mapping[str, object]
    """What is known of the person (`name`, `email`, …); scopes decide what of it is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A program that gets tokens for itself (RFC 6749, section 4.4): there is no person in them."""

    client_id: str
    sid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """For whom, and with what scope."""

    client_id: str
    scope: tuple[str, ...]
    nonce: str | None = None
    audiences: tuple[str, ...] = (access_token.AUDIENCE,)
    """Where the access token is good (RFC 8707); otherwise at the house's own services."""
    confirmation: Mapping[str, str] = field(default_factory=dict)
    """`cnf` (RFC 7800): the key that must be proven with the access token. Empty: whoever bears it may use it."""
    id_token_signed_response_alg: Algorithm = ES256
    """By what the client wants its ID tokens signed (OpenID Connect Dynamic Client Registration 1.0, section 2)."""
    claims: RequestedClaims = NO_CLAIMS
    """What of the person was asked for by name (OpenID Connect Core 1.0, section 5.5)."""
    actor: Mapping[str, object] = field(default_factory=dict)
    """`act` (RFC 8693, section 4.1): who acts for the subject. Empty: nobody does."""
    not_after: float = float("inf")
    """Epoch seconds that the access token must not outlive."""
    grant: str = ""
    """The refresh family that the access token comes of, and is revoked with; empty: none."""


class Mint:
    """Signs tokens for one issuer."""

    def __init__(
        self, issuer: str, ring: Callable[[], KeyRing], entropy: Entropy, *, access_token_lifetime: float
    ) -> None:
        self.issuer = issuer
        self._ring = ring
        self._entropy = entropy
        self.lifetime = int(access_token_lifetime)

    def issue(self, subject: Subject | Machine, audience: Audience, now: float) -> dict[str, object]:
        """The members of a token response (RFC 6749, section 5.1) but the refresh token. `now` is in epoch seconds."""
        issued_at = int(now)
        ring = self._ring()
        expires_at = int(min(issued_at + self.lifetime, audience.not_after))
        claims = self._access_claims(subject, audience, issued_at, expires_at)
        access = sign(ring.active, claims, typ=access_token.TYP)
        response: dict[str, object] = {
            "access_token": access,
            "token_type": "DPoP" if "jkt" in audience.confirmation else "Bearer",
            "expires_in": expires_at - issued_at,
            "scope": " ".join(audience.scope),
        }
        if isinstance(subject, Subject) and scopes.OPENID in audience.scope:
            claims = self._id_claims(subject, audience, access, issued_at)
            key = ring.signer(audience.id_token_signed_response_alg)
            response["id_token"] = sign(key, claims, typ=id_token.TYP)
        return response

    def _access_claims(
        self, subject: Subject | Machine, audience: Audience, issued_at: int, expires_at: int
    ) -> dict[str, object]:
        return access_token.claims(
            issuer=self.issuer,
            subject=subject.sub if isinstance(subject, Subject) else subject.client_id,
            client_id=audience.client_id,
            audiences=audience.audiences,
            confirmation=audience.confirmation,
            userinfo=audience.claims.userinfo,
            scope=audience.scope,
            sid=subject.sid,
            jti=self._entropy.token(JTI_SIZE),
            issued_at=issued_at,
            expires_at=expires_at,
            person=_person(subject) if isinstance(subject, Subject) else {},
            actor=audience.actor,
            grant=audience.grant,
        )

    def _id_claims(self, subject: Subject, audience: Audience, access: str, issued_at: int) -> dict[str, object]:
        return id_token.claims(
            issuer=self.issuer,
            subject=subject.sub,
            client_id=audience.client_id,
            sid=subject.sid,
            acr=assurance.shown_acr(subject.acr, audience.claims.acr),
            amr=subject.amr,
            auth_time=int(subject.authenticated_at.timestamp()),
            access_token=access,
            nonce=audience.nonce,
            issued_at=issued_at,
            expires_at=issued_at + self.lifetime,
            person={
                **scopes.visible(subject.claims, audience.scope),
                **claims_request.named(subject.claims, audience.claims.id_token),
            },
        )


def _person(subject: Subject) -> dict[str, object]:
    return access_token.of_person(
        org=subject.org,
        roles=subject.roles,
        acr=subject.acr,
        amr=subject.amr,
        auth_time=int(subject.authenticated_at.timestamp()),
        device_id=subject.device_id,
        device_trust=subject.device_trust,
    )

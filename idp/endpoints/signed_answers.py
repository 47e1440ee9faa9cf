"""Answers that are signed, for clients that keep them as proof: userinfo and introspection."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response

from config.clock import Clock
from idp.clients.client import Client
from idp.endpoints.oauth_answers import NO_STORE, oauth_answer
from jose.jws import sign
from jose.keys import ES256, KeyRing

INTROSPECTION = "application/token-introspection+jwt"


class SignedAnswers:
    """Answers with JSON, or with a JWT where that is what the client registered or asks for."""

    def __init__(self, issuer: str, ring: Callable[[], KeyRing], clock: Clock) -> None:
        self._issuer = issuer
        self._ring = ring
        self._clock = clock

    def userinfo(self, client: Client, claims: Mapping[str, object]) -> Response:
        """A JWT where the client registered `userinfo_signed_response_alg` (OIDC Core 1.0, section 5.3.2)."""
        algorithm = client.metadata.userinfo_signed_response_alg
        if algorithm is None:
            return oauth_answer(claims)
        token = sign(
            self._ring().signer(algorithm), {**claims, "iss": self._issuer, "aud": client.client_id}, typ="JWT"
        )
        return Response(token, media_type="application/jwt", headers=dict(NO_STORE))

    def introspection(self, request: Request, client: Client, told: Mapping[str, object]) -> Response:
        """A JWT where the request accepts nothing else (RFC 9701, sections 4 and 5). It has neither `sub` nor `exp`:
        nobody can take it for an access token."""
        if request.headers.get("accept", "").partition(";")[0].strip().lower() != INTROSPECTION:
            return oauth_answer(told)
        key = self._ring().signer(client.metadata.introspection_signed_response_alg or ES256)
        claims = {
            "iss": self._issuer,
            "aud": client.client_id,
            "iat": int(self._clock.timestamp()),
            "token_introspection": told,
        }
        token = sign(key, claims, typ=INTROSPECTION.removeprefix("application/"))
        return Response(token, media_type=INTROSPECTION, headers=dict(NO_STORE))

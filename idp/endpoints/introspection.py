"""Token introspection (RFC 7662): true only while the session lives, whatever the token itself says."""

from __future__ import annotations

from collections.abc import Mapping

from authlib.oauth2 import OAuth2Error
from starlette.requests import Request
from starlette.responses import Response

from config.clock import Clock
from config.connections import Transaction
from config.looking import Looking
from idp.clients.cache import ClientCache
from idp.clients.client import Client
from idp.clients.subject_identifiers import SubjectIdentifiers
from idp.endpoints.bearer import AccessTokens
from idp.endpoints.client_requests import ClientRequests
from idp.endpoints.oauth_answers import oauth_error
from idp.endpoints.signed_answers import SignedAnswers
from idp.protocol import dpop
from idp.protocol.confirmation import JKT
from idp.tokens.refresh_family import Families, token_hash

INACTIVE: Mapping[str, object] = {"active": False}


class IntrospectionEndpoint:
    """`POST /introspect`, for clients that have a secret."""

    def __init__(
        self,
        *,
        requests: ClientRequests,
        tokens: AccessTokens,
        clients: ClientCache,
        identifiers: SubjectIdentifiers,
        answers: SignedAnswers,
        families: Families,
        looking: Looking,
        clock: Clock,
        issuer: str,
    ) -> None:
        self._requests = requests
        self._tokens = tokens
        self._clients = clients
        self._identifiers = identifiers
        self._answers = answers
        self._families = families
        self._looking = looking
        self._clock = clock
        self._issuer = issuer

    async def __call__(self, request: Request) -> Response:
        try:
            asked = await self._requests.read(request, "introspection")
            token = asked.required("token")
        except OAuth2Error as error:
            return oauth_error(request, error)
        claims = self._tokens.issued(token)
        # whoever it was issued to may have been switched off or removed since: nobody else may use it (as at /userinfo)
        orphaned = claims is not None and await self._clients.find(str(claims["client_id"])) is None

        async def look(tx: Transaction) -> Mapping[str, object]:
            if claims is not None:
                return INACTIVE if orphaned else await self._access_token(tx, claims)
            return await self._refresh_token(tx, token, asked.client)

        return self._answers.introspection(request, asked.client, await self._looking.run(look))

    async def _access_token(self, tx: Transaction, claims: Mapping[str, object]) -> Mapping[str, object]:
        if not await self._tokens.lives(tx, claims, self._clock.now()):
            return INACTIVE
        cnf = claims.get("cnf")
        bound = isinstance(cnf, Mapping) and JKT in cnf
        return {"active": True, "token_type": dpop.SCHEME if bound else "Bearer", **claims}

    async def _refresh_token(self, tx: Transaction, token: str, client: Client) -> Mapping[str, object]:
        """A client learns of its own refresh tokens alone (RFC 7662, section 2.1)."""
        now = self._clock.now()
        presented = await self._families.look(tx, token_hash(token))
        if presented is None or presented.rotated_at is not None:
            return INACTIVE
        family = presented.family
        over = family.revoked_at is not None or now >= family.expires_at
        if over or family.client_id != client.client_id:
            return INACTIVE
        if await self._tokens.live_session(tx, {"sid": family.sid}, now) is None:
            return INACTIVE
        return {
            "active": True,
            "iss": self._issuer,
            "sub": self._identifiers.shown(client, family.user_id),
            "client_id": family.client_id,
            "scope": " ".join(family.scope),
            "sid": self._identifiers.sid(client, family.sid),
            "exp": int(family.expires_at.timestamp()),
            **({"cnf": dict(family.confirmation)} if family.confirmation else {}),
        }

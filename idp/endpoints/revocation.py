"""Token revocation (RFC 7009): a refresh token's family ends; the person's session lives on.

A person's access token cannot be revoked by itself: it lives 300 seconds and dies at once with its session, which is
what a gateway looks at. Asking for it is answered with `unsupported_token_type` (section 2.2.1), not with a false
promise. A program has no other token, and it is revoked alone: its session remembers which of them are.
"""

from __future__ import annotations

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import UnsupportedTokenTypeError
from starlette.requests import Request
from starlette.responses import Response

from audit.trail import AuditEvent, Kind, record
from config.clock import Clock
from config.connections import Database, Transaction, Valkey
from config.web import correlation_id
from events.outbox import poke
from idp.endpoints.bearer import AccessTokens, of_program
from idp.endpoints.client_requests import ClientRequest, ClientRequests, address
from idp.endpoints.oauth_answers import oauth_answer, oauth_error
from idp.sessions.machine_sessions import MachineSessions
from idp.tokens.refresh_family import Families, token_hash


class RevocationEndpoint:
    """`POST /revoke`."""

    def __init__(
        self,
        *,
        requests: ClientRequests,
        tokens: AccessTokens,
        families: Families,
        machines: MachineSessions,
        database: Database,
        valkey: Valkey,
        clock: Clock,
    ) -> None:
        self._requests = requests
        self._tokens = tokens
        self._families = families
        self._machines = machines
        self._database = database
        self._valkey = valkey
        self._clock = clock

    async def __call__(self, request: Request) -> Response:
        try:
            asked = await self._requests.read(request, "revocation")
            await self._revoke(request, asked, asked.required("token"))
        except OAuth2Error as error:
            return oauth_error(request, error)
        await poke(self._valkey)
        return oauth_answer({})

    async def _revoke(self, request: Request, asked: ClientRequest, token: str) -> None:
        now = self._clock.now()
        async with self._database.begin() as tx:
            presented = await self._families.present(tx, token_hash(token))
            if presented is None:
                await self._revoke_access_token(tx, request, asked, token)
                return
            family = presented.family
            if family.client_id != asked.client.client_id or not await self._families.revoke(tx, family.id, now):
                return
            await self._record(tx, request, asked, str(family.user_id), family.sid)

    async def _revoke_access_token(self, tx: Transaction, request: Request, asked: ClientRequest, token: str) -> None:
        claims = self._tokens.issued(token)
        if claims is None:
            return  # what is not known is as good as revoked (section 2.2)
        if not of_program(claims):
            raise UnsupportedTokenTypeError("a person's access token ends with their session")
        program, sid, over_at = str(claims["sub"]), str(claims["sid"]), claims["exp"]
        assert isinstance(over_at, int)
        if claims["client_id"] == asked.client.client_id and await self._machines.revoke_token(
            tx, program, sid, str(claims["jti"]), over_at, correlation_id=correlation_id(request)
        ):
            await self._record(tx, request, asked, program, sid)

    async def _record(self, tx: Transaction, request: Request, asked: ClientRequest, subject: str, sid: str) -> None:
        await record(
            tx,
            AuditEvent(
                kind=Kind.TOKEN_REVOKED,
                correlation_id=correlation_id(request),
                actor=asked.client.client_id,
                subject=subject,
                sid=sid,
                ip=address(request),
            ),
        )

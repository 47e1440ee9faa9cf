"""Token revocation (RFC 7009): of both kinds of token, by the client that they were issued to; the session lives on.

An access token is revoked alone: its session, a person's or a program's, remembers which of them are, and says so to
gateways. With a refresh token its family ends, and every access token that came of it (section 2.1).
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Final, cast

from authlib.oauth2 import OAuth2Error
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
from idp.sessions.one_session import OneSession
from idp.tokens.refresh_family import Families, token_hash

CLOCKS_DIFFER: Final = timedelta(minutes=1)
"""By so much at most the clock of the node is ahead that issued a family's last access token."""


class RevocationEndpoint:
    """`POST /revoke`."""

    def __init__(
        self,
        *,
        requests: ClientRequests,
        tokens: AccessTokens,
        families: Families,
        sessions: OneSession,
        machines: MachineSessions,
        access_token_lifetime: timedelta,
        database: Database,
        valkey: Valkey,
        clock: Clock,
    ) -> None:
        self._requests = requests
        self._tokens = tokens
        self._families = families
        self._sessions = sessions
        self._machines = machines
        self._lifetime = access_token_lifetime
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
        async with self._database.begin() as tx:
            presented = await self._families.present(tx, token_hash(token))
            if presented is None:
                await self._revoke_access_token(tx, request, asked, token)
                return
            family, now = presented.family, self._clock.now()  # a refresh that the family was waited for is over
            if family.client_id != asked.client.client_id or not await self._families.revoke(tx, family.id, now):
                return
            over_at = math.ceil((now + self._lifetime + CLOCKS_DIFFER).timestamp())
            await self._sessions.revoke_tokens(
                tx, family.sid, str(family.id), over_at, correlation_id=correlation_id(request)
            )
            await self._record(tx, request, asked, str(family.user_id), family.sid)

    async def _revoke_access_token(self, tx: Transaction, request: Request, asked: ClientRequest, token: str) -> None:
        claims = self._tokens.issued(token)
        if claims is None or claims["client_id"] != asked.client.client_id:
            return  # what is not known is as good as revoked (section 2.2), and so is another's (section 2.1)
        jti, over_at, correlation = str(claims["jti"]), cast(int, claims["exp"]), correlation_id(request)
        if of_program(claims):
            program, sid = str(claims["sub"]), str(claims["sid"])
            if await self._machines.revoke_token(tx, program, sid, jti, over_at, correlation_id=correlation):
                await self._record(tx, request, asked, program, sid)
            return
        session = await self._sessions.revoke_tokens(
            tx, self._tokens.session_of(claims), jti, over_at, correlation_id=correlation
        )
        if session is not None:
            await self._record(tx, request, asked, str(session.user_id), session.sid)

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

"""Token revocation (RFC 7009): a refresh token's family ends; the person's session lives on.

An access token cannot be revoked by itself: it lives 300 seconds and dies at once with its session, which is what a
gateway looks at. Asking for it is answered with `unsupported_token_type` (section 2.2.1), not with a false promise.
"""

from __future__ import annotations

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import UnsupportedTokenTypeError
from starlette.requests import Request
from starlette.responses import Response

from audit.trail import AuditEvent, Kind, record
from config.clock import Clock
from config.connections import Database
from config.web import correlation_id
from idp.endpoints.bearer import AccessTokens
from idp.endpoints.client_requests import ClientRequest, ClientRequests, address
from idp.endpoints.oauth_answers import oauth_answer, oauth_error
from idp.tokens.refresh_family import Families, token_hash


class RevocationEndpoint:
    """`POST /revoke`."""

    def __init__(
        self, requests: ClientRequests, tokens: AccessTokens, families: Families, database: Database, clock: Clock
    ) -> None:
        self._requests = requests
        self._tokens = tokens
        self._families = families
        self._database = database
        self._clock = clock

    async def __call__(self, request: Request) -> Response:
        try:
            asked = await self._requests.read(request, "revocation")
            await self._revoke(request, asked, asked.required("token"))
        except OAuth2Error as error:
            return oauth_error(request, error)
        return oauth_answer({})

    async def _revoke(self, request: Request, asked: ClientRequest, token: str) -> None:
        now = self._clock.now()
        async with self._database.begin() as tx:
            presented = await self._families.present(tx, token_hash(token))
            if presented is None:
                if self._tokens.issued(token) is not None:
                    raise UnsupportedTokenTypeError("an access token ends with its session")
                return  # what is not known is as good as revoked (section 2.2)
            family = presented.family
            if family.client_id != asked.client.client_id or not await self._families.revoke(tx, family.id, now):
                return
            await record(
                tx,
                AuditEvent(
                    kind=Kind.TOKEN_REVOKED,
                    correlation_id=correlation_id(request),
                    actor=asked.client.client_id,
                    subject=str(family.user_id),
                    sid=family.sid,
                    ip=address(request),
                ),
            )

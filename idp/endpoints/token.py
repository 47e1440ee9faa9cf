"""The token endpoint (RFC 6749, section 3.2): the phases that every grant shares, in order.

Read and authenticate the client -> which key does it prove -> load what it hands in, claimed and locked -> Authlib's
core decides -> save -> audit -> commit. A refusal rolls all of it back; a second use of what may be used once ends the
family and its session.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidGrantError, UnsupportedGrantTypeError
from starlette.requests import Request
from starlette.responses import Response

from audit.trail import AuditEvent, Kind, record
from config.clock import Clock
from config.connections import Database, Transaction, Valkey
from config.entropy import Entropy
from config.web import correlation_id
from events.outbox import poke
from idp.endpoints.client_requests import ClientRequest, ClientRequests, address
from idp.endpoints.key_proofs import KeyProofs, NonceWanted
from idp.endpoints.oauth_answers import oauth_answer, oauth_error
from idp.endpoints.subjects import Subjects
from idp.grants.core import TokenCore, TokenRequest
from idp.grants.grant import Credential, Grant, Misuse
from idp.protocol.confirmation import Confirmation
from idp.sessions.one_session import OneSession
from idp.tokens.issue import Audience, Mint, Subject
from idp.tokens.refresh_family import TOKEN_SIZE, Families

_ISSUED = {"authorization_code": Kind.TOKEN_ISSUED, "refresh_token": Kind.TOKEN_REFRESHED}
_MISUSED = {"code_replayed": Kind.CODE_REPLAYED, "refresh_reused": Kind.REFRESH_REUSED}


class TokenEndpoint:
    """`POST /token`."""

    def __init__(
        self,
        *,
        requests: ClientRequests,
        grants: Iterable[Grant],
        subjects: Subjects,
        families: Families,
        one_session: OneSession,
        mint: Mint,
        database: Database,
        valkey: Valkey,
        clock: Clock,
        entropy: Entropy,
        proofs: KeyProofs,
    ) -> None:
        self._requests = requests
        self._proofs = proofs
        self._grants = {grant.grant_type: grant for grant in grants}
        self._subjects = subjects
        self._families = families
        self._one_session = one_session
        self._mint = mint
        self._database = database
        self._valkey = valkey
        self._clock = clock
        self._entropy = entropy
        self._core = TokenCore()

    async def __call__(self, request: Request) -> Response:
        try:
            return oauth_answer(await self._exchange(request), headers=self._proofs.headers(request))
        except OAuth2Error as error:
            return oauth_error(request, error, headers=self._proofs.headers(request))

    async def _exchange(self, request: Request) -> dict[str, object]:
        client_request = await self._requests.read(request, "token")
        grant = self._grants.get(client_request.required("grant_type"))
        if grant is None:
            raise UnsupportedGrantTypeError("this grant_type is not supported")
        try:
            proven = await self._proofs.of_client(request, client_request.client)
            async with self._database.begin() as tx:
                answer = await self._answer(tx, request, client_request, grant, proven)
        except NonceWanted:  # the way that a first proof goes, and no refusal to be recorded
            raise
        except OAuth2Error as error:
            await self._requests.refused(
                request,
                Kind.TOKEN_REFUSED,
                actor=client_request.client.client_id,
                details={"error": error.error},
            )
            raise
        if answer is None:
            await poke(self._valkey)
            raise InvalidGrantError("it is not good, or not any more")
        return answer

    async def _answer(
        self, tx: Transaction, request: Request, asked: ClientRequest, grant: Grant, proven: Confirmation
    ) -> dict[str, object] | None:
        """The token response; None where a misuse was met, whose consequences must be committed."""
        now = self._clock.now()
        loaded = await grant.load(tx, asked.form, asked.client, now, proven)
        if isinstance(loaded, Misuse):
            if await self._end_misused(tx, request, asked, loaded, now):
                return None
            loaded = None
        subject = await self._subjects.of(tx, loaded.session) if loaded is not None else None
        credential = loaded if subject is not None else None

        def issue(scope: tuple[str, ...], with_refresh_token: bool) -> dict[str, object]:
            return self._issue(subject, credential, scope, with_refresh_token, proven, now)

        response = self._core.run(TokenRequest(asked.core, credential, issue))
        if credential is None:  # the core refuses what it is not given; nothing may depend on that alone
            raise InvalidGrantError("it is not good, or not any more")
        refresh_token = response.get("refresh_token")
        await grant.save(tx, credential, str(refresh_token) if refresh_token else None, now)
        await self._record(tx, request, asked, _ISSUED[grant.grant_type], credential)
        return response

    def _issue(
        self,
        subject: Subject | None,
        credential: Credential | None,
        scope: tuple[str, ...],
        with_refresh_token: bool,
        proven: Confirmation,
        now: datetime,
    ) -> dict[str, object]:
        if subject is None or credential is None:
            raise InvalidGrantError("it is not good, or not any more")
        audience = Audience(client_id=credential.client_id, scope=scope, nonce=credential.nonce, confirmation=proven)
        response = self._mint.issue(subject, audience, now.timestamp())
        if with_refresh_token:
            response["refresh_token"] = credential.successor or self._entropy.token(TOKEN_SIZE)
        return response

    async def _end_misused(
        self, tx: Transaction, request: Request, asked: ClientRequest, misuse: Misuse, now: datetime
    ) -> bool:
        """End what came of it. False where there was nothing left to end: it is a refusal like any other then."""
        revoked = misuse.family_id is not None and await self._families.revoke(tx, misuse.family_id, now)
        ended = await self._one_session.end(tx, misuse.sid, "refresh_reuse", correlation_id=correlation_id(request))
        if not revoked and ended is None:
            return False
        await record(
            tx,
            AuditEvent(
                kind=_MISUSED[misuse.kind],
                correlation_id=correlation_id(request),
                actor=asked.client.client_id,
                subject=str(misuse.user_id),
                sid=misuse.sid,
                ip=address(request),
            ),
        )
        return True

    async def _record(
        self, tx: Transaction, request: Request, asked: ClientRequest, kind: Kind, credential: Credential
    ) -> None:
        await record(
            tx,
            AuditEvent(
                kind=kind,
                correlation_id=correlation_id(request),
                actor=asked.client.client_id,
                subject=str(credential.session.user_id),
                sid=credential.session.sid,
                ip=address(request),
            ),
        )

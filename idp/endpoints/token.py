"""The token endpoint (RFC 6749, section 3.2): the phases that every grant shares, in order.

Read and authenticate the client -> which key does it prove -> load what it hands in, claimed and locked -> Authlib's
core decides -> save -> audit -> commit. A refusal rolls all of it back; a second use of what may be used once ends the
family and its session. Only what is not ready yet (a device that waits for its person) keeps when it was asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import (
    InvalidGrantError,
    InvalidRequestError,
    UnauthorizedClientError,
)
from starlette.requests import Request
from starlette.responses import Response

from audit.trail import AuditEvent, Kind, record
from config.clock import Clock
from config.connections import Database, Transaction, Valkey
from config.entropy import Entropy
from config.together import Together
from config.web import correlation_id
from events.outbox import poke
from idp.clients.subject_identifiers import SubjectIdentifiers, sector
from idp.endpoints.client_requests import ClientRequest, ClientRequests, address
from idp.endpoints.granted import granted
from idp.endpoints.key_proofs import KeyProofs, NonceWanted
from idp.endpoints.oauth_answers import NotNow, oauth_answer, oauth_error
from idp.endpoints.subjects import Subjects
from idp.grants.core import TokenCore, TokenRequest
from idp.grants.grant import Credential, Grant, MachineCredential, Misuse, Unready, UnsupportedGrantError
from idp.protocol import fapi2, resource
from idp.protocol.access_token import AUDIENCE
from idp.protocol.confirmation import Confirmation
from idp.protocol.described import Described
from idp.resources.described_servers import DescribedCache
from idp.sessions.one_session import OneSession
from idp.tokens.issue import Audience, Machine, Mint, Subject
from idp.tokens.refresh_family import TOKEN_SIZE, Families

_ISSUED = {"refresh_token": Kind.TOKEN_REFRESHED}
_WAITING = ("authorization_pending", "slow_down")
"""Errors that are the usual course of a grant (RFC 8628, section 3.5), and nothing for the record."""
_TOGETHER = ("refresh_token", "client_credentials")
"""Grants that are asked for most, and whose storages share a round."""
_MISUSED = {"code_replayed": Kind.CODE_REPLAYED, "refresh_reused": Kind.REFRESH_REUSED}


class _Answer(NamedTuple):
    """What came of a request, committed."""

    response: dict[str, object] | None
    """None: a misuse was met."""
    told: bool
    """Whether others have something to hear of it."""


class TokenEndpoint:
    """`POST /token`."""

    def __init__(
        self,
        *,
        requests: ClientRequests,
        grants: Iterable[Grant[Any]],
        subjects: Subjects,
        identifiers: SubjectIdentifiers,
        families: Families,
        one_session: OneSession,
        mint: Mint,
        database: Database,
        together: Together,
        valkey: Valkey,
        clock: Clock,
        entropy: Entropy,
        proofs: KeyProofs,
        described: DescribedCache,
    ) -> None:
        self._requests = requests
        self._described = described
        self._proofs = proofs
        self._grants = {grant.grant_type: grant for grant in grants}
        self._subjects = subjects
        self._identifiers = identifiers
        self._families = families
        self._one_session = one_session
        self._mint = mint
        self._database = database
        self._together = together
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
            raise UnsupportedGrantError("this grant_type is not supported")
        if grant.grant_type not in client_request.client.grant_types:
            raise UnauthorizedClientError("the client has not registered this grant_type")
        client_request.refuse_details()
        try:
            proven = await self._proofs.of_client(request, client_request.client)
            described = await self._described.of(client_request.client)
            work = partial(
                self._answer, request=request, asked=client_request, grant=grant, proven=proven, described=described
            )
            if grant.grant_type in _TOGETHER:
                answer = await self._together.run(work)
            else:
                async with self._database.begin() as tx:
                    answer = await work(tx)
            if isinstance(answer, Unready):
                raise answer.error
        except (NonceWanted, NotNow):  # the way that a first proof goes, or an outage: no refusal to be recorded
            raise
        except OAuth2Error as error:
            if error.error not in _WAITING:
                await self._requests.refused(
                    request,
                    Kind.TOKEN_REFUSED,
                    actor=client_request.client.client_id,
                    details={"error": error.error},
                )
            raise
        if answer.told:
            await poke(self._valkey)
        if answer.response is None:
            raise InvalidGrantError("it is not good, or not any more")
        return answer.response

    async def _answer(
        self,
        tx: Transaction,
        request: Request,
        asked: ClientRequest,
        grant: Grant[Any],
        proven: Confirmation,
        described: Described,
    ) -> _Answer | Unready:
        """What must be committed: the token response, the consequences of a misuse, or that nothing is ready yet."""
        now = self._clock.now()
        named = {resource.PARAMETER: asked.resources[0]} if asked.resources else {}
        loaded = await grant.load(tx, {**asked.form, **named}, asked.client, now, proven)
        if isinstance(loaded, Unready):
            return loaded
        if isinstance(loaded, Misuse):
            if await self._end_misused(tx, request, asked, loaded, now):
                return _Answer(None, told=True)
            loaded = None
        subject = await self._subject(tx, loaded) if loaded is not None else None
        credential = loaded if subject is not None else None

        def issue(scope: tuple[str, ...], with_refresh_token: bool) -> dict[str, object]:
            return self._issue(asked, subject, credential, scope, with_refresh_token, proven, described, now)

        response = self._core.run(TokenRequest(asked.core, credential, issue))
        if credential is None:  # the core refuses what it is not given; nothing may depend on that alone
            raise InvalidGrantError("it is not good, or not any more")
        refresh_token = response.get("refresh_token")
        await grant.save(tx, credential, str(refresh_token) if refresh_token else None, now)
        began = isinstance(credential, MachineCredential) and credential.began
        if began:
            await self._record(tx, request, asked, Kind.MACHINE_SESSION_BEGAN, credential)
        await self._record(tx, request, asked, _ISSUED.get(grant.grant_type, Kind.TOKEN_ISSUED), credential)
        return _Answer(response, told=began)

    async def _subject(self, tx: Transaction, loaded: Credential | MachineCredential) -> Subject | Machine | None:
        """Whom the tokens will be about; None where the account may not sign in any more."""
        if isinstance(loaded, MachineCredential):
            return Machine(client_id=loaded.about, sid=loaded.session.sid)
        return await self._subjects.of(tx, loaded.session)

    def _issue(
        self,
        asked: ClientRequest,
        subject: Subject | Machine | None,
        credential: Credential | MachineCredential | None,
        scope: tuple[str, ...],
        with_refresh_token: bool,
        proven: Confirmation,
        described: Described,
        now: datetime,
    ) -> dict[str, object]:
        if subject is None or credential is None:
            raise InvalidGrantError("it is not good, or not any more")
        limits = granted(asked, credential, scope, described, now.timestamp())
        audiences, scope = limits.audiences, limits.scope
        if faults := fapi2.token_faults(asked.client, proven):
            raise InvalidRequestError(faults[0])
        if isinstance(credential, MachineCredential):
            audience = Audience(
                client_id=credential.client_id,
                scope=scope,
                audiences=audiences,
                confirmation=proven,
                actor=credential.actor,
                not_after=min(limits.not_after, credential.not_after, credential.session.expires_at.timestamp()),
            )
            return {**self._mint.issue(subject, audience, now.timestamp()), **credential.answer}
        audience = Audience(
            client_id=credential.client_id,
            scope=scope,
            nonce=credential.nonce,
            id_token_signed_response_alg=asked.client.metadata.id_token_signed_response_alg,
            audiences=audiences,
            claims=credential.claims,
            confirmation=proven,
            actor=credential.actor,
            not_after=min(limits.not_after, credential.not_after),
            grant=str(credential.family_id or ""),
        )
        if isinstance(subject, Subject) and sector(asked.client) is not None:
            # what names the person otherwise is no token for the house's own services, and does not name their device
            elsewhere = tuple(value for value in audiences if value != AUDIENCE)
            audience = replace(audience, audiences=elsewhere or (self._mint.issuer,))
            subject = replace(
                subject,
                sub=self._identifiers.shown(asked.client, subject.sub),
                sid=self._identifiers.sid(asked.client, subject.sid),
                device_id="",
            )
        response = self._mint.issue(subject, audience, now.timestamp())
        if with_refresh_token:
            response["refresh_token"] = credential.successor or self._entropy.token(TOKEN_SIZE)
        return {**response, **credential.answer}

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
        self,
        tx: Transaction,
        request: Request,
        asked: ClientRequest,
        kind: Kind,
        credential: Credential | MachineCredential,
    ) -> None:
        await record(
            tx,
            AuditEvent(
                kind=kind,
                correlation_id=correlation_id(request),
                actor=asked.client.client_id,
                subject=credential.about,
                sid=credential.session.sid,
                ip=address(request),
            ),
        )

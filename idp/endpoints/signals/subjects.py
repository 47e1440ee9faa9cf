"""Whom a stream is about (OpenID Shared Signals Framework 1.0, section 8.1.3): everybody but those removed from it.

Nobody learns here whether a person exists: the answers are the same.
"""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Protocol
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from config.clock import Clock
from config.connections import Database, Transaction
from config.problem import Problem
from idp.clients.client import Client
from idp.clients.subject_identifiers import SubjectIdentifiers
from idp.endpoints.oauth_answers import NO_STORE
from idp.endpoints.signals.door import NO_SUCH_STREAM, UNACCEPTABLE, SignalsDoor, as_stream_id, nothing, read_json
from idp.sessions.signals.stream import Stream


class SubjectStorage(Protocol):
    """Where it is kept whom a stream is not about."""

    async def claim(self, tx: Transaction, client_id: str, stream_id: UUID) -> Stream | None:
        """One stream of this very client, which nobody else changes before this transaction is over."""

    async def remove_subject(self, tx: Transaction, stream_id: UUID, user_id: UUID, now: datetime) -> None:
        """Tell a stream nothing more of a person."""

    async def add_subject(self, tx: Transaction, stream_id: UUID, user_id: UUID) -> None:
        """Tell a stream of a person (again)."""


class SubjectIdentifier(msgspec.Struct, frozen=True, kw_only=True):
    """A subject (RFC 9493; SSF 1.0, section 3)."""

    format: str
    iss: str = ""
    sub: str = ""
    user: SubjectIdentifier | None = None


class SubjectAsked(msgspec.Struct, frozen=True, kw_only=True):
    """Sections 8.1.3.2 and 8.1.3.3."""

    stream_id: str
    subject: SubjectIdentifier


class SignalSubjects:
    """`POST /signals/subjects/add` and `POST /signals/subjects/remove`."""

    def __init__(
        self,
        *,
        door: SignalsDoor,
        storage: SubjectStorage,
        identifiers: SubjectIdentifiers,
        database: Database,
        clock: Clock,
        issuer: str,
    ) -> None:
        self._door = door
        self._storage = storage
        self._identifiers = identifiers
        self._database = database
        self._clock = clock
        self._issuer = issuer

    async def add(self, request: Request) -> Response:
        """Tell the stream of a person again."""
        await self._change(request, removed=False)
        return Response(status_code=HTTPStatus.OK, headers=dict(NO_STORE))

    async def remove(self, request: Request) -> Response:
        """Tell the stream nothing more of a person."""
        await self._change(request, removed=True)
        return nothing()

    async def _change(self, request: Request, *, removed: bool) -> None:
        client = await self._door.receiver(request)
        wanted = await read_json(request, SubjectAsked)
        stream_id = as_stream_id(wanted.stream_id)
        user_id = self._person(client, wanted.subject)
        async with self._database.begin() as tx:
            if await self._storage.claim(tx, client.client_id, stream_id) is None:
                raise Problem(NO_SUCH_STREAM)
            if user_id is None:
                return
            if removed:
                await self._storage.remove_subject(tx, stream_id, user_id, self._clock.now())
            else:
                await self._storage.add_subject(tx, stream_id, user_id)

    def _person(self, client: Client, subject: SubjectIdentifier) -> UUID | None:
        """Whom a subject names; None: nobody of ours. Raises `UNACCEPTABLE` for a format that is not understood."""
        named = subject.user if subject.format == "complex" else subject
        if named is None or named.format != "iss_sub":
            raise Problem(UNACCEPTABLE, "A subject is a person in the format iss_sub, or complex with such a user.")
        try:
            sub = self._identifiers.user(client, named.sub) if named.iss == self._issuer else None
            return None if sub is None else UUID(sub)
        except ValueError:
            return None

"""Poll-based delivery of security event tokens (RFC 8936)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from config.clock import Clock
from config.connections import Database, Transaction
from config.problem import Problem
from idp.clients.client import Client
from idp.clients.subject_identifiers import SubjectIdentifiers, sector_addresses
from idp.endpoints.signals.door import NO_SUCH_STREAM, SignalsDoor, answer, as_stream_id, read_json
from idp.endpoints.signals.streams import StreamStorage
from idp.sessions import delivery_news
from idp.sessions.delivery import Delivery, Outcome
from idp.sessions.signals import security_event
from idp.sessions.signals.as_known import as_known_to
from idp.sessions.signals.stream import LONGEST_TEXT, Stream
from jose.jws import sign
from jose.keys import KeyRing

MOST_EVENTS = 100
"""Tokens in one answer."""
PATIENCE = 4.0
"""Seconds that a long poll waits; less than a process has to drain."""
LOOK_AGAIN = 0.5


class PolledDeliveries(Protocol):
    """Where what was not acknowledged waits."""

    async def waiting(self, tx: Transaction, stream_id: UUID, limit: int) -> list[Delivery]:
        """What a stream that is polled has not acknowledged yet, oldest first."""

    async def acknowledge(
        self, tx: Transaction, stream_id: UUID, ids: Collection[UUID], outcome: Outcome, problem: str, now: datetime
    ) -> list[datetime]:
        """A receiver has taken these, or refused them. Returns the moments of what they told of."""


class SetError(msgspec.Struct, frozen=True, kw_only=True):
    """Why a receiver refuses a token (RFC 8936, section 2.6)."""

    err: str
    description: str = ""


class PollAsked(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Section 2.2."""

    max_events: int = MOST_EVENTS
    return_immediately: bool = False
    ack: list[str] = []
    set_errs: dict[str, SetError] = {}


class SignalPoll:
    """`POST /signals/poll/{stream_id}`."""

    def __init__(
        self,
        *,
        door: SignalsDoor,
        storage: StreamStorage,
        deliveries: PolledDeliveries,
        ring: Callable[[], KeyRing],
        identifiers: SubjectIdentifiers,
        database: Database,
        clock: Clock,
        issuer: str,
    ) -> None:
        self._door = door
        self._storage = storage
        self._deliveries = deliveries
        self._ring = ring
        self._identifiers = identifiers
        self._database = database
        self._clock = clock
        self._issuer = issuer

    async def __call__(self, request: Request) -> Response:
        client = await self._door.receiver(request)
        stream_id = as_stream_id(request.path_params["stream_id"])
        asked = await read_json(request, PollAsked)
        most = max(0, min(asked.max_events, MOST_EVENTS))
        async with self._database.begin() as tx:
            await self._stream(tx, client, stream_id)
            await self._acknowledge(tx, stream_id, asked)
        deadline = self._clock.monotonic() + PATIENCE
        while True:
            async with self._database.connect() as tx:
                stream = await self._stream(tx, client, stream_id)
                held = await self._deliveries.waiting(tx, stream_id, most + 1) if stream.status == "enabled" else []
            if held or most == 0 or asked.return_immediately or self._clock.monotonic() >= deadline:
                return answer({"sets": self._tokens(client, held[:most]), "moreAvailable": len(held) > most})
            if await request.is_disconnected():
                return answer({"sets": {}})
            await asyncio.sleep(LOOK_AGAIN)

    async def _stream(self, tx: Transaction, client: Client, stream_id: UUID) -> Stream:
        stream = await self._storage.claim(tx, client.client_id, stream_id)
        if stream is None or stream.method != "poll":
            raise Problem(NO_SUCH_STREAM)
        return stream

    async def _acknowledge(self, tx: Transaction, stream_id: UUID, asked: PollAsked) -> None:
        now = self._clock.now()
        taken = await self._deliveries.acknowledge(tx, stream_id, _ids(asked.ack), "delivered", "", now)
        delivery_news.polled("delivered", taken, now)
        for jti, error in asked.set_errs.items():
            problem = f"{error.err} {error.description}"[:LONGEST_TEXT].replace("\0", "")
            dead = await self._deliveries.acknowledge(tx, stream_id, _ids([jti]), "dead", problem, now)
            delivery_news.polled("dead", dead, now)

    def _tokens(self, client: Client, held: Collection[Delivery]) -> Mapping[str, str]:
        key, addresses, pairwise = self._ring().active, sector_addresses(client), self._identifiers.pairwise
        return {
            one.id.hex: sign(
                key,
                security_event.claims(
                    as_known_to(one, addresses, pairwise),
                    issuer=self._issuer,
                    issued_at=int(one.happened_at.timestamp()),
                ),
                typ=security_event.TYP,
            )
            for one in held
        }


def _ids(names: Collection[str]) -> list[UUID]:
    """The deliveries of these `jti`; what cannot be one of ours is nobody's."""
    found = []
    for name in names:
        try:
            found.append(UUID(hex=name))
        except ValueError:
            continue
    return found

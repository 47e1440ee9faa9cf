"""The management of streams (OpenID Shared Signals Framework 1.0, section 8.1): configuration, status, verification."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from config.clock import Clock
from config.connections import Database, Transaction
from config.entropy import Entropy
from config.envelope import Envelope
from config.problem import Problem
from idp.clients.client import Client
from idp.endpoints.signals.door import (
    NO_SUCH_STREAM,
    TOO_MANY_STREAMS,
    TOO_OFTEN,
    SignalsDoor,
    answer,
    as_stream_id,
    nothing,
    read_json,
    refused,
)
from idp.sessions.delivery import Delivery, Happening, Recipient
from idp.sessions.relying_parties import DeliveryQueue
from idp.sessions.signals import stream as streams
from idp.sessions.signals.stream import MOST_STREAMS, Status, Stream, StreamAsked, Unacceptable


class StreamStorage(Protocol):
    """Where streams are kept."""

    async def add(self, tx: Transaction, stream: Stream) -> None:
        """Keep a new stream."""

    async def count(self, tx: Transaction, client_id: str) -> int:
        """How many streams a client has. Nobody else can add one to them before this transaction is over."""

    async def all_of(self, tx: Transaction, client_id: str) -> list[Stream]:
        """The streams of a client, oldest first."""

    async def claim(self, tx: Transaction, client_id: str, stream_id: UUID) -> Stream | None:
        """One stream of this very client, which nobody else changes before this transaction is over."""

    async def change(self, tx: Transaction, stream: Stream) -> None:
        """Keep what changed in a claimed stream. One that is disabled holds nothing any more."""

    async def remove(self, tx: Transaction, client_id: str, stream_id: UUID) -> bool:
        """A stream and all that it held are gone. False where this client has no such stream."""


class StatusAsked(msgspec.Struct, frozen=True, kw_only=True):
    """Section 8.1.2.2."""

    stream_id: str
    status: Status
    reason: str | None = None


class VerificationAsked(msgspec.Struct, frozen=True, kw_only=True):
    """Section 8.1.4.2."""

    stream_id: str
    state: str | None = None


class SignalStreams:
    """`/signals/streams` by method, `/signals/status`, `/signals/verify`."""

    def __init__(
        self,
        *,
        door: SignalsDoor,
        storage: StreamStorage,
        deliveries: DeliveryQueue,
        envelope: Envelope,
        database: Database,
        clock: Clock,
        entropy: Entropy,
        issuer: str,
    ) -> None:
        self._door = door
        self._storage = storage
        self._deliveries = deliveries
        self._envelope = envelope
        self._database = database
        self._clock = clock
        self._entropy = entropy
        self._issuer = issuer

    async def __call__(self, request: Request) -> Response:
        """The configuration endpoint (section 8.1.1)."""
        client = await self._door.receiver(request)
        match request.method:
            case "POST":
                return await self._create(request, client)
            case "PATCH" | "PUT":
                return await self._change(request, client, whole=request.method == "PUT")
            case "DELETE":
                return await self._delete(request, client)
            case _:
                return await self._read(request, client)

    async def status(self, request: Request) -> Response:
        """The status endpoint (section 8.1.2)."""
        client = await self._door.receiver(request)
        if request.method != "POST":
            stream_id = as_stream_id(request.query_params.get("stream_id"))
            async with self._database.begin() as tx:
                return answer((await self._claim(tx, client, stream_id)).status_document())
        wanted = await read_json(request, StatusAsked)
        async with self._database.begin() as tx:
            stream = await self._claim(tx, client, as_stream_id(wanted.stream_id))
            changed = replace(stream, status=wanted.status, status_reason=_short("reason", wanted.reason or ""))
            await self._storage.change(tx, changed)
        return answer(changed.status_document())

    async def verify(self, request: Request) -> Response:
        """The verification endpoint (section 8.1.4.2): an event goes out on the stream, with the given state."""
        client = await self._door.receiver(request)
        wanted = await read_json(request, VerificationAsked)
        now = self._clock.now()
        async with self._database.begin() as tx:
            stream = await self._claim(tx, client, as_stream_id(wanted.stream_id))
            if not stream.may_be_verified(now):
                retry = str(int(streams.VERIFICATION_INTERVAL.total_seconds()))
                raise Problem(TOO_OFTEN, headers={"Retry-After": retry})
            await self._storage.change(tx, replace(stream, verified_at=now))
            if stream.status != "disabled":
                state = {} if wanted.state is None else {"state": _short("state", wanted.state)}
                await self._deliveries.add(
                    tx,
                    [
                        Delivery(
                            id=self._entropy.uuid(),
                            recipient=Recipient(client.client_id, stream.id),
                            facts={"happening": Happening.VERIFICATION.value, **state},
                            happened_at=now,
                        )
                    ],
                )
        return nothing()

    async def _create(self, request: Request, client: Client) -> Response:
        wanted = await read_json(request, StreamAsked)
        new = Stream(
            id=self._entropy.uuid(),
            client_id=client.client_id,
            method="poll",
            endpoint_url=None,
            sealed_authorization=None,
            events_requested=(),
            description="",
            status="enabled",
            status_reason="",
            verified_at=None,
            created_at=self._clock.now(),
        )
        stream = self._wanted(client, new, wanted, whole=True)
        async with self._database.begin() as tx:
            if await self._storage.count(tx, client.client_id) >= MOST_STREAMS:
                raise Problem(TOO_MANY_STREAMS)
            await self._storage.add(tx, stream)
        return answer(stream.configuration(self._issuer), 201)

    async def _read(self, request: Request, client: Client) -> Response:
        named = request.query_params.get("stream_id")
        async with self._database.connect() as tx:
            found = await self._storage.all_of(tx, client.client_id)
        if named is None:
            return answer([stream.configuration(self._issuer) for stream in found])
        stream_id = as_stream_id(named)
        for stream in found:
            if stream.id == stream_id:
                return answer(stream.configuration(self._issuer))
        raise Problem(NO_SUCH_STREAM)

    async def _change(self, request: Request, client: Client, *, whole: bool) -> Response:
        wanted = await read_json(request, StreamAsked)
        stream_id = as_stream_id(wanted.stream_id if isinstance(wanted.stream_id, str) else None)
        async with self._database.begin() as tx:
            stream = await self._claim(tx, client, stream_id)
            changed = self._wanted(client, stream, wanted, whole=whole)
            await self._storage.change(tx, changed)
        return answer(changed.configuration(self._issuer))

    async def _delete(self, request: Request, client: Client) -> Response:
        stream_id = as_stream_id(request.query_params.get("stream_id"))
        async with self._database.begin() as tx:
            if not await self._storage.remove(tx, client.client_id, stream_id):
                raise Problem(NO_SUCH_STREAM)
        return nothing()

    async def _claim(self, tx: Transaction, client: Client, stream_id: UUID) -> Stream:
        stream = await self._storage.claim(tx, client.client_id, stream_id)
        if stream is None:
            raise Problem(NO_SUCH_STREAM)
        return stream

    def _wanted(self, client: Client, stream: Stream, wanted: StreamAsked, *, whole: bool) -> Stream:
        try:
            changed = streams.asked(
                stream, wanted, issuer=self._issuer, origins=registered_origins(client), whole=whole
            )
            header = streams.authorization(wanted)
        except Unacceptable as error:
            raise refused(error) from None
        if isinstance(header, str):
            context = streams.authorization_context(stream.id)
            return replace(changed, sealed_authorization=self._envelope.seal(header.encode("ascii"), context))
        if header is None or whole:
            return replace(changed, sealed_authorization=None)
        return changed


def _short(name: str, value: str) -> str:
    try:
        return streams.short(name, value)
    except Unacceptable as error:
        raise refused(error) from None


def registered_origins(client: Client) -> frozenset[str]:
    """Where events may be pushed to: the origins of what is registered of the client."""
    addresses = (*client.redirect_uris, *client.post_logout_redirect_uris, client.backchannel_logout_uri)
    return frozenset(streams.origin(address) for address in addresses if address is not None)

"""What the tests of both services stand on: the demo shop loaded, the gateway's key, people, clients."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from config import key_space
from config.clock import SystemClock
from config.connections import Database, Valkey
from config.entropy import SystemEntropy
from config.envelope import Envelope
from config.sections.engines import Role
from config.settings import Settings
from jose.assertion import HEADER, AssertionSigner, Subject
from jose.entrance import Entrance
from jose.storage.keys import SigningKeys
from upstreams.commerce import app as commerce_app
from upstreams.commerce import demo as commerce_demo
from upstreams.reservation import app as reservation_app
from upstreams.reservation import demo as reservation_demo
from upstreams.reservation.results import Hub
from upstreams.reservation.worker import Worker, build
from upstreams.trade.payments.choosing import provider_of
from upstreams.trade.payments.provider import Provider

Databases = Callable[[Role], Database]


@dataclass(frozen=True)
class Someone:
    """A person, as the gateway asserts them."""

    id: UUID
    subject: Subject

    @classmethod
    def new(cls, name: str = "김하늘") -> Someone:
        ident = uuid4()
        return cls(ident, Subject(sid=ident.hex[:22], sub=str(ident), name=name, locale="en"))


@pytest.fixture
async def envelope(settings: Settings) -> Envelope:
    return Envelope.load(settings)


@pytest.fixture
async def signer(database: Databases, envelope: Envelope) -> AssertionSigner:
    """The gateway's."""
    async with database("gateway").begin() as tx:
        ring = await SigningKeys(envelope).ensure_active(tx, "assertion", SystemClock().now())
    return AssertionSigner(ring)


@dataclass
class Client:
    """One person's way to one service."""

    http: httpx2.AsyncClient
    service: str
    signer: AssertionSigner
    someone: Someone
    envelope: Envelope
    obligations: tuple[str, ...] = ()

    async def request(self, method: str, path: str, **options: Any) -> httpx2.Response:
        assertion = self.signer.sign(
            self.service, self.someone.subject, zone="shop", obligations=self.obligations, now=SystemClock().timestamp()
        )
        headers = {HEADER: assertion, **options.pop("headers", {})}
        return await self.http.request(method, path, headers=headers, **options)

    async def get(self, path: str, **options: Any) -> httpx2.Response:
        return await self.request("GET", path, **options)

    async def post(self, path: str, **options: Any) -> httpx2.Response:
        return await self.request("POST", path, **options)

    def of(self, someone: Someone) -> Client:
        return replace(self, someone=someone)

    def reduced(self, *obligations: str) -> Client:
        return replace(self, obligations=obligations)


@pytest.fixture
async def shop_data(database: Databases) -> None:
    """The demo shop in commerce."""
    async with database("commerce").begin() as tx:
        await commerce_demo.bring(tx, commerce_demo.demo_shop(), SystemClock().now())


@pytest.fixture
async def slots_data(database: Databases) -> None:
    """The demo shop in reservation."""
    async with database("reservation").begin() as tx:
        await reservation_demo.bring(tx, reservation_demo.demo_shop(), SystemClock().now())


@pytest.fixture
async def shop(
    database: Databases,
    shop_data: None,
    valkey: Valkey,
    envelope: Envelope,
    signer: AssertionSigner,
    settings: Settings,
    provider: Provider,
) -> AsyncIterator[Client]:
    """Commerce with the demo shop, reached by one person."""
    clock = SystemClock()
    entrance = await Entrance.open("commerce", database("commerce"), SigningKeys(envelope).assertion_keys, clock)
    app = commerce_app.application(database("commerce"), valkey, envelope, clock, SystemEntropy(), provider, settings)
    transport = httpx2.ASGITransport(app=entrance.around(app))
    async with httpx2.AsyncClient(transport=transport, base_url="http://shop.localhost:8080") as http:
        yield Client(http, "commerce", signer, Someone.new(), envelope)


@pytest.fixture
async def provider(settings: Settings) -> AsyncIterator[Provider]:
    """The payment provider that is set: nobody is there unless a test starts it."""
    made = provider_of(settings)
    yield made
    await made.aclose()


@pytest.fixture
async def hub(valkey: Valkey) -> AsyncIterator[Hub]:
    hub = Hub(valkey)
    listening = asyncio.create_task(hub.listen())
    yield hub
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


@pytest.fixture
async def slots(
    database: Databases,
    slots_data: None,
    valkey: Valkey,
    hub: Hub,
    envelope: Envelope,
    signer: AssertionSigner,
    settings: Settings,
    provider: Provider,
) -> AsyncIterator[Client]:
    """Reservation with the demo shop, reached by one person. No worker runs."""
    clock = SystemClock()
    entrance = await Entrance.open("reservation", database("reservation"), SigningKeys(envelope).assertion_keys, clock)
    app = reservation_app.application(
        database("reservation"),
        valkey,
        hub,
        envelope,
        clock,
        SystemEntropy(),
        provider,
        settings,
    )
    transport = httpx2.ASGITransport(app=entrance.around(app))
    async with httpx2.AsyncClient(transport=transport, base_url="http://shop.localhost:8080") as http:
        yield Client(http, "reservation", signer, Someone.new(), envelope)


@pytest.fixture
def worker(database: Databases, valkey: Valkey, settings: Settings) -> Worker:
    """A worker that does not run by itself."""
    return build(settings.reservation, database("reservation"), valkey, SystemClock(), SystemEntropy())


@asynccontextmanager
async def working(worker: Worker) -> AsyncIterator[None]:
    """Let a worker run."""
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run(stop))
    try:
        yield
    finally:
        stop.set()
        await running


async def open_wide(valkey: Valkey, *skus: str) -> None:
    """Let everything through the gate, as one does that a Valkey which went back in time left too high."""
    for sku in skus:
        await valkey.hset(key_space.reservation_gate(sku), mapping={"a": 1_000_000, "n": 1})

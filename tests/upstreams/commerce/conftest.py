"""The marketplace in small: the shop on real engines, the sandbox's process, a clock that is moved by hand."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import httpx2
import pytest

from config.clock import SystemClock
from config.connections import Valkey
from config.entropy import SystemEntropy
from config.envelope import Envelope
from config.sections.services import PaymentSettings
from config.settings import Settings
from jose.assertion import AssertionSigner
from jose.entrance import Entrance
from jose.storage.keys import SigningKeys
from tests.clock import FakeClock
from tests.upstreams.commerce.market import Market, TestFaults
from tests.upstreams.conftest import Client, Databases, Someone
from tests.upstreams.payments.sandbox_process import IMPATIENCE, Sandbox, running_sandbox
from upstreams.commerce import app as commerce_app
from upstreams.commerce import order_worker as worker
from upstreams.trade.payments.provider import Provider


@pytest.fixture(scope="package")
def sandbox() -> Iterator[Sandbox]:
    """One process for all files of this folder."""
    with running_sandbox() as running:
        yield running


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The sandbox's webhooks go nowhere."""
    return settings.model_copy(update={"payments": PaymentSettings(origin="http://127.0.0.1:1")})


@pytest.fixture
async def provider(sandbox: Sandbox) -> AsyncIterator[Provider]:
    made = sandbox.provider()
    yield made
    await made.aclose()


@pytest.fixture
async def market(
    database: Databases,
    shop_data: None,
    valkey: Valkey,
    envelope: Envelope,
    signer: AssertionSigner,
    settings: Settings,
    provider: Provider,
    sandbox: Sandbox,
) -> AsyncIterator[Market]:
    clock, entropy, faults = FakeClock(SystemClock().now()), SystemEntropy(), TestFaults()
    entrance = await Entrance.open(
        "commerce", database("commerce"), SigningKeys(envelope).assertion_keys, SystemClock()
    )
    commerce = database("commerce")
    app = commerce_app.application(commerce, valkey, envelope, clock, entropy, provider, settings, faults)
    impatient = sandbox.provider(IMPATIENCE)
    work = worker.build(settings, commerce, valkey, envelope, {"sandbox": provider}, clock, entropy, faults)
    work = replace(work, drivers=[replace(driver, chance=random.Random(1)) for driver in work.drivers])
    transport = httpx2.ASGITransport(app=entrance.around(app))
    async with httpx2.AsyncClient(transport=transport, base_url="http://shop.localhost:8080") as http:
        client = Client(http, "commerce", signer, Someone.new(), envelope)
        yield Market(client, work, clock, impatient, database, faults)
    await impatient.aclose()

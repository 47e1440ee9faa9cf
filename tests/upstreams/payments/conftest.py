"""Fixtures of the tests that pay."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from config.clock import SystemClock
from config.connections import Valkey
from config.entropy import SystemEntropy
from config.envelope import Envelope
from config.sections.services import PaymentSettings
from config.settings import Settings
from tests.clock import FakeClock
from tests.upstreams.conftest import Client, Databases
from tests.upstreams.payments.paying import House
from tests.upstreams.payments.sandbox_process import IMPATIENCE, Sandbox, running_sandbox
from upstreams.reservation import payment_worker
from upstreams.reservation import worker as reservation_worker
from upstreams.reservation.queue import RequestQueue
from upstreams.trade.payments.provider import Provider


@pytest.fixture(scope="package")
def sandbox() -> Iterator[Sandbox]:
    """One process for all files of this folder."""
    with running_sandbox() as running:
        yield running


@pytest.fixture
def webhooks() -> str:
    """Where the sandbox's webhooks go: nowhere, unless a test listens."""
    return "http://127.0.0.1:1"


@pytest.fixture
def settings(settings: Settings, webhooks: str) -> Settings:
    return settings.model_copy(update={"payments": PaymentSettings(origin=webhooks)})


@pytest.fixture
async def provider(sandbox: Sandbox) -> AsyncIterator[Provider]:
    """The sandbox, for the service and the driver."""
    made = sandbox.provider()
    yield made
    await made.aclose()


@pytest.fixture
def clock() -> FakeClock:
    """It is now, and stands still: nobody has to wait for a pause to be over."""
    return FakeClock(SystemClock().now())


@pytest.fixture
async def house(
    slots: Client,
    settings: Settings,
    database: Databases,
    valkey: Valkey,
    envelope: Envelope,
    provider: Provider,
    sandbox: Sandbox,
    clock: FakeClock,
) -> AsyncIterator[House]:
    entropy, impatient = SystemEntropy(), sandbox.provider(IMPATIENCE)
    worker = reservation_worker.build(settings.reservation, database("reservation"), valkey, clock, entropy)
    driver = payment_worker.build(settings, database("reservation"), valkey, envelope, provider, clock, entropy)
    driver = replace(driver, chance=random.Random(1))
    yield House(slots, worker, RequestQueue(valkey), driver, settings, clock, impatient, database)
    await impatient.aclose()

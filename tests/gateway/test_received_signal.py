"""Another machine says that a session is revoked, and the gateway lets nobody in by it any more: over real sockets."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from config.clock import SystemClock
from config.connections import open_database
from config.sections.surroundings import OutboundSettings
from config.settings import Settings
from idp.received_signals import serve as polling
from idp.sessions.received.transmitter import Effects, digest_of, push_address
from idp.sessions.received.transmitter import Transmitter as Known
from idp.storage import signal_transmitters
from tests.gateway.house import GATEWAY, PROVIDER, RELAY, SHOP, Browser, on_free_ports, people, running, shops
from tests.idp.people import HOUSE
from tests.idp.signals.transmitter import Transmitter, transmitting

END = 0.5
"""Seconds within which an end must be felt here; the promise (50 ms at p99) is measured by the benchmark."""
TOKEN = "a token of the stream"


@pytest.fixture
async def place(settings: Settings) -> Settings:
    there = on_free_ports(settings).model_copy(update={"outbound": OutboundSettings(private=("127.0.0.0/8",))})
    await people(there)
    return there


@pytest.fixture
async def transmitter(place: Settings) -> AsyncIterator[Transmitter]:
    """Known to the organisation of the house, twice: it pushes, and it is polled."""
    database, now = open_database(place, "idp"), SystemClock().now()
    async with transmitting(SystemClock(), token=TOKEN) as found:
        for delivery in ("push", "poll"):
            ident = uuid4()
            known = Known(
                id=ident,
                organisation_id=HOUSE,
                name=delivery,
                issuer=found.issuer,
                jwks_uri=f"{found.issuer}/jwks",
                audience=push_address(place.idp.issuer, ident) if delivery == "push" else "urn:polled",
                delivery="push" if delivery == "push" else "poll",
                poll_uri=None if delivery == "push" else f"{found.issuer}/poll",
                token_digest=digest_of(TOKEN) if delivery == "push" else None,
                sealed_authorization=None,
                status="enabled",
                effects=Effects(),
                version=1,
                created_at=now,
            )
            async with database.begin() as tx:
                await signal_transmitters.add(tx, known)
            if delivery == "push":
                found.audience = known.audience
        yield found
    await database.dispose()


async def test_a_session_that_was_revoked_elsewhere_is_refused(place: Settings, transmitter: Transmitter) -> None:
    async with running(place, RELAY, PROVIDER, shops, GATEWAY):
        browser = Browser(place)
        page = await browser.sign_in(await browser.go(f"{SHOP}/products/7"), "alice")
        assert page.status_code == 200, page.text
        sub = page.json()["sub"]
        assert (await browser.fetch("/products")).status_code == 200
        subject = {"format": "iss_sub", "iss": place.idp.issuer, "sub": sub}
        answer = await transmitter.push(transmitter.audience, transmitter.revoked(subject))
        assert (answer.status_code, answer.content) == (202, b"")
        deadline = time.monotonic() + END
        while (status := (await browser.fetch("/products")).status_code) == 200:
            assert time.monotonic() < deadline
        assert status == 401
        await browser.close()


async def test_one_that_is_polled_is_refused_too(place: Settings, transmitter: Transmitter) -> None:
    transmitter.audience = "urn:polled"
    async with running(place, RELAY, PROVIDER, shops, GATEWAY):
        browser = Browser(place)
        page = await browser.sign_in(await browser.go(f"{SHOP}/products/7"), "alice")
        transmitter.held["x"] = transmitter.revoked(
            {"format": "email", "email": "alice@mail.example"}, jti="x", iat=int(time.time())
        )
        assert page.status_code == 200, page.text
        async with running(place, polling):
            deadline = time.monotonic() + 15
            while transmitter.held:
                assert time.monotonic() < deadline, transmitter.errors
                assert (await browser.fetch("/products")).status_code in (200, 401)
            deadline = time.monotonic() + END
            while (status := (await browser.fetch("/products")).status_code) == 200:
                assert time.monotonic() < deadline
        assert status == 401
        assert transmitter.errors == {}
        await browser.close()

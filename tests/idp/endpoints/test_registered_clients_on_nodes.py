"""A client that was registered a moment ago signs people in on every node, and one that is switched off is refused
there once the event came."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2
import pytest

from config.clock import SystemClock
from config.connections import Valkey, open_valkey
from config.entropy import SystemEntropy
from config.settings import Settings
from examples.relying_app.app import relying_app
from idp.app import running_caches
from idp.every_client import EveryClient
from idp.registrars import registrar
from tests.events.listening import running_relay
from tests.gateway.wire import wired
from tests.idp.browser import Browser
from tests.idp.conftest import OpenDatabase
from tests.idp.provider import AFTER_LOGOUT, CALLBACK, App, Provider, running_provider

ORIGIN = "http://app.localhost:9100"
METADATA = {
    "redirect_uris": [CALLBACK, f"{ORIGIN}/callback"],
    "post_logout_redirect_uris": [AFTER_LOGOUT],
    "grant_types": ["authorization_code", "refresh_token"],
}
WITHIN = 20
"""Seconds that a test waits for an event on a machine that is busy."""


@pytest.fixture
def clock() -> SystemClock:
    """The relying app goes by the real one."""
    return SystemClock()


@pytest.fixture
async def nodes(
    settings: Settings, database: OpenDatabase, valkey: Valkey, clock: SystemClock
) -> AsyncIterator[tuple[Provider, Provider]]:
    """Two nodes whose caches follow the events that a relay tells."""
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(running_relay(database("worker"), valkey))
        found = []
        for _ in range(2):
            node = await stack.enter_async_context(running_provider(settings, database("idp"), valkey, clock))
            await stack.enter_async_context(running_caches(node.parts, stop))
            found.append(node)
        yield found[0], found[1]
        stop.set()


@pytest.fixture
def every(settings: Settings, database: OpenDatabase, valkey: Valkey, clock: SystemClock) -> EveryClient:
    acts = registrar(settings, clock, SystemEntropy())
    return EveryClient(database("idp"), valkey, acts, clock, frozenset())


async def add(every: EveryClient) -> App:
    added = await every.add(METADATA, "", client_id="shop", organisation_id=None)
    assert added.issued.secret is not None
    return App("shop", added.issued.secret)


async def until_refused(node: Provider, app: App) -> None:
    """Ask the token endpoint until the client is nobody there."""
    async with asyncio.timeout(WITHIN):
        while (await node.redeem(app, "no code")).json()["error"] != "invalid_client":  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_registered_client_signs_people_in_on_both_nodes_at_once(
    nodes: tuple[Provider, Provider], every: EveryClient
) -> None:
    one, other = nodes
    user = await one.person()
    app = await add(every)
    code = await one.sign_in(one.browser(), app, user)
    tokens = (await other.redeem(app, code)).json()
    assert (await one.refresh(app, tokens["refresh_token"])).status_code == 200


async def test_authlib_s_client_signs_in_with_what_was_registered(
    nodes: tuple[Provider, Provider], every: EveryClient
) -> None:
    one, other = nodes
    user = await one.person()
    registered = await add(every)
    app = relying_app(
        issuer=one.parts.issuer,
        client_id=registered.client_id,
        client_secret=registered.secret or "",
        origin=ORIGIN,
        transport=httpx2.ASGITransport(other.app),
    )
    at_app, at_provider = Browser(httpx2.ASGITransport(app), ORIGIN), one.browser()
    start = (await at_app.get("/sign-in")).headers["location"]
    await at_provider.follow(await at_provider.get(start))
    await one.prove(at_provider, user)
    assert at_provider.address.startswith(f"{ORIGIN}/callback?code=")
    await at_app.get(at_provider.address)
    assert "Mina" in (await at_app.get("/")).text
    await at_app.close()


async def test_a_client_that_is_switched_off_is_refused_once_the_event_came(
    nodes: tuple[Provider, Provider], every: EveryClient
) -> None:
    one, other = nodes
    app = await add(every)
    assert (await other.redeem(app, "no code")).json()["error"] == "invalid_grant"
    assert (await one.browser().get(app.request())).is_redirect
    await every.switch("shop", "", enabled=False)
    await until_refused(other, app)
    async with asyncio.timeout(WITHIN):
        while "MJ-IDP-010" not in (await one.browser().get(app.request())).text:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await every.switch("shop", "", enabled=True)
    assert (await other.redeem(app, "no code")).json()["error"] == "invalid_grant", "whoever is not known is looked up"


async def test_the_old_secret_stops_and_the_new_one_is_good(
    nodes: tuple[Provider, Provider], every: EveryClient
) -> None:
    _, other = nodes
    app = await add(every)
    assert (await other.redeem(app, "no code")).json()["error"] == "invalid_grant"
    issued = await every.new_secret("shop", "")
    await until_refused(other, app)
    renewed = App("shop", issued.secret)
    assert (await other.redeem(renewed, "no code")).json()["error"] == "invalid_grant"


async def test_each_node_knows_that_it_hears_of_every_change(nodes: tuple[Provider, Provider]) -> None:
    """Otherwise it reads a client anew every second, and believes none that somebody may have switched off."""
    for node in nodes:
        assert await node.parts.clients.find("nobody") is None
        async with asyncio.timeout(WITHIN):
            while node.parts.lease.overdue(node.parts.clock.monotonic()) is not None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_a_client_that_is_removed_while_valkey_cannot_be_reached_is_refused_within_a_second(
    settings: Settings, database: OpenDatabase, valkey: Valkey, clock: SystemClock, every: EveryClient, tmp_path: Path
) -> None:
    """The event is lost to this node: without heartbeats it believes nothing that it read longer than a moment ago, and
    what it missed it learns at the first entry after that (a gap in the sequence, or the entries themselves)."""
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(running_relay(database("worker"), valkey))
        wire, theirs = await stack.enter_async_context(wired(settings, tmp_path))
        cut_off = open_valkey(theirs)
        stack.push_async_callback(cut_off.aclose)
        node = await stack.enter_async_context(running_provider(theirs, database("idp"), cut_off, clock))
        await stack.enter_async_context(running_caches(node.parts, stop))
        app = await add(every)
        async with asyncio.timeout(WITHIN):
            while node.parts.lease.overdue(node.parts.clock.monotonic()) is not None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        clients, described = node.parts.clients, node.parts.described
        async with asyncio.timeout(WITHIN):
            while await clients.find(app.client_id) is not await clients.find(app.client_id):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        known = await described.known()
        assert await described.known() is known

        wire.cut()
        await every.remove(app.client_id, "")
        async with asyncio.timeout(WITHIN):
            while await clients.find(app.client_id) or await described.known() is known:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert node.parts.lease.overdue(node.parts.clock.monotonic()) is not None, "by the lease, and not by an event"
        stop.set()

"""A client that did not come from our code signs in over real sockets (H1): Authlib's, in `examples/relying_app`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from config.clock import SystemClock
from config.entropy import SystemEntropy
from config.envelope import Envelope
from config.outbound import Outbound
from config.settings import Settings
from examples.relying_app.app import relying_app
from idp import demo
from idp.app import serve
from idp.protocol.pairwise import PairwiseSubjects
from idp.sessions.courier import Courier
from idp.sessions.one_session import OneSession
from idp.sessions.relying_parties import RelyingParties
from idp.storage import deliveries, directory, sessions
from jose.storage.keys import SigningKeys
from tests.idp.browser import Browser
from tests.idp.conftest import OpenDatabase
from tests.idp.endpoints.test_claims_and_resources import said
from tests.idp.people import TIMES

ORIGIN = "http://app.localhost:9100"
NAME, PASSWORD, SHOWN = "mina", "blue harbour morning", "김미나"


@dataclass(frozen=True)
class _Two:
    """One person's browser, seen from both origins."""

    at_app: Browser
    at_provider: Browser

    async def sign_in(self) -> None:
        start = (await self.at_app.get("/sign-in")).headers["location"]
        page = await self.at_provider.follow(await self.at_provider.get(start))
        form = dict(re.findall(r'name="(hop|failures)" value="([^"]*)"', page.text))
        sent = await self.at_provider.post("/sign-in", {**form, "login": NAME, "password": PASSWORD})
        await self.at_provider.follow(sent)
        assert self.at_provider.address.startswith(f"{ORIGIN}/callback?code=")
        await self.at_app.get(self.at_provider.address)


@pytest.fixture
async def listening(settings: Settings) -> AsyncIterator[Path]:
    """The identity provider as `munjigi idp` serves it, on a unix socket, with the shipped clients and people."""
    socket = settings.var / "idp.sock"
    own = settings.model_copy(update={"idp": settings.idp.model_copy(update={"listen": f"unix:{socket}"})})
    ready, stop = asyncio.Event(), asyncio.Event()
    await demo.load(settings)
    serving = asyncio.create_task(serve(own, ready.set, stop))
    await asyncio.wait_for(ready.wait(), 10)
    yield socket
    stop.set()
    await serving


@asynccontextmanager
async def _browser(
    settings: Settings, socket: Path, shop: httpx2.AsyncBaseTransport | None = None
) -> AsyncIterator[_Two]:
    app = relying_app(
        issuer=settings.idp.issuer,
        client_id="demo-app",
        client_secret=demo.client_secret(settings, "demo-app"),
        origin=ORIGIN,
        transport=httpx2.AsyncHTTPTransport(uds=str(socket)),
        shop_transport=shop,
    )
    two = _Two(Browser(httpx2.ASGITransport(app), ORIGIN), Browser(httpx2.AsyncHTTPTransport(uds=str(socket))))
    try:
        yield two
    finally:
        await two.at_app.close()
        await two.at_provider.close()


async def test_authlib_s_client_signs_in_and_out(settings: Settings, listening: Path) -> None:
    async with _browser(settings, listening) as two:
        assert "Nobody is signed in" in (await two.at_app.get("/")).text
        await two.sign_in()
        assert SHOWN in (await two.at_app.get("/")).text
        leaving = await two.at_app.post("/sign-out", {})
        assert leaving.status_code == 303
        await two.at_provider.follow(await two.at_provider.get(leaving.headers["location"]))
        assert two.at_provider.address.startswith(f"{ORIGIN}/?state=")
        assert "Nobody is signed in" in (await two.at_app.get("/")).text
        assert "__Host-munjigi-session" not in two.at_provider.cookies


async def test_the_consent_page_says_what_the_app_may_see_at_the_shop(settings: Settings, listening: Path) -> None:
    """The shop's API is described in the demo data; the token is for it alone, and holds no more than was allowed."""
    shown: list[dict[str, Any]] = []

    def shop(request: httpx2.Request) -> httpx2.Response:
        assert request.headers["host"] == "shop.localhost:8080"
        shown.append(said(request.headers["authorization"].removeprefix("Bearer ")))
        return httpx2.Response(200, json={"orders": [{"id": "o-1"}]})

    async with _browser(settings, listening, httpx2.MockTransport(shop)) as two:
        await two.sign_in()
        assert "What you ordered at the shop" in (await two.at_app.get("/")).text
        start = (await two.at_app.get("/orders")).headers["location"]
        korean = await two.at_provider.follow(await two.at_provider.get(start + "&ui_locales=ko"))
        assert "달빛상점에서 주문한 내역" in korean.text
        page = await two.at_provider.follow(await two.at_provider.get(start + "&ui_locales=en"))
        assert "what you ordered at Dalbit Shop" in page.text
        assert "in your name" not in page.text, "nobody asked for that"
        hop = re.findall(r'name="hop" value="([^"]*)"', page.text)[0]
        await two.at_provider.follow(await two.at_provider.post("/consent", {"hop": hop, "choice": "allow"}))
        await two.at_app.get(two.at_provider.address)
        assert "o-1" in (await two.at_app.get("/orders")).text
    assert [(one["aud"], one["scope"]) for one in shown] == [("http://shop.localhost:8080", "openid orders.read")]


async def test_the_app_notices_that_the_session_ended(
    settings: Settings, listening: Path, database: OpenDatabase
) -> None:
    async with _browser(settings, listening) as two:
        await two.sign_in()
        assert SHOWN in (await two.at_app.get("/")).text
        clock = SystemClock()
        async with database("idp").begin() as tx:
            account = await directory.account_by_login_name(tx, NAME)
            assert account is not None
            live = await sessions.live_of(tx, account.id, clock.now())
            assert live is not None
            acts = OneSession(sessions, TIMES, clock, SystemEntropy(), (RelyingParties(deliveries, SystemEntropy()),))
            await acts.end(tx, live.sid, "administrator", correlation_id="test")
        shown = await two.at_app.follow(await two.at_app.get("/"))
        assert "Your session has ended" in shown.text


async def test_the_app_is_told_of_an_end_elsewhere(settings: Settings, listening: Path, database: OpenDatabase) -> None:
    """Back-channel logout (OpenID Connect Back-Channel Logout 1.0): the app forgets before anybody comes by."""
    async with _browser(settings, listening) as two:
        await two.sign_in()
        clock, entropy = SystemClock(), SystemEntropy()
        async with database("idp").begin() as tx:
            account = await directory.account_by_login_name(tx, NAME)
            assert account is not None
            live = await sessions.live_of(tx, account.id, clock.now())
            assert live is not None
            acts = OneSession(sessions, TIMES, clock, entropy, (RelyingParties(deliveries, entropy),))
            await acts.end(tx, live.sid, "administrator", correlation_id="test")
        async with database("idp").connect() as tx:
            ring = await SigningKeys(Envelope.load(settings)).load_ring(tx, "token")
        async with httpx2.AsyncClient(transport=two.at_app.client._transport) as client:
            courier = Courier(
                deliveries=deliveries,
                database=database("idp"),
                ring=lambda: ring,
                pairwise=lambda: PairwiseSubjects(b"k"),
                envelope=Envelope.load(settings),
                client=client,
                outbound=Outbound.of(settings),
                issuer=settings.idp.issuer,
                clock=clock,
                entropy=entropy,
            )
            assert await courier.step() == 1
            await courier.drain()
            forged = {"logout_token": "e30.e30.e30"}
            assert (await client.post(f"{ORIGIN}/backchannel-logout", data=forged)).status_code == 400
        async with database("idp").connect() as tx:
            outcomes = await tx.execute(text("SELECT client_id, outcome FROM idp.delivery"))
            assert [tuple(row) for row in outcomes] == [("demo-app", "delivered")]
        shown = await two.at_app.get("/")
        assert "ended elsewhere" in shown.text

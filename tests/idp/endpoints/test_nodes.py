"""Any node may answer any request: nothing of a login is in a process (A1); and how a node meets the unexpected."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from config.connections import Valkey
from config.settings import Settings
from idp.storage import protocol_sweep
from tests.clock import FakeClock
from tests.idp.conftest import OpenDatabase
from tests.idp.provider import CALLBACK, Provider, running_provider


@pytest.fixture
async def other_node(
    settings: Settings, database: OpenDatabase, valkey: Valkey, clock: FakeClock
) -> AsyncIterator[Provider]:
    async with running_provider(settings, database("idp"), valkey, clock) as running:
        yield running


async def test_a_login_wanders_between_nodes(provider: Provider, other_node: Provider) -> None:
    app, user = await provider.register(), await provider.person()
    here, there = provider.browser(), other_node.browser()
    there.cookies = here.cookies  # one browser behind a load balancer
    started = await here.get(app.request())
    await there.follow(await there.get(started.headers["location"]))
    here.address = there.address
    await provider.prove(here, user)
    assert here.address.startswith(CALLBACK)
    tokens = (await other_node.redeem(app, here.query()["code"])).json()
    refreshed = (await provider.refresh(app, tokens["refresh_token"])).json()
    retried = (await other_node.refresh(app, tokens["refresh_token"])).json()
    assert refreshed["refresh_token"] == retried["refresh_token"]
    async with other_node.client() as client:
        answer = await client.get("/userinfo", headers={"Authorization": f"Bearer {refreshed['access_token']}"})
    assert answer.json()["sub"] == str(user)


async def test_what_nobody_expected_is_a_page_with_a_reference(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, browser = await provider.register(), provider.browser()

    async def broken(_client_id: str) -> None:
        raise LookupError("a secret of the database")

    monkeypatch.setattr(provider.parts.clients, "find", broken)
    page = await browser.get(app.request())
    assert page.status_code == 500
    assert "MJ-WEB-001" in page.text
    assert page.headers["munjigi-correlation-id"] in page.text
    assert "a secret" not in page.text
    program = await provider.redeem(app, "code")
    assert program.status_code == 500
    assert program.headers["content-type"] == "application/problem+json"


async def test_an_address_that_is_none(provider: Provider) -> None:
    browser = provider.browser()
    missing = await browser.get("/nowhere")
    assert missing.status_code == 404
    assert "MJ-IDP-003" in missing.text
    method = await browser.get("/token")
    assert method.status_code == 405
    assert method.headers["allow"] == "POST"


async def test_the_sweeper_forgets_what_is_over(provider: Provider, database: OpenDatabase, clock: FakeClock) -> None:
    app, user = await provider.register(), await provider.person()
    code = await provider.sign_in(provider.browser(), app, user)
    await provider.redeem(app, code)
    await provider.browser().get(app.request())
    async with database("worker").begin() as tx:
        assert await protocol_sweep.sweep(tx, clock.now()) == 0
    clock.advance(600)
    async with database("worker").begin() as tx:
        assert await protocol_sweep.sweep(tx, clock.now()) == 1  # the login that nobody finished
    clock.advance(25 * 3600)
    async with database("worker").begin() as tx:
        assert await protocol_sweep.sweep(tx, clock.now()) == 2  # the code, and the family with its token

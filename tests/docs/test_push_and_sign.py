"""The app of `docs/how-to/push-and-sign-authorization-requests.md` signs somebody in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
from joserfc.jwk import ECKey

from config.clock import SystemClock
from config.connections import Database, Valkey
from config.sections.engines import Role
from config.settings import Settings
from idp.storage import clients
from tests.docs.test_examples import PROJECT, defined_by
from tests.idp.provider import SECRET, Provider, running_provider
from tests.idp.signing_app import parameters_of

PAGE = PROJECT / "docs" / "how-to" / "push-and-sign-authorization-requests.md"


@pytest.fixture
async def provider(settings: Settings, database: Callable[[Role], Database], valkey: Valkey) -> AsyncIterator[Provider]:
    """By the machine's clock, since the page's app looks at that one."""
    async with running_provider(settings, database("idp"), valkey, SystemClock()) as running:
        yield running


async def test_a_person_signs_in(provider: Provider) -> None:
    page, key = defined_by(PAGE), ECKey.generate_key("P-256")
    app, person, browser = await provider.register(), await provider.person(), provider.browser()
    async with provider.parts.database.begin() as tx:
        client = await clients.find(tx, app.client_id)
        assert client is not None
        await clients.put(tx, replace(client, metadata=page["strict"](key)), provider.parts.clock.now())
    assert "error=invalid_request" in (await browser.get(app.request())).headers["location"]
    request_object = page["signed"](key, app.client_id, provider.parts.issuer, parameters_of(app))
    async with provider.client() as http:
        address = await page["pushed"](http, app.client_id, SECRET, request_object)
    await browser.follow(await browser.get(address))
    await provider.prove(browser, person)
    assert (await provider.redeem(app, browser.query()["code"])).status_code == 200

"""By the settings of `docs/how-to/sign-in-by-a-link.md` a link signs in, for as long as they say, and not where off."""

from __future__ import annotations

import msgspec
import pytest

from config.connections import Valkey
from config.settings import Settings, load_settings
from idp.directory.account import ClientHome
from idp.storage import directory
from tests.clock import FakeClock
from tests.docs.test_examples import PROJECT, blocks
from tests.idp.administration.conftest import House, house
from tests.idp.conftest import OpenDatabase, provider
from tests.idp.login_pages.test_sign_in import app, open_sign_in, person
from tests.idp.login_pages.test_sign_in_link import ask, confirm, link, links
from tests.idp.people import HOUSE
from tests.idp.provider import CALLBACK, App, Provider, running_provider

__all__ = ["app", "house", "provider"]

PAGE = PROJECT / "docs" / "how-to" / "sign-in-by-a-link.md"


async def test_a_link_works_for_as_long_as_the_page_says(
    settings: Settings,
    database: OpenDatabase,
    valkey: Valkey,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    [(_, block)] = blocks(PAGE, "")
    for name, value in (line.split("=", 1) for line in block.splitlines()):
        monkeypatch.setenv(name, value)
    idp = load_settings().idp
    assert (idp.sign_in_links, idp.sign_in_link_lifetime) == (Settings().idp.sign_in_links, 300)
    told = settings.model_copy(update={"idp": idp})
    async with running_provider(told, database("idp"), valkey, clock) as running:
        app = await running.register()
        await person(running)
        browser = running.browser()
        assert "5 minutes" in (await ask(browser, app)).text
        clock.advance(299)
        page = await browser.get(await link(running))
        late = running.browser()
        await ask(late, app)
        await confirm(browser, page)
        assert browser.address.startswith(CALLBACK)
        clock.advance(300)
        assert (await late.get(await link(running))).status_code == 410


async def test_an_organisation_that_says_no_offers_and_sends_none(house: House, provider: Provider, app: App) -> None:
    [(_, body)] = blocks(PAGE, "json")
    async with provider.parts.database.begin() as tx:
        await directory.put_client_home(tx, app.client_id, ClientHome(organisation_id=HOUSE))
    assert "Mail me a link to sign in" in (await open_sign_in(provider.browser(), app)).text
    version = (await house.got(f"/organisations/{HOUSE}"))["version"]
    changed = await house("PUT", f"/organisations/{HOUSE}", {**msgspec.json.decode(body), "version": version})
    assert changed.json()["sign_in_links"] is False
    for event in await house.rows("SELECT topic, payload FROM events.outbox WHERE topic = 'organisation'"):
        provider.parts.rules.on_event(event.topic, event.payload)
    browser = provider.browser()
    page = await open_sign_in(browser, app)
    assert "Mail me a link to sign in" not in page.text
    shown = await ask(browser, app, "mina")
    assert "Look at your e-mail" not in shown.text
    assert await links(provider) == []

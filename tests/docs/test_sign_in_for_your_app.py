"""The app of `docs/how-to/sign-in-for-your-app.md` registers, signs somebody in, and shows their name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import httpx2
import pytest

from config.clock import SystemClock
from config.connections import Database, Valkey
from config.sections.engines import Role
from config.settings import Settings
from tests.docs.test_examples import PROJECT, defined_by
from tests.idp.browser import Browser
from tests.idp.provider import Provider, running_provider

PAGE = PROJECT / "docs" / "how-to" / "sign-in-for-your-app.md"


@pytest.fixture
async def provider(settings: Settings, database: Callable[[Role], Database], valkey: Valkey) -> AsyncIterator[Provider]:
    """An identity provider by the machine's clock: a client that is not ours looks at that one."""
    async with running_provider(settings, database("idp"), valkey, SystemClock()) as running:
        yield running


@pytest.fixture
async def at_app(settings: Settings, provider: Provider) -> AsyncIterator[Browser]:
    """A browser at the app, which is registered as the page says; doing it twice changes nothing."""
    page = defined_by(PAGE)
    await page["register_orders"](settings)
    await page["register_orders"](settings)
    secret = (settings.secrets / "orders-client.secret").read_text(encoding="ascii")
    app = page["orders"](provider.parts.issuer, secret)
    page["oauth"].munjigi.client_kwargs["transport"] = httpx2.ASGITransport(provider.app)
    browser = Browser(httpx2.ASGITransport(app), page["ORIGIN"])
    yield browser
    await browser.close()


async def test_a_person_signs_in(provider: Provider, at_app: Browser) -> None:
    person, at_provider = await provider.person("mina"), provider.browser()
    led = await at_app.follow(await at_app.get("/"))
    await at_provider.follow(await at_provider.get(led.headers["location"]))
    await provider.prove(at_provider, person)
    shown = await at_app.follow(await at_app.get(at_provider.address))
    assert shown.text == "Hello, Mina"


async def test_a_person_who_kept_their_other_session_is_told(provider: Provider, at_app: Browser) -> None:
    led = await at_app.follow(await at_app.get("/"))
    state = httpx2.URL(led.headers["location"]).params["state"]
    told = await at_app.get(f"/callback?error=access_denied&state={state}&iss={provider.parts.issuer}")
    assert (told.status_code, told.text) == (403, "You are not signed in: access_denied")

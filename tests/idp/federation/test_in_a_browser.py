"""Two real Munjigis and a Chromium: the second one is the organisation's own, and the first its relying party."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

import pytest
from playwright.async_api import Browser, Page

from config.clock import SystemClock
from config.connections import Database, open_database
from config.envelope import Envelope
from config.settings import Settings
from idp.app import serve
from idp.clients.client import Client, hash_secret
from idp.credentials.password import PasswordPool
from idp.directory.account import ClientHome
from idp.federation.provider import UpstreamProvider, callback_of, secret_context
from idp.storage import clients, directory, passwords, upstream_links, upstream_providers
from tests.axe import assert_accessible_async
from tests.chromium import shared_chromium
from tests.engines import TestEngines
from tests.house import free_port
from tests.idp.conftest import OpenDatabase
from tests.idp.federation.conftest import lead
from tests.idp.login_pages.test_sign_in import PASSWORD
from tests.idp.people import BEGUN, HOUSE, add_person
from tests.idp.provider import SECRET, App

pytestmark = pytest.mark.browser

THERE = "a password of the organisation"
PROVIDER = uuid4()


@dataclass
class Houses:
    """Both, and the person of each."""

    issuer: str
    upstream: str
    idp: Database
    user: UUID

    def request(self, **changed: str) -> str:
        return self.issuer + App().request(redirect_uri=f"{self.issuer}/help", **changed)


@pytest.fixture
def other_settings(engines: TestEngines, settings: Settings) -> Iterator[Settings]:
    """Those of the organisation's own house."""
    with engines.private() as own:
        yield own


@asynccontextmanager
async def served(settings: Settings, host: str, port: int) -> AsyncIterator[str]:
    idp = settings.idp.model_copy(update={"listen": f"127.0.0.1:{port}", "issuer": f"http://{host}:{port}"})
    ready, stop = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(serve(settings.model_copy(update={"idp": idp}), ready.set, stop))
    await asyncio.wait_for(ready.wait(), 20)
    try:
        yield idp.issuer
    finally:
        stop.set()
        await serving


async def person(idp: Database, password: str) -> UUID:
    pool = PasswordPool(1)
    async with idp.begin() as tx:
        user = (await add_person(tx, "mina", with_mail=False)).id
        await passwords.put_password(tx, user, await pool.hash(password), SystemClock().now())
    pool.close()
    return user


def app(client_id: str, redirect_uri: str, *, secret: str | None) -> Client:
    return Client(
        client_id=client_id,
        name={"ko": "달빛상점", "en": "the app"},
        auth_method="none" if secret is None else "client_secret_basic",
        secret_hash=None if secret is None else hash_secret(secret),
        redirect_uris=(redirect_uri,),
        post_logout_redirect_uris=(),
        grant_types=("authorization_code",),
        scopes=("openid", "profile", "email"),
    )


@pytest.fixture
async def houses(settings: Settings, other_settings: Settings, database: OpenDatabase) -> AsyncIterator[Houses]:
    ours, there = database("idp"), open_database(other_settings, "idp")
    port, other_port = free_port(), free_port()
    issuer, upstream, now = f"http://house.localhost:{port}", f"http://localhost:{other_port}", SystemClock().now()
    await person(there, THERE)
    user = await person(ours, PASSWORD)
    async with there.begin() as tx:
        await clients.put(tx, app("munjigi", callback_of(issuer, PROVIDER), secret=SECRET), now)
    async with ours.begin() as tx:
        await clients.put(tx, app("app", f"{issuer}/help", secret=None), now)
        await directory.put_client_home(tx, "app", ClientHome(organisation_id=HOUSE))
        provider = UpstreamProvider(
            id=PROVIDER,
            organisation_id=HOUSE,
            issuer=upstream,
            client_id="munjigi",
            auth_method="client_secret_basic",
            sealed_secret=Envelope.load(settings).seal(SECRET.encode(), secret_context(PROVIDER)),
            scopes=("openid", "profile"),
            name={"ko": "아크메", "en": "Acme"},
        )
        assert await upstream_providers.add(tx, provider, BEGUN)
        await lead(tx, replace(provider, domains=("acme.example",)))
    async with served(other_settings, "localhost", other_port), served(settings, "house.localhost", port):
        yield Houses(issuer, upstream, ours, user)
    await there.dispose()


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    async with shared_chromium() as browser:
        yield browser


async def give_password(page: Page, password: str) -> None:
    await page.fill("#identifier", "mina")
    await page.fill("#password", password)
    await page.press("#password", "Enter")


async def looks_well(page: Page) -> None:
    for width in (320, 1280):
        await page.set_viewport_size({"width": width, "height": 900})
        overflow = await page.evaluate("document.scrollingElement.scrollWidth - innerWidth")
        assert overflow <= 0, f"{page.url} at {width} px"
    assert await page.locator("h1").count() == 1
    await assert_accessible_async(page)


@pytest.mark.parametrize("scripts", [True, False])
async def test_somebody_signs_in_there_links_here_and_signs_in_by_it(
    chromium: Browser, houses: Houses, scripts: bool
) -> None:
    context = await chromium.new_context(locale="en-GB", java_script_enabled=scripts)
    context.set_default_timeout(20_000)
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None)

    await page.goto(houses.request())
    await looks_well(page) if scripts else None
    await page.get_by_role("link", name="Sign in with Acme").click()
    await page.wait_for_url(f"{houses.upstream}/sign-in?**")
    await give_password(page, THERE)
    await page.get_by_role("heading", name="This account is not linked yet").wait_for()
    assert page.url.startswith(f"{houses.issuer}/sign-in/upstream/{PROVIDER}/callback?")
    if scripts:
        await looks_well(page)
    await page.get_by_role("link", name="Sign in here and link it").click()
    await page.get_by_text("To link Mina, sign in here").wait_for()
    await give_password(page, PASSWORD)
    await page.get_by_role("heading", name="Link your Acme account?").wait_for()
    if scripts:
        await looks_well(page)
    await page.get_by_role("button", name="Link it").click()
    await page.wait_for_url(f"{houses.issuer}/help?code=**")

    await page.goto(f"{houses.issuer}/account/links?locale=ko")
    await page.get_by_text("아크메").first.wait_for()
    if scripts:
        await looks_well(page)
        await page.get_by_role("link", name="연결 끊기").click()
        await looks_well(page)
    await page.goto(f"{houses.issuer}/account/session?locale=en")
    await page.get_by_role("button", name="Sign out", exact=True).click()
    await page.get_by_role("heading", name="You are signed out").wait_for()

    await page.goto(houses.request())
    await page.fill("#identifier", "mina@acme.example")
    await page.press("#identifier", "Enter")
    await page.locator(".sign-in > a.primary").wait_for()
    if scripts:
        await looks_well(page)
    await page.locator(".sign-in > a.primary").click()
    await page.wait_for_url(f"{houses.issuer}/help?code=**")  # signed in there still
    assert complaints == []
    async with houses.idp.connect() as tx:
        [link] = await upstream_links.of(tx, houses.user)
    assert link.last_used_at is not None
    await context.close()

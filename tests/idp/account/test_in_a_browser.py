"""Every page of the account in Chromium: axe-core finds nothing, nothing overflows, the keyboard is enough."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx2
import pytest
from playwright.async_api import Browser, BrowserContext

from config.clock import SystemClock
from config.connections import Database
from config.entropy import SystemEntropy
from config.settings import Settings
from idp.app import serve
from idp.clients.client import Client, hash_secret
from idp.clients.metadata import ClientMetadata
from idp.credentials.password import PasswordPool
from idp.devices.sign_in_history import CameFrom, Outcome, SignInHistory
from idp.grants.ciba import CIBA
from idp.grants.device_code import DEVICE_CODE
from idp.protocol.assurance import ACR_TWO
from idp.storage import clients, passwords, sign_in_history
from tests.axe import assert_accessible_async
from tests.chromium import shared_chromium
from tests.idp.account.conftest import PASSWORD
from tests.idp.conftest import OpenDatabase
from tests.idp.people import add_person
from tests.idp.provider import SECRET, App

pytestmark = pytest.mark.browser

PAGES = (
    "",
    "/session",
    "/devices",
    "/devices/one?id={device}",
    "/devices/remove?id={device}",
    "/history",
    "/history/not-me?id={sign_in}",
    "/places",
    "/apps",
    "/requests",
    "/password",
    "/factors",
    "/notices",
    "/language",
    "/feedback",
    "/confirm",
)
SHOTS = os.environ.get("ACCOUNT_SHOTS")
"""A folder where a picture of every page is left, to be looked at."""
CAME: tuple[tuple[Outcome, CameFrom], ...] = (
    ("signed_in", CameFrom(None, "Chrome · Windows", "Chrome", "203.0.113.7", "KR", "Example Telecom")),
    ("failed", CameFrom(None, "Firefox · Linux", "Firefox", "2001:db8:85a3::8a2e:370:7334", "DE", "")),
    ("kept", CameFrom(None, "Safari · iPhone", "Safari", "198.51.100.9", "US", "")),
    ("refused", CameFrom(None, "", "", "192.0.2.1", "", "")),
)


@dataclass
class Served:
    """The identity provider as `munjigi idp` serves it, with one person and one app."""

    issuer: str
    idp: Database
    user: UUID

    async def ids(self) -> dict[str, str]:
        """Of something that each page with an id can show."""
        async with self.idp.connect() as tx:
            device = (await tx.exec_driver_sql("SELECT id FROM idp.device")).scalars().first()
            sign_in = (await tx.exec_driver_sql("SELECT id FROM idp.sign_in_history")).scalars().first()
        return {"device": str(device), "sign_in": str(sign_in)}


@pytest.fixture
async def served(settings: Settings, database: OpenDatabase) -> AsyncIterator[Served]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    idp = settings.idp.model_copy(update={"listen": f"127.0.0.1:{port}", "issuer": f"http://localhost:{port}"})
    user = await _someone_with_a_history(database("idp"), idp.issuer)
    ready, stop = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(serve(settings.model_copy(update={"idp": idp}), ready.set, stop))
    await asyncio.wait_for(ready.wait(), 20)
    yield Served(idp.issuer, database("idp"), user)
    stop.set()
    await serving


async def _someone_with_a_history(idp: Database, issuer: str) -> UUID:
    pool, clock = PasswordPool(1), SystemClock()
    async with idp.begin() as tx:
        user = (await add_person(tx)).id
        await passwords.put_password(tx, user, await pool.hash(PASSWORD), clock.now())
        app = Client(
            client_id="app",
            name={"ko": "달빛상점", "en": "the app"},
            auth_method="none",
            secret_hash=None,
            redirect_uris=(f"{issuer}/help",),
            post_logout_redirect_uris=(),
            grant_types=("authorization_code",),
            scopes=("openid", "profile"),
        )
        await clients.put(tx, app, clock.now())
        history = SignInHistory(sign_in_history, clock, SystemEntropy())
        for outcome, visit in CAME:
            await history.note(tx, user, outcome, visit, amr=("pwd",), client_id="app")
    pool.close()
    return user


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    async with shared_chromium() as browser:
        yield browser


async def sign_in(chromium: Browser, served: Served, *, scripts: bool = True) -> BrowserContext:
    """Mina at a browser of hers, which complains of nothing."""
    context = await chromium.new_context(locale="ko-KR", java_script_enabled=scripts)
    context.set_default_timeout(20_000)
    page = await context.new_page()
    await page.goto(served.issuer + App().request(redirect_uri=f"{served.issuer}/help"))
    await page.fill("#identifier", "mina")
    await page.fill("#password", PASSWORD)
    await page.press("#password", "Enter")
    await page.wait_for_url("**/help?code=**")
    return context


async def test_every_page_is_accessible_at_every_width_in_both_languages_and_themes(
    chromium: Browser, served: Served
) -> None:
    context = await sign_in(chromium, served)
    page = context.pages[0]
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    ids = await served.ids()
    for path in PAGES:
        for locale, scheme, widths in (("ko", "light", (320, 768, 1280)), ("en", "dark", (320, 1280))):
            await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            address = f"{served.issuer}/account{path.format(**ids)}"
            await page.goto(f"{address}{'&' if '?' in address else '?'}locale={locale}")
            for width in widths:
                await page.set_viewport_size({"width": width, "height": 900})
                overflow = await page.evaluate("document.scrollingElement.scrollWidth - innerWidth")
                assert overflow <= 0, f"{path} at {width} px"
                if SHOTS:
                    name = f"{path.partition('?')[0].strip('/').replace('/', '-') or 'overview'}-{locale}-{width}.png"
                    await page.screenshot(path=Path(SHOTS) / name, full_page=True)
            await assert_accessible_async(page)
    assert complaints == []
    await context.close()


async def test_without_scripts_a_person_gets_everywhere_by_keyboard_and_signs_out(
    chromium: Browser, served: Served
) -> None:
    context = await sign_in(chromium, served, scripts=False)
    page = context.pages[0]
    await page.goto(f"{served.issuer}/account?locale=en")
    for heading in (
        "Your session",
        "Your devices",
        "Sign-in history",
        "Places",
        "Connected apps",
        "Sign-in requests",
        "Password",
        "Notices",
    ):
        link = page.get_by_role("main").get_by_role("link", name=heading, exact=True)
        await link.focus()
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/account/*")
        assert await page.locator("h1").inner_text() == heading
        await page.get_by_role("navigation", name="Your account").get_by_role("link").focus()
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/account")
    await page.goto(f"{served.issuer}/account/session")
    await page.get_by_role("button", name="Sign out", exact=True).focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="You are signed out").wait_for()
    await page.goto(f"{served.issuer}/account")
    assert await page.locator("h1").inner_text() == "Sign in first"
    await context.close()


async def test_a_device_is_signed_in_from_another_screen(chromium: Browser, served: Served) -> None:
    """Without scripts from the code to the word; then every page of it is looked at."""
    async with served.idp.begin() as tx:
        tv = Client(
            client_id="tv",
            name={"ko": "달빛티비", "en": "Moonlight TV"},
            auth_method="none",
            secret_hash=None,
            redirect_uris=(),
            post_logout_redirect_uris=(),
            grant_types=(DEVICE_CODE,),
            scopes=("openid", "profile"),
        )
        await clients.put(tx, tv, SystemClock().now())
    async with httpx2.AsyncClient(trust_env=False, base_url=served.issuer) as device:
        first, second = [(await device.post("/device_authorization", data={"client_id": "tv"})).json() for _ in "ab"]
        plain = await chromium.new_context(locale="ko-KR", java_script_enabled=False)
        plain.set_default_timeout(20_000)
        page = await plain.new_page()
        await page.goto(first["verification_uri"])
        await page.get_by_label("코드").fill(first["user_code"].lower())
        await page.keyboard.press("Enter")
        await page.fill("#identifier", "mina")
        await page.fill("#password", PASSWORD)
        await page.press("#password", "Enter")
        await page.get_by_role("heading", name="달빛티비에 로그인할까요?").wait_for()
        await page.get_by_role("button", name="허용").click()
        await page.get_by_role("heading", name="기기가 로그인됐어요").wait_for()
        form = {"grant_type": DEVICE_CODE, "client_id": "tv", "device_code": first["device_code"]}
        assert (await device.post("/token", data=form)).status_code == 200

    context = await chromium.new_context(locale="ko-KR", storage_state=await plain.storage_state())
    page = await context.new_page()
    for path in ("/device", "/device?user_code=BBBB-BBBB", f"/device?user_code={second['user_code']}"):
        for locale, scheme in (("ko", "light"), ("en", "dark")):
            await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            await page.set_viewport_size({"width": 320, "height": 900})
            await page.goto(f"{served.issuer}{path}{'&' if '?' in path else '?'}locale={locale}")
            assert await page.evaluate("document.scrollingElement.scrollWidth - innerWidth") <= 0
            await assert_accessible_async(page)
    if SHOTS:
        await page.screenshot(path=Path(SHOTS) / "device.png", full_page=True)
    await page.get_by_role("button", name="Refuse").click()
    await page.get_by_role("heading", name="Nothing was signed in").wait_for()
    await assert_accessible_async(page)
    await context.close()
    await plain.close()


async def test_a_request_behind_the_persons_back_is_allowed_and_another_refused(
    chromium: Browser, served: Served
) -> None:
    """Without scripts from the mail's address to the word; the page is looked at while both wait."""
    async with served.idp.begin() as tx:
        till = Client(
            client_id="till",
            name={"ko": "달빛상점 계산대", "en": "The till of the Moonlight shop"},
            auth_method="client_secret_basic",
            secret_hash=hash_secret(SECRET),
            redirect_uris=(),
            post_logout_redirect_uris=(),
            grant_types=(CIBA,),
            scopes=("openid", "profile"),
            metadata=ClientMetadata(backchannel_token_delivery_mode="poll"),
        )
        await clients.put(tx, till, SystemClock().now())
    auth = httpx2.BasicAuth("till", SECRET)
    async with httpx2.AsyncClient(trust_env=False, base_url=served.issuer, auth=auth) as client:
        long, strict = {"binding_message": "W" * 100}, {"binding_message": "Y7", "acr_values": ACR_TWO}
        form = {"scope": "openid profile", "login_hint": "mina"}
        first, second = [(await client.post("/bc-authorize", data=form | more)).json() for more in (long, strict)]
        plain = await chromium.new_context(locale="ko-KR", java_script_enabled=False)
        plain.set_default_timeout(20_000)
        page = await plain.new_page()
        await page.goto(f"{served.issuer}/account/requests")
        await page.get_by_role("main").get_by_role("link", name="로그인").click()
        await page.fill("#identifier", "mina")
        await page.fill("#password", PASSWORD)
        await page.press("#password", "Enter")
        await page.get_by_role("heading", name="로그인 요청", exact=True).wait_for()

        context = await chromium.new_context(locale="ko-KR", storage_state=await plain.storage_state())
        watching = await context.new_page()
        for locale, scheme, widths in (("ko", "light", (320, 768)), ("en", "dark", (320, 1280))):
            await watching.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            await watching.goto(f"{served.issuer}/account/requests?locale={locale}")
            assert await watching.locator("h2").count() == 2
            for width in widths:
                await watching.set_viewport_size({"width": width, "height": 900})
                assert await watching.evaluate("document.scrollingElement.scrollWidth - innerWidth") <= 0
                if SHOTS:
                    await watching.screenshot(path=Path(SHOTS) / f"requests-{locale}-{width}.png", full_page=True)
            await assert_accessible_async(watching)
        await context.close()

        await page.get_by_role("button", name="허용").focus()
        await page.keyboard.press("Enter")
        await page.get_by_text("허용했어요.").wait_for()
        await page.get_by_role("button", name="거절").click()
        await page.get_by_text("거절했어요.").wait_for()
        asked = {"grant_type": CIBA}
        assert (await client.post("/token", data=asked | {"auth_req_id": first["auth_req_id"]})).status_code == 200
        refused = await client.post("/token", data=asked | {"auth_req_id": second["auth_req_id"]})
        assert refused.json()["error"] == "access_denied"
        await plain.close()

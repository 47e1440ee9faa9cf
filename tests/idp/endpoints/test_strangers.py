"""What strangers can make us keep, and learn from us: little, whatever they send how often."""

from __future__ import annotations

import pytest
import redis.asyncio as redis
from httpx2 import BasicAuth
from sqlalchemy import event, text

from config.connections import Valkey
from config.settings import Settings
from idp.credentials.throttle import Allowance, Slowdown
from tests.clock import FakeClock
from tests.idp.login_pages.test_sign_in import hidden, kinds, open_sign_in, person, submit
from tests.idp.provider import CALLBACK, Provider, running_provider
from tests.idp.waiting import OpenDatabase


async def _count(provider: Provider, table: str) -> int:
    async with provider.parts.database.connect() as tx:
        found: int = (await tx.execute(text(f"SELECT count(*) FROM idp.{table}"))).scalar_one()
        return found


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three of everything that is counted by address."""
    for module in ("authorization", "login.dispatcher"):
        monkeypatch.setattr(
            f"idp.endpoints.{module}.logins_of_address", lambda lifetime: Allowance("login-address", 3, int(lifetime))
        )
    monkeypatch.setattr("idp.endpoints.client_requests.REFUSALS_OF_ADDRESS", Allowance("refusal-address", 3, 900))
    slow = Slowdown("password-address", free=3, first=900, longest=900, memory=900)
    monkeypatch.setattr("idp.credentials.throttle.PASSWORD_OF_ADDRESS", slow)


@pytest.fixture
async def strict(few: None, provider: Provider) -> Provider:
    """The provider, which counts to three."""
    return provider


async def test_an_address_begins_so_many_logins_and_no_more(
    few: None, settings: Settings, database: OpenDatabase, valkey: Valkey, clock: FakeClock
) -> None:
    async with running_provider(settings, database("idp"), valkey, clock) as provider:
        app, user = await provider.register(), await provider.person()
        stranger, neighbour = provider.browser("2001:db8::1"), provider.browser("2001:db8::2")
        for browser in (stranger, neighbour, stranger):
            assert (await browser.get(app.request())).status_code == 303
        refused = await neighbour.get(app.request())
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) <= 600
        assert "MJ-IDP-102" in refused.text
        silent = await neighbour.get(app.request(prompt="none"))
        assert silent.headers["location"].startswith(CALLBACK + "?error=temporarily_unavailable")
        assert await _count(provider, "login") == 3
        # somebody else is not kept out, and whoever brings logins to their end may begin as many as they like
        browser = provider.browser()
        await provider.sign_in(browser, app, user)
        for _ in range(5):
            await browser.follow(await browser.get(app.request()))
            assert "code" in browser.query()
        assert await _count(provider, "login") == 3


async def test_no_login_begins_where_nobody_can_count(
    settings: Settings, database: OpenDatabase, clock: FakeClock
) -> None:
    nowhere = redis.Redis.from_url("unix:///nowhere/valkey.sock", decode_responses=True)
    async with nowhere, running_provider(settings, database("idp"), nowhere, clock) as provider:
        app = await provider.register()
        assert (await provider.browser().get(app.request())).status_code == 503
        assert await _count(provider, "login") == 0


async def test_reloading_a_page_keeps_a_few_challenges(provider: Provider) -> None:
    app, browser = await provider.register(), provider.browser()
    await open_sign_in(browser, app)
    for _ in range(20):
        assert (await browser.get(browser.address)).status_code == 200
    assert await _count(provider, "passkey_challenge") == 8


async def test_refused_clients_and_passwords_do_not_fill_the_trail(strict: Provider, database: OpenDatabase) -> None:
    app = await strict.register()
    await strict.register("public", auth_method="none")
    wrong = BasicAuth(app.client_id, "wrong")
    for _ in range(4):
        assert (await strict.post("/token", {"grant_type": "refresh_token"}, wrong)).status_code == 401
        form = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": "public"}
        assert (await strict.post("/token", form)).status_code == 400
    assert await kinds(strict, database) == ["client_refused", "token_refused", "client_refused", "throttled"]
    browser = strict.browser("10.0.0.9")
    page = await open_sign_in(browser, app)
    for _ in range(8):
        page = await submit(browser, page, "nobody")
    assert page.status_code == 429
    assert (await kinds(strict, database))[4:] == ["sign_in_failed"] * 3 + ["throttled"]


async def test_a_name_that_nobody_has_is_looked_up_as_thoroughly(provider: Provider) -> None:
    """Whether an account exists shows neither in the words nor in what the database is asked."""
    app = await provider.register()
    await person(provider)
    browser = provider.browser()
    browser.cookies["__Host-munjigi-device"] = "d" * 43
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    page = await open_sign_in(browser, app)
    await browser.post("/sign-in", {"hop": hidden(page), "login": "whoever", "password": "wrong"})  # what all share
    seen = []
    event.listen(provider.parts.database.sync_engine, "before_cursor_execute", note)
    try:
        for name in ("mina", "nobody"):
            asked.clear()
            form = {"hop": hidden(page), "login": name, "password": "wrong"}
            answer = await browser.post("/sign-in", form)
            seen.append((answer.status_code, list(asked)))
    finally:
        event.remove(provider.parts.database.sync_engine, "before_cursor_execute", note)
    assert seen[0] == seen[1]


async def test_the_address_of_a_browser_is_one_that_the_trail_can_hold(
    provider: Provider, database: OpenDatabase
) -> None:
    app = await provider.register()
    await person(provider)
    for name, ip in (("fe80::1%eth0", "fe80::1"), ("::ffff:192.0.2.7", "192.0.2.7")):
        browser = provider.browser(name)
        page = await submit(browser, await open_sign_in(browser, app), password="wrong")
        assert page.status_code == 422
        async with database("owner").connect() as tx:
            query = text("SELECT host(ip) FROM audit.record ORDER BY id DESC LIMIT 1")
            assert (await tx.execute(query)).scalar_one() == ip

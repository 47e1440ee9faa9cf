"""Whoever lost every factor waits; their person is told everywhere and can stop it; after it they begin anew, once."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import urlsplit
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import text

from config.connections import Valkey
from config.settings import Settings
from idp.storage import factors, recovery_codes, sessions
from idp.sweeper import Sweeper, build_sweeper
from tests.clock import FakeClock
from tests.idp.conftest import OpenDatabase
from tests.idp.login_pages.test_factor import at_the_factor, passkey_of, saved
from tests.idp.login_pages.test_recover import MAIL, NEW, Mailbox, ask, give, mailbox
from tests.idp.login_pages.test_remembered_browser import set_mail
from tests.idp.login_pages.test_sign_in import app, hidden, kinds, open_sign_in, person, submit, submit_code
from tests.idp.people import HOUSE
from tests.idp.provider import CALLBACK, App, Provider

__all__ = ["app", "mailbox"]

HOUR = 3600
DAY = 24 * HOUR


@pytest.fixture
def sweeper(settings: Settings, database: OpenDatabase, valkey: Valkey, clock: FakeClock) -> Sweeper:
    return build_sweeper(settings, database("worker"), valkey, clock)


async def lost(provider: Provider) -> UUID:
    """Somebody with an app, a passkey and saved codes."""
    user = await person(provider, with_totp=True)
    await passkey_of(provider, user)
    await saved(provider, user)
    await set_mail(provider, user, MAIL)
    return user


async def begin(provider: Provider, mailbox: Mailbox, address: str = "10.0.0.7") -> httpx2.Response:
    """Ask for a link, open it, and say that everything is lost."""
    browser = provider.browser(address)
    await ask(browser)
    link = await mailbox.link()
    page = await browser.get(link)
    assert "I have lost all of these" in page.text
    waiting = await browser.get(link.replace("/password", "/wait"))
    assert waiting.status_code == 200
    assert "24 hours" in waiting.text
    return await browser.post("/recover/wait", {"token": link.split("token=")[1]})


async def stop(provider: Provider, mailbox: Mailbox) -> httpx2.Response:
    address = (await mailbox.read("recovery_waiting"))[-1].facts["stop"]
    token = address.split("token=")[1]
    browser = provider.browser("192.0.2.5")
    for _ in range(3):  # a scanner of mails looks too
        assert "Somebody says that they lost every factor" in (await browser.get(f"/recover/stop?token={token}")).text
    return await browser.post("/recover/stop", {"token": token})


async def ready_link(mailbox: Mailbox) -> str:
    parts = urlsplit((await mailbox.read("recovery_ready"))[-1].facts["recovery"])
    return f"{parts.path}?{parts.query}"


async def state(database: OpenDatabase) -> list[str]:
    async with database("owner").connect() as tx:
        return list((await tx.execute(text("SELECT state FROM idp.waiting_recovery ORDER BY asked_at, id"))).scalars())


async def test_after_the_waiting_everything_lost_goes_and_they_begin_anew(
    provider: Provider, app: App, mailbox: Mailbox, database: OpenDatabase, sweeper: Sweeper, clock: FakeClock
) -> None:
    user = await lost(provider)
    began = await begin(provider, mailbox)
    assert began.status_code == 200
    assert "nothing to do but wait" in began.text
    (told,) = await mailbox.read("recovery_waiting")
    assert told.to == MAIL
    assert (told.facts["place"], told.facts["ready"]) == ("local network", "2026-11-23T09:00:00+00:00")
    assert (await provider.browser().get(await mailbox.link())).status_code == 410, "the link that began it is used up"

    clock.advance(DAY - 1)
    await sweeper.step()
    assert await mailbox.read("recovery_ready") == []
    clock.advance(1)
    await asyncio.gather(sweeper.step(), sweeper.step())
    (ready,) = await mailbox.read("recovery_ready")
    assert ready.to == MAIL

    browser = provider.browser("10.0.0.7")
    link = await ready_link(mailbox)
    page = await browser.get(link)
    assert 'name="code"' not in page.text
    assert "your former factors" in page.text
    assert (await give(browser, link, "ten letters")).status_code == 422, "the password is alone from then on"
    done = await give(browser, link)
    assert "set up new ones" in done.text
    assert 'href="/account/sign-in?to=/account/factors"' in done.text
    async with provider.parts.database.connect() as tx:
        assert await factors.enrolled(tx, user) == []
        assert await recovery_codes.left(tx, user) == 0
    assert sorted(one.facts["factor"] for one in await mailbox.read("factor_changed")) == [
        "passkey",
        "recovery_code",
        "totp",
    ]
    assert (await give(browser, link)).status_code == 410, "once"
    assert await state(database) == ["used"]
    assert {"recovery_waiting", "recovery_ready", "recovery_finished"} <= set(await kinds(provider, database))


async def test_a_click_by_mail_stops_it(
    provider: Provider, mailbox: Mailbox, database: OpenDatabase, sweeper: Sweeper, clock: FakeClock
) -> None:
    await lost(provider)
    await begin(provider, mailbox)
    assert "The recovery is stopped" in (await stop(provider, mailbox)).text
    assert len(await mailbox.read("recovery_stopped")) == 1
    clock.advance(2 * DAY)
    await sweeper.step()
    assert await mailbox.read("recovery_ready") == []
    assert await state(database) == ["stopped"]
    token = (await mailbox.read("recovery_waiting"))[-1].facts["stop"].split("token=")[1]
    assert (await provider.browser().get(f"/recover/stop?token={token}")).status_code == 410
    assert (await provider.browser().post("/recover/stop", {"token": token})).status_code == 410


async def test_even_the_link_that_was_mailed_after_it_can_be_stopped(
    provider: Provider, mailbox: Mailbox, database: OpenDatabase, sweeper: Sweeper, clock: FakeClock
) -> None:
    user = await lost(provider)
    await begin(provider, mailbox)
    clock.advance(DAY)
    await sweeper.step()
    link = await ready_link(mailbox)
    assert (await stop(provider, mailbox)).status_code == 200
    assert (await give(provider.browser(), link)).status_code == 410
    async with provider.parts.database.connect() as tx:
        assert sorted(await factors.enrolled(tx, user)) == ["passkey", "totp"]


async def test_the_live_session_is_told_and_stops_it_with_one_click(
    provider: Provider, app: App, mailbox: Mailbox, database: OpenDatabase, clock: FakeClock
) -> None:
    user = await lost(provider)
    owner, page = await at_the_factor(provider, app, "192.0.2.1")
    await submit_code(owner, page, clock)
    async with provider.parts.database.connect() as tx:
        live = await sessions.live_of(tx, user, clock.now())
    assert live is not None
    await begin(provider, mailbox)
    async with database("owner").connect() as tx:
        told = (await tx.execute(text("SELECT key, payload FROM events.outbox WHERE topic = 'attempt'"))).all()
    assert [(row.key, row.payload["outcome"]) for row in told] == [(live.sid, "recovery")]
    page = await owner.get("/account")
    assert "누군가 이 계정에 다시 들어오려고 해요" in page.text
    form = page.text.partition('action="/account/recovery/stop"')[2]
    hop = re.search(r'name="hop" value="([^"]+)"', form)
    assert hop is not None
    stopped = await owner.post("/account/recovery/stop", {"hop": hop[1]})
    assert stopped.status_code == 303
    after = await owner.get("/account?done=recovery_stopped")
    assert "아무도 이 복구로 들어올 수 없어요" in after.text
    assert "다시 들어오려고 해요" not in after.text
    assert await state(database) == ["stopped"]
    forged = await owner.post("/account/recovery/stop", {"hop": "x"})
    assert forged.status_code == 403


@pytest.mark.parametrize("against", ["factor", "address", "lock"])
async def test_what_speaks_against_it_stops_it_at_the_end(
    provider: Provider,
    app: App,
    mailbox: Mailbox,
    database: OpenDatabase,
    sweeper: Sweeper,
    clock: FakeClock,
    against: str,
) -> None:
    user = await lost(provider)
    await begin(provider, mailbox)
    clock.advance(60)
    if against == "factor":
        browser, page = await at_the_factor(provider, app)
        await submit_code(browser, page, clock)
        assert browser.address.startswith(CALLBACK)
    elif against == "address":
        await set_mail(provider, user, "elsewhere@example.org")
    else:
        async with database("owner").begin() as tx:
            await tx.execute(text("UPDATE idp.user_account SET state = 'locked', lock_reason = 'administrator'"))
    clock.advance(DAY)
    await sweeper.step()
    assert await mailbox.read("recovery_ready") == []
    assert {one.to for one in await mailbox.read("recovery_stopped")} >= {MAIL}
    assert await state(database) == ["stopped"]


async def test_an_organisation_says_how_long(
    provider: Provider, mailbox: Mailbox, database: OpenDatabase, sweeper: Sweeper, clock: FakeClock
) -> None:
    await lost(provider)
    async with database("owner").begin() as tx:
        await tx.execute(text("UPDATE idp.organisation SET recovery_wait_hours = 72 WHERE id = :id"), {"id": HOUSE})
    browser = provider.browser()
    await ask(browser)
    link = await mailbox.link()
    assert "72 hours" in (await browser.get(link.replace("/password", "/wait"))).text
    await browser.post("/recover/wait", {"token": link.split("token=")[1]})
    clock.advance(3 * DAY - 1)
    await sweeper.step()
    assert await mailbox.read("recovery_ready") == []
    clock.advance(1)
    await sweeper.step()
    assert len(await mailbox.read("recovery_ready")) == 1


async def test_a_link_that_nobody_uses_lapses(
    provider: Provider, mailbox: Mailbox, database: OpenDatabase, sweeper: Sweeper, clock: FakeClock
) -> None:
    await lost(provider)
    await begin(provider, mailbox)
    clock.advance(DAY)
    await sweeper.step()
    link = await ready_link(mailbox)
    clock.advance(DAY)
    await sweeper.step()
    assert (await give(provider.browser(), link)).status_code == 410
    assert await state(database) == ["lapsed"]


async def test_nobody_is_worn_down_and_nothing_waits_twice(
    provider: Provider, mailbox: Mailbox, database: OpenDatabase, clock: FakeClock
) -> None:
    await lost(provider)
    answers = []
    for number in range(4):
        clock.advance(1)
        browser = provider.browser(f"10.0.1.{number}")
        if number < 3:
            await ask(browser)
        link = await mailbox.link()
        token = link.split("token=")[1]
        answers.append((await browser.post("/recover/wait", {"token": token})).status_code)
        if number == 0:
            await stop(provider, mailbox)
    assert answers == [200, 200, 200, 429]
    assert await state(database) == ["stopped", "waiting"]
    assert len(await mailbox.read("recovery_waiting")) == 2


async def test_there_is_no_way_around_the_link(provider: Provider, app: App, mailbox: Mailbox) -> None:
    """No page of it tells whether there is an account; nobody without a factor waits; forms from elsewhere do not."""
    for path in ("/recover/wait", "/recover/stop"):
        for token in ("", "made-up"):
            assert (await provider.browser().get(f"{path}?token={token}")).status_code == 410
            assert (await provider.browser().post(path, {"token": token})).status_code == 410
        foreign = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
        assert (await provider.browser().post(path, {"token": "x"}, **foreign)).status_code == 403
    await set_mail(provider, await person(provider), MAIL)
    browser = provider.browser()
    await ask(browser)
    link = await mailbox.link()
    led = await browser.get(link.replace("/password", "/wait"))
    assert (led.status_code, urlsplit(led.headers["location"]).path) == (303, "/recover/password")
    assert "lost all of these" not in (await browser.get(link)).text
    assert (await browser.post("/recover/wait", {"token": link.split("token=")[1]})).status_code == 410


async def test_another_way_in_ends_it(
    provider: Provider, app: App, mailbox: Mailbox, database: OpenDatabase, clock: FakeClock
) -> None:
    user = await lost(provider)
    await begin(provider, mailbox)
    clock.advance(1)
    code = (await saved(provider, user))[0]
    browser = provider.browser()
    await ask(browser)
    assert (await give(browser, await mailbox.link(), NEW, code=code)).status_code == 200
    assert await state(database) == ["stopped"]
    page = await submit(browser, await open_sign_in(browser, app), password=NEW)
    assert hidden(page)

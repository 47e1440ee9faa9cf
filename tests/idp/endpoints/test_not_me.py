""" "This wasn't me": the link of a notice, the page, and what its form does."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import msgspec
import pytest
from sqlalchemy import text

from config.connections import Database
from idp.sessions.not_me import LIFETIME
from idp.sessions.one_session import Began
from idp.sessions.session import EndReason
from idp.storage import directory
from notifications.queue import Body, sealing_context
from tests.clock import FakeClock
from tests.idp.browser import Browser
from tests.idp.conftest import OpenDatabase
from tests.idp.people import beginning
from tests.idp.provider import Provider


@dataclass
class Mail:
    kind: str
    facts: dict[str, str]


async def mails(owner: Database, provider: Provider) -> list[Mail]:
    """What waits to be mailed, opened; the identity provider's own role cannot read it."""
    async with owner.connect() as tx:
        found = (await tx.execute(text("SELECT id, kind, sealed FROM notifications.message ORDER BY created_at"))).all()
    opened = provider.parts.envelope
    return [
        Mail(row.kind, msgspec.json.decode(opened.open(row.sealed, sealing_context(row.id)), type=Body).facts)
        for row in found
    ]


@pytest.fixture
def owner(database: OpenDatabase) -> Database:
    return database("owner")


async def person(provider: Provider, email: str | None = "mina@mail.example") -> UUID:
    user = await provider.person()
    async with provider.parts.database.begin() as tx:
        await tx.execute(
            text("UPDATE idp.user_account SET email = :email WHERE id = :id"), {"email": email, "id": user}
        )
    return user


async def begin(provider: Provider, user: UUID, clock: FakeClock, expected: str | None = None) -> Any:
    async with provider.parts.database.begin() as tx:
        begun = await provider.parts.one_session.begin(tx, beginning(user, clock), expected_sid=expected)
    assert isinstance(begun, Began)
    return begun


async def link(provider: Provider, user: UUID, sid: str | None, **told: str) -> str:
    now = provider.parts.clock.now()
    async with provider.parts.database.begin() as tx:
        address = await provider.parts.not_me.link(tx, user, sid, now, told=told or None)
    return address.removeprefix(provider.parts.issuer)


async def one(provider: Provider, query: str) -> Any:
    async with provider.parts.database.connect() as tx:
        return (await tx.execute(text(query))).scalar_one()


def fields(page: httpx2.Response) -> dict[str, str]:
    return dict(re.findall(r'name="(token|hop)" value="([^"]+)"', page.text))


async def test_the_whole_way_of_a_takeover(provider: Provider, owner: Database, clock: FakeClock) -> None:
    """Told by mail, opened (which changes nothing), confirmed: locked, ended, and the way back mailed."""
    user = await person(provider)
    first = await begin(provider, user, clock)
    clock.advance(60)
    second = await begin(provider, user, clock, first.session.sid)
    (told,) = await mails(owner, provider)
    assert told.kind == "takeover"
    assert told.facts["device"] == "Chrome · Windows"
    browser = provider.browser()
    page = await browser.get(told.facts["not_me"].removeprefix(provider.parts.issuer))
    assert page.status_code == 200
    assert "Chrome · Windows" in page.text
    assert page.headers["referrer-policy"] in ("no-referrer", "same-origin", "strict-origin")
    assert await one(provider, "SELECT state FROM idp.user_account") == "active"
    done = await browser.post("/not-me", fields(page))
    assert done.status_code == 200
    assert await one(provider, "SELECT state || lock_reason FROM idp.user_account") == "lockednot_me"
    ended = await one(provider, f"SELECT end_reason FROM idp.session WHERE sid = '{second.session.sid}'")
    assert ended == "account_lock"
    kinds = [mail.kind for mail in await mails(owner, provider)]
    assert kinds == ["takeover", "account_locked"]
    recovery = (await mails(owner, provider))[-1].facts["recovery"]
    assert recovery.startswith(provider.parts.issuer)
    # once only
    assert (await browser.get(told.facts["not_me"].removeprefix(provider.parts.issuer))).status_code == 410
    assert (await browser.post("/not-me", fields(page))).status_code == 410


async def test_a_link_is_kept_as_its_hash_and_works_for_a_week(provider: Provider, clock: FakeClock) -> None:
    user = await person(provider)
    address = await link(provider, user, None, device="Firefox · Linux", place="KR", at=clock.now().isoformat())
    token = address.partition("token=")[2]
    stored = await one(provider, "SELECT row_to_json(l)::text FROM idp.not_me_link AS l")
    assert token not in stored
    browser = provider.browser()
    clock.advance((LIFETIME - timedelta(seconds=1)).total_seconds())
    page = await browser.get(address)
    assert "Firefox · Linux" in page.text
    clock.advance(1)
    assert (await browser.get(address)).status_code == 410
    assert (await browser.post("/not-me", fields(page))).status_code == 410
    assert await one(provider, "SELECT state FROM idp.user_account") == "active"


@pytest.mark.parametrize("token", ["", "x", "%00", "%F0%9F%94%92"])
async def test_an_address_that_was_never_made(provider: Provider, token: str) -> None:
    page = await provider.browser().get(f"/not-me?token={token}")
    assert page.status_code == 410
    assert "MJ-IDP-210" in page.text


async def test_another_site_cannot_send_the_form(provider: Provider, clock: FakeClock) -> None:
    address = await link(provider, await person(provider), None)
    browser = provider.browser()
    page = await browser.get(address)
    sent = await browser.post("/not-me", fields(page), **{"Sec-Fetch-Site": "cross-site"})
    assert sent.status_code == 403
    assert await one(provider, "SELECT state FROM idp.user_account") == "active"


async def test_fired_together_one_locks(provider: Provider, clock: FakeClock) -> None:
    user = await person(provider)
    address = await link(provider, user, None)
    browsers = [provider.browser() for _ in range(6)]
    page = await browsers[0].get(address)
    sent = await asyncio.gather(*(browser.post("/not-me", fields(page)) for browser in browsers))
    assert sorted(answer.status_code for answer in sent) == [200, 410, 410, 410, 410, 410]


async def test_whoever_has_no_mail_is_told_whom_to_ask(provider: Provider, owner: Database, clock: FakeClock) -> None:
    user = await person(provider, None)
    begun = await begin(provider, user, clock)
    browser = provider.browser()
    page = await browser.get(await link(provider, user, begun.session.sid), **{"Accept-Language": "en"})
    done = await browser.post("/not-me", fields(page), **{"Accept-Language": "en"})
    assert "ask the support of your organisation" in done.text
    assert await mails(owner, provider) == []


async def test_the_browser_that_lost_its_session_may_say_so_for_an_hour(provider: Provider, clock: FakeClock) -> None:
    """Straight from the page that tells of the takeover: no mail is needed."""
    user = await person(provider)
    app = await provider.register()
    browser: Browser = provider.browser()
    await provider.sign_in(browser, app, user)
    sid = await one(provider, "SELECT sid FROM idp.session")
    clock.advance(60)
    await begin(provider, user, clock, sid)
    page = await browser.get("/not-me")
    assert page.status_code == 200
    stranger = provider.browser()
    assert (await stranger.get("/not-me")).status_code == 410
    assert (await stranger.post("/not-me", fields(page))).status_code == 410
    assert (await browser.post("/not-me", {"hop": "x" * 43})).status_code == 410
    clock.advance(3600)
    assert (await browser.get("/not-me")).status_code == 410
    assert (await browser.post("/not-me", fields(page))).status_code == 410
    clock.advance(-1)
    assert (await browser.post("/not-me", fields(page))).status_code == 200
    assert await one(provider, "SELECT count(*) FROM idp.session WHERE ended_at IS NULL") == 0


async def test_a_session_that_only_ended_says_nothing(provider: Provider, clock: FakeClock) -> None:
    user = await person(provider)
    browser: Browser = provider.browser()
    await provider.sign_in(browser, await provider.register(), user)
    page = await browser.get("/not-me")
    sid = await one(provider, "SELECT sid FROM idp.session")
    async with provider.parts.database.begin() as tx:
        await provider.parts.one_session.end(tx, sid, "sign_out", correlation_id="t")
    assert (await browser.get("/not-me")).status_code == 410
    assert (await browser.post("/not-me", fields(page))).status_code == 410
    assert await one(provider, "SELECT state FROM idp.user_account") == "active"


async def test_the_browser_of_the_live_session_may_say_so(
    provider: Provider, owner: Database, clock: FakeClock
) -> None:
    """Told in their open page of a login that was not theirs: here they read what happens, and lock."""
    user = await person(provider)
    browser: Browser = provider.browser()
    await provider.sign_in(browser, await provider.register(), user)
    page = await browser.get("/not-me", **{"Accept-Language": "en"})
    assert page.status_code == 200
    assert "Nobody can sign in until you choose a new password." in page.text
    assert "signed out everywhere at once, here too" in page.text
    assert "We mail you the way back in." in page.text
    assert await one(provider, "SELECT state FROM idp.user_account") == "active"
    stranger = provider.browser()
    assert (await stranger.post("/not-me", fields(page))).status_code == 410
    assert (await browser.post("/not-me", {"hop": "x"})).status_code == 410
    assert (await browser.post("/not-me", fields(page), **{"Sec-Fetch-Site": "cross-site"})).status_code == 403
    assert await one(provider, "SELECT state FROM idp.user_account") == "active"
    assert (await browser.post("/not-me", fields(page))).status_code == 200
    assert await one(provider, "SELECT state || lock_reason FROM idp.user_account") == "lockednot_me"
    assert await one(provider, "SELECT end_reason FROM idp.session") == "account_lock"
    assert [mail.kind for mail in await mails(owner, provider)].count("account_locked") == 1
    assert (await browser.post("/not-me", fields(page))).status_code == 410


async def test_the_cookie_of_a_lost_session_locks_once(provider: Provider, owner: Database, clock: FakeClock) -> None:
    """Whoever holds it cannot lock the owner out again, who is back in by the mailed way."""
    user = await person(provider)
    browser: Browser = provider.browser()
    await provider.sign_in(browser, await provider.register(), user)
    sid = await one(provider, "SELECT sid FROM idp.session")
    await begin(provider, user, clock, sid)
    page = await browser.get("/not-me")
    sent = await asyncio.gather(*(browser.post("/not-me", fields(page)) for _ in range(4)))
    assert sorted(answer.status_code for answer in sent) == [200, 410, 410, 410]
    async with provider.parts.database.begin() as tx:
        assert await directory.unlock(tx, user)
    clock.advance(60)
    assert (await browser.get("/not-me")).status_code == 410
    assert (await browser.post("/not-me", fields(page))).status_code == 410
    assert await one(provider, "SELECT state FROM idp.user_account") == "active"
    assert [mail.kind for mail in await mails(owner, provider)].count("account_locked") == 1


async def test_whoever_used_the_mailed_link_is_not_locked_by_the_cookie(
    provider: Provider, owner: Database, clock: FakeClock
) -> None:
    user = await person(provider)
    browser: Browser = provider.browser()
    await provider.sign_in(browser, await provider.register(), user)
    await begin(provider, user, clock, await one(provider, "SELECT sid FROM idp.session"))
    mailed = next(mail for mail in await mails(owner, provider) if mail.kind == "takeover")
    reader = provider.browser()
    page = await reader.get(mailed.facts["not_me"].removeprefix(provider.parts.issuer))
    assert (await reader.post("/not-me", fields(page))).status_code == 200
    assert (await browser.get("/not-me")).status_code == 410


@pytest.mark.parametrize(
    ("reason", "kinds"),
    [
        ("sign_out", []),
        ("account_lock", []),
        ("administrator", ["session_ended"]),
        ("response", ["session_ended"]),
        ("password_change", []),
        ("device_removal", ["session_ended"]),
        ("refresh_reuse", ["session_ended"]),
    ],
)
async def test_who_is_mailed_of_which_end(
    provider: Provider, owner: Database, clock: FakeClock, reason: EndReason, kinds: list[str]
) -> None:
    user = await person(provider)
    begun = await begin(provider, user, clock)
    async with provider.parts.database.begin() as tx:
        await provider.parts.one_session.end(tx, begun.session.sid, reason, correlation_id="t")
    assert [mail.kind for mail in await mails(owner, provider)] == kinds

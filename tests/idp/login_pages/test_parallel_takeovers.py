"""Several browsers take the same session over at the same moment, each by its own whole flow over HTTP."""

from __future__ import annotations

import asyncio
from collections import Counter

import httpx2
from sqlalchemy import text

from tests.clock import FakeClock
from tests.idp.browser import Browser
from tests.idp.conftest import OpenDatabase
from tests.idp.login_pages.test_sign_in import app, hidden, open_sign_in, person, sign_in, submit, submit_mailed_code
from tests.idp.login_pages.test_takeover import at_takeover
from tests.idp.people import HOUSE
from tests.idp.provider import CALLBACK, App, Provider
from tests.idp.sessions.test_one_session import assert_one_session_per_user

__all__ = ["app"]

BROWSERS = 4


async def _choose(browser: Browser, page: httpx2.Response) -> httpx2.Response:
    form = {"hop": hidden(page), "session": hidden(page, "session"), "choice": "take_over"}
    return await browser.follow(await browser.post("/takeover", form))


async def test_exactly_one_wins_and_the_others_are_told(
    provider: Provider, app: App, database: OpenDatabase, clock: FakeClock
) -> None:
    user = await person(provider)
    await sign_in(provider, app)
    browsers = [provider.browser(f"10.0.1.{number}") for number in range(BROWSERS)]
    pages = [await at_takeover(provider, browser, app) for browser in browsers]
    assert len({hidden(page, "session") for page in pages}) == 1
    answers = await asyncio.gather(*map(_choose, browsers, pages))
    winners = [browser for browser in browsers if browser.address.startswith(CALLBACK)]
    assert len(winners) == 1
    assert "code" in winners[0].query()
    won = winners[0].client._transport.client[0]
    for browser, answer in zip(browsers, answers, strict=True):
        if browser is winners[0]:
            continue
        # the factor that passed was about the session that is gone: nothing is shown of the new one before another
        assert browser.address.startswith("http://localhost:9000/factor?hop=")
        assert "Somebody else was faster" in answer.text
        assert won not in answer.text
        clock.advance(31)
        again = await browser.post("/factor", {"hop": hidden(answer), "act": "resend"})
        shown = await submit_mailed_code(provider, browser, again)
        assert "Somebody else was faster" in shown.text
        assert won in shown.text
        assert hidden(shown, "session") != hidden(pages[0], "session")
    assert await assert_one_session_per_user(database, user) == 2
    async with database("owner").connect() as tx:
        kinds = Counter((await tx.execute(text("SELECT kind FROM audit.record"))).scalars())
    assert kinds["takeover_attempted"] == BROWSERS
    assert kinds["takeover_completed"] == 1


async def test_where_the_house_takes_over_without_asking_each_ends_the_one_before(
    provider: Provider, app: App, database: OpenDatabase
) -> None:
    user = await person(provider)
    await sign_in(provider, app)
    async with database("owner").begin() as tx:
        await tx.execute(text("UPDATE idp.organisation SET duplicate_login = 'take_over'"))
    provider.parts.rules.on_event("organisation", {"organisation_id": str(HOUSE)})
    for number in range(3):
        browser = provider.browser(f"10.0.1.{number}")
        page = await submit(browser, await open_sign_in(browser, app))
        assert "m***@mail.example" in page.text  # not without the factor
        await submit_mailed_code(provider, browser, page)
        assert browser.address.startswith(CALLBACK)
    assert await assert_one_session_per_user(database, user) == 4
    async with database("owner").connect() as tx:
        reasons = Counter((await tx.execute(text("SELECT end_reason FROM idp.session"))).scalars())
    assert reasons == {"takeover": 3, None: 1}

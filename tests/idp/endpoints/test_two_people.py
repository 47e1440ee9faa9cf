"""Two people at one browser: what one begins and the other loses is one step, in one order of locks, or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import text

from idp.authorization.login import Login
from idp.authorization.next_step import Step
from idp.endpoints.login.arrivals import SESSION_COOKIE, hash_session_cookie
from idp.storage import logins, sessions
from tests.idp.browser import Browser
from tests.idp.people import beginning
from tests.idp.provider import App, Provider
from tests.idp.waiting import OpenDatabase, waiting


async def _live(provider: Provider, user: UUID) -> Any:
    async with provider.parts.database.connect() as tx:
        return await provider.parts.arrivals.live(tx, user, provider.parts.clock.now())


async def _at_takeover(provider: Provider, browser: Browser, app: App, user: UUID) -> None:
    await browser.follow(await browser.get(app.request(prompt="login")))
    await provider.prove(browser, user)
    assert browser.address.startswith("http://localhost:9000/takeover?hop=")


async def _choose(provider: Provider, browser: Browser, how: Callable[[Login], Login]) -> str:
    """Save the choice. Returns the way to the dispatcher, not gone yet."""
    login_id = provider.accepts(browser, Step.TAKEOVER)
    async with provider.parts.database.begin() as tx:
        login = await logins.claim(tx, login_id, provider.parts.clock.now())
        assert login is not None
        login = how(login)
        await logins.save(tx, login)
    return provider.parts.hops.to_dispatcher(login).headers["location"]


async def test_two_browsers_that_swap_their_people_do_not_wait_for_each_other(
    provider: Provider, database: OpenDatabase
) -> None:
    app, mina, jun = await provider.register(), await provider.person("mina"), await provider.person("jun")
    one, other = provider.browser("10.0.0.1"), provider.browser("10.0.0.2")
    await provider.sign_in(one, app, mina)
    await provider.sign_in(other, app, jun)
    await _at_takeover(provider, one, app, jun)
    await _at_takeover(provider, other, app, mina)
    ways = [
        await _choose(provider, browser, lambda login: login.chose_takeover(login.takeover_of or ""))
        for browser in (one, other)
    ]
    async with database("owner").begin() as tx:
        await tx.execute(text("SELECT sid FROM idp.session WHERE ended_at IS NULL FOR UPDATE"))
        going = [asyncio.create_task(browser.get(way)) for browser, way in zip((one, other), ways, strict=True)]
        await waiting(database("owner"), 2)
    answers = await asyncio.gather(*going)
    assert [answer.status_code for answer in answers] == [303, 303]
    assert all("code=" in answer.headers["location"] for answer in answers)
    for user, browser in ((jun, one), (mina, other)):
        live = await _live(provider, user)
        assert live.cookie_hash == hash_session_cookie(browser.cookies[SESSION_COOKIE])


async def _begun_elsewhere_meanwhile(
    provider: Provider, app: App, database: OpenDatabase
) -> tuple[UUID, UUID, Browser]:
    """Jun signs in at Mina's browser while another browser begins the session of Jun's: that one comes first."""
    mina, jun = await provider.person("mina"), await provider.person("jun")
    browser = provider.browser("10.0.0.1")
    await provider.sign_in(browser, app, mina)
    await browser.follow(await browser.get(app.request(prompt="login")))
    login_id = provider.accepts(browser, Step.SIGN_IN)
    async with provider.parts.database.begin() as tx:
        login = await logins.claim(tx, login_id, provider.parts.clock.now())
        assert login is not None
        login = login.signed_in(jun, ("pwd",), provider.parts.clock.now())
        await logins.save(tx, login)
    way = provider.parts.hops.to_dispatcher(login).headers["location"]
    async with database("owner").begin() as held, provider.parts.database.begin() as faster:
        # this browser has found no session of Jun's, and waits to meet its device; the faster one begins meanwhile
        await held.execute(text("LOCK TABLE idp.device IN SHARE MODE"))
        slow = asyncio.create_task(browser.get(way))
        await waiting(database("owner"), 1)
        await provider.parts.one_session.begin(faster, beginning(jun, provider.parts.clock, ip="10.0.0.2"))
        await faster.commit()
    await browser.follow(await slow)
    return mina, jun, browser


async def test_nobody_loses_a_session_where_none_begins(provider: Provider, database: OpenDatabase) -> None:
    app = await provider.register()
    mina, jun, browser = await _begun_elsewhere_meanwhile(provider, app, database)
    assert browser.address.startswith("http://localhost:9000/factor?hop="), "it is met from elsewhere"
    kept = await _live(provider, mina)
    assert kept is not None  # Jun may still keep the other session; then Mina stays signed in here
    assert (await _live(provider, jun)).visitor.ip == "10.0.0.2"


async def test_a_device_becomes_known_only_by_sessions_that_begin(provider: Provider, database: OpenDatabase) -> None:
    app = await provider.register()
    _, jun, _ = await _begun_elsewhere_meanwhile(provider, app, database)
    async with database("owner").connect() as tx:
        query = text("SELECT sign_ins FROM idp.device WHERE user_id = :jun ORDER BY sign_ins")
        assert list((await tx.execute(query, {"jun": jun})).scalars()) == [0]


async def test_activity_and_a_swap_lock_in_one_order(provider: Provider) -> None:
    """The worker of activity holds many sessions, in the order of their ids; so does whoever begins one."""
    mina, jun = await provider.person("mina"), await provider.person("jun")
    app = await provider.register()
    for number, user in enumerate((mina, jun)):
        await provider.sign_in(provider.browser(f"10.0.0.{number + 1}"), app, user)
    first, last = sorted([(await _live(provider, user)).sid for user in (mina, jun)])
    async with provider.parts.database.begin() as tx:
        found = await sessions.lock_live(tx, mina, (await _live(provider, jun)).sid)
    assert [session.sid for session in found] == [first, last]

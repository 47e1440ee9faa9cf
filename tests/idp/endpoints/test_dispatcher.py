"""The dispatcher on real engines: mixed-up hops, second logins, single sign-on, step-up, two persons in one browser."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest

from idp.authorization.next_step import Step
from idp.authorization.step_mac import CONTINUE
from tests.clock import FakeClock
from tests.idp.browser import Browser
from tests.idp.provider import CALLBACK, App, Provider, login_digest


async def _live(provider: Provider, user: UUID) -> Any:
    async with provider.parts.database.connect() as tx:
        return await provider.parts.arrivals.live(tx, user, provider.parts.clock.now())


async def _arrive(provider: Provider, browser: Browser, app: App, **changed: str) -> None:
    await browser.follow(await browser.get(app.request(**changed)))


def _at(browser: Browser, path: str) -> bool:
    return browser.address.startswith(f"http://localhost:9000{path}?hop=")


async def test_a_hop_of_another_step_is_refused(provider: Provider) -> None:
    app, browser = await provider.register(), provider.browser()
    await _arrive(provider, browser, app)
    hop = browser.query()["hop"]
    refused = await browser.get("/authorize/continue?" + urlencode({"hop": hop}))
    assert refused.status_code == 400
    assert "MJ-IDP-001" in refused.text


async def test_a_hop_of_another_login_or_browser_is_refused(provider: Provider) -> None:
    app, victim, attacker = await provider.register(), provider.browser(), provider.browser()
    started = (await victim.get(app.request())).headers["location"]
    await _arrive(provider, attacker, app)
    assert (await attacker.get(started)).status_code == 400  # the attacker's cookie
    assert (await provider.browser().get(started)).status_code == 400  # no cookie
    assert (await victim.get("/authorize/continue")).status_code == 400
    assert (await victim.get("/authorize/continue?hop=made.up")).status_code == 400
    assert (await victim.get(started)).status_code == 303


async def test_tabs_that_begin_at_the_same_moment_do_not_disturb_each_other(provider: Provider) -> None:
    """Neither sends the other's login cookie: a browser that restores its tabs asks for all before any answer came."""
    app, browser = await provider.register(), provider.browser()
    started = []
    for state in ("first", "second", "third"):
        before = dict(browser.cookies)
        browser.cookies.clear()
        started.append((await browser.get(app.request(state=state))).headers["location"])
        browser.cookies.update(before)
    assert len(browser.cookies) == 3
    for hop in started:
        await browser.follow(await browser.get(hop))
        assert _at(browser, "/sign-in")
    await browser.get(app.request(state="fourth"))
    assert len(browser.cookies) == 3, "a later tab takes a cookie that is there"


async def test_tabs_of_one_browser_do_not_disturb_each_other(provider: Provider) -> None:
    app, user, browser = await provider.register(), await provider.person(), provider.browser()
    first = (await browser.get(app.request(state="first"))).headers["location"]
    second = (await browser.get(app.request(state="second"))).headers["location"]
    await browser.follow(await browser.get(first))
    await provider.prove(browser, user)
    assert browser.query()["state"] == "first"
    await browser.follow(await browser.get(second))  # joins what the first tab began
    assert browser.query()["state"] == "second"
    assert "code" in browser.query()


async def test_a_login_gives_one_code_and_is_over(provider: Provider) -> None:
    app, user, browser = await provider.register(), await provider.person(), provider.browser()
    start = (await browser.get(app.request())).headers["location"]
    await browser.follow(await browser.get(start))
    await provider.prove(browser, user)
    assert "code" in browser.query()
    assert (await browser.get(start)).status_code == 400


async def test_a_login_is_over_at_its_time(provider: Provider, clock: FakeClock) -> None:
    app, browser = await provider.register(), provider.browser()
    start = (await browser.get(app.request())).headers["location"]
    clock.advance(600)
    assert (await browser.get(start)).status_code == 400


async def test_a_second_login_is_asked_and_takes_over(provider: Provider) -> None:
    app, user = await provider.register(), await provider.person()
    first, second = provider.browser(), provider.browser("10.1.2.3")
    await provider.sign_in(first, app, user)
    before = await _live(provider, user)
    await _arrive(provider, second, app)
    await provider.prove(second, user)
    assert _at(second, "/takeover")
    assert (await _live(provider, user)).sid == before.sid  # nothing ends before the choice
    await provider.change(second, Step.TAKEOVER, lambda login: login.chose_takeover(login.takeover_of))
    assert "code" in second.query()
    after = await _live(provider, user)
    assert after.sid != before.sid
    await _arrive(provider, first, app)
    assert _at(first, "/sign-in")  # the first browser's cookie names a session that ended


async def test_a_second_login_keeps_the_other(provider: Provider) -> None:
    app, user = await provider.register(), await provider.person()
    first, second = provider.browser(), provider.browser("10.1.2.3")
    await provider.sign_in(first, app, user)
    before = await _live(provider, user)
    await _arrive(provider, second, app)
    await provider.prove(second, user)
    await provider.change(second, Step.TAKEOVER, lambda login: login.chose_keep())
    assert second.address.startswith(CALLBACK)
    assert second.query()["error"] == "access_denied"
    assert second.query()["state"] == "a state"
    assert (await _live(provider, user)).sid == before.sid
    assert "__Host-munjigi-session" not in second.cookies


async def test_the_choice_is_about_the_session_that_was_shown(provider: Provider) -> None:
    app, user = await provider.register(), await provider.person()
    first, second, third = (provider.browser(f"10.0.0.{n}") for n in (1, 2, 3))
    await provider.sign_in(first, app, user)
    for browser in (second, third):
        await _arrive(provider, browser, app)
        await provider.prove(browser, user)
        assert _at(browser, "/takeover")
    await provider.change(third, Step.TAKEOVER, lambda login: login.chose_takeover(login.takeover_of))
    theirs = await _live(provider, user)
    # the second was shown the first's session, which the third has ended: it is asked anew
    await provider.change(second, Step.TAKEOVER, lambda login: login.chose_takeover(login.takeover_of))
    assert _at(second, "/factor")
    await provider.confirm(second)
    assert _at(second, "/takeover")
    assert (await _live(provider, user)).sid == theirs.sid


async def test_logins_at_the_same_moment_leave_one_session(provider: Provider) -> None:
    app, user = await provider.register(), await provider.person()
    browsers = [provider.browser(f"10.0.1.{n}") for n in range(8)]
    for browser in browsers:
        await _arrive(provider, browser, app)
    await asyncio.gather(*(provider.prove(browser, user) for browser in browsers))
    assert sum("code" in browser.query() for browser in browsers) == 1
    assert sum(_at(browser, "/takeover") for browser in browsers) == 7


async def test_step_up_of_the_browser_s_own_session(provider: Provider, clock: FakeClock) -> None:
    """RFC 9470: `max_age` asks for a fresh authentication, and the same session carries it."""
    app, user, browser = await provider.register(), await provider.person(), provider.browser()
    await provider.sign_in(browser, app, user)
    before = await _live(provider, user)
    old_cookie = browser.cookies["__Host-munjigi-session"]
    clock.advance(120)
    await _arrive(provider, browser, app, max_age="60")
    assert _at(browser, "/sign-in")
    await provider.prove(browser, user, "pwd", "otp", "mfa")
    assert "code" in browser.query()
    after = await _live(provider, user)
    assert after.sid == before.sid
    assert after.acr == "urn:munjigi:acr:2"
    assert after.authenticated_at == clock.now()
    thief = provider.browser()
    thief.cookies["__Host-munjigi-session"] = old_cookie
    assert (await thief.get("/session/status")).status_code == 401  # what was stolen before is not stronger now
    assert (await browser.get("/session/status")).status_code == 200


async def test_nobody_without_a_factor_is_stepped_up(provider: Provider) -> None:
    app, user, browser = await provider.register(), await provider.person(with_mail=False), provider.browser()
    await _arrive(provider, browser, app, acr_values="urn:munjigi:acr:2")
    await provider.prove(browser, user)
    assert browser.query()["error"] == "unmet_authentication_requirements"


async def test_another_person_in_the_same_browser_ends_the_first_one_s_session(provider: Provider) -> None:
    app, mina, jun = await provider.register(), await provider.person("mina"), await provider.person("jun")
    browser = provider.browser()
    await provider.sign_in(browser, app, mina)
    await _arrive(provider, browser, app, prompt="login")
    await provider.prove(browser, jun)
    assert "code" in browser.query()
    assert await _live(provider, mina) is None
    assert await _live(provider, jun) is not None


async def test_a_locked_account_gets_no_session(provider: Provider) -> None:
    from sqlalchemy import text

    app, user, browser = await provider.register(), await provider.person(), provider.browser()
    async with provider.parts.database.begin() as tx:
        await tx.execute(text("UPDATE idp.user_account SET state = 'locked'"))
    await _arrive(provider, browser, app)
    await provider.prove(browser, user)
    assert browser.query()["error"] == "access_denied"
    assert await _live(provider, user) is None


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}])
async def test_a_form_of_another_site_is_refused(provider: Provider, headers: dict[str, str]) -> None:
    app, user, browser = await provider.register(), await provider.person(), provider.browser()
    await provider.sign_in(browser, app, user)
    refused = await browser.post("/end-session/confirm", {"hop": "x"}, **headers)
    assert refused.status_code == 403
    assert await _live(provider, user) is not None


async def test_the_dispatcher_s_own_hop_is_no_page_s(provider: Provider) -> None:
    app, browser = await provider.register(), provider.browser()
    await _arrive(provider, browser, app)
    login = provider.accepts(browser, Step.SIGN_IN)
    hop = provider.parts.mac.issue(login, CONTINUE, login_digest(browser))
    assert (await browser.get("/authorize/continue?" + urlencode({"hop": hop}))).status_code == 303

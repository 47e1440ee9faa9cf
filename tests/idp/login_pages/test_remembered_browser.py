"""Remember me: a quick sign-in, never a session without a person; and what follows when the cookie was copied."""

from __future__ import annotations

from typing import cast
from uuid import UUID

import httpx2
from sqlalchemy import text

from idp.credentials.remembered import DOUBLED, SLIDING
from idp.endpoints.sign_in.remembering import REMEMBERED_COOKIE
from idp.storage import directory, remembered
from tests.clock import FakeClock
from tests.idp.browser import Browser
from tests.idp.conftest import OpenDatabase
from tests.idp.letters import letters
from tests.idp.login_pages.test_sign_in import PASSWORD, app, hidden, kinds, open_sign_in, person, submit_code
from tests.idp.provider import CALLBACK, App, Provider

__all__ = ["app"]

DEVICE_COOKIE = "__Host-munjigi-device"
SESSION_COOKIE = "__Host-munjigi-session"


async def sign_in(
    browser: Browser, page: httpx2.Response, name: str = "mina", password: str = PASSWORD, **more: str
) -> httpx2.Response:
    form = {"hop": hidden(page), "login": name, "password": password, **more}
    return await browser.follow(await browser.post("/sign-in", form))


async def remembered_browser(provider: Provider, app: App, name: str = "mina") -> Browser:
    """Somebody who signed in here, wanted to be remembered, and whose session is over."""
    browser = provider.browser()
    await sign_in(browser, await open_sign_in(browser, app), name, remember="yes")
    assert browser.address.startswith(CALLBACK)
    await end(provider, browser)
    return browser


async def end(provider: Provider, browser: Browser) -> None:
    browser.cookies.pop(SESSION_COOKIE, None)
    async with provider.parts.database.begin() as tx:
        await tx.execute(
            text(
                "UPDATE idp.session SET ended_at = created_at, end_reason = 'sign_out', version = version + 1 "
                "WHERE ended_at IS NULL"
            )
        )


async def quick(browser: Browser, page: httpx2.Response, password: str = PASSWORD) -> httpx2.Response:
    form = {"hop": hidden(page), "quick": "yes", "password": password}
    return await browser.follow(await browser.post("/sign-in", form))


async def listed(provider: Provider, user: UUID) -> int:
    async with provider.parts.database.connect() as tx:
        return len(await remembered.remembered_of(tx, user, provider.parts.clock.now()))


async def test_the_name_is_filled_in_and_one_proof_is_asked_for(provider: Provider, app: App, clock: FakeClock) -> None:
    user = await person(provider)
    browser = await remembered_browser(provider, app)
    first = browser.cookies[REMEMBERED_COOKIE]
    clock.advance(86400)
    page = await open_sign_in(browser, app)
    assert "Continue as Mina" in page.text
    assert 'name="login"' not in page.text
    assert "mina" not in page.text, "the cookie does not tell the login name"
    assert browser.cookies[REMEMBERED_COOKIE] == first, "looking does not use it up"
    await quick(browser, page)
    assert browser.query()["code"]
    assert browser.cookies[REMEMBERED_COOKIE] != first
    assert await listed(provider, user) == 1


async def test_it_is_no_proof(provider: Provider, app: App) -> None:
    await person(provider)
    browser = await remembered_browser(provider, app)
    page = await open_sign_in(browser, app)
    wrong = await quick(browser, page, "wrong")
    assert wrong.status_code == 422
    assert "Continue as Mina" in wrong.text
    assert "Type your password." in (await quick(browser, wrong, "")).text
    assert SESSION_COOKIE not in browser.cookies


async def test_nobody_is_remembered_who_did_not_want_it(provider: Provider, app: App) -> None:
    await person(provider)
    browser = provider.browser()
    await sign_in(browser, await open_sign_in(browser, app))
    assert REMEMBERED_COOKIE not in browser.cookies


async def test_another_account_may_be_used(provider: Provider, app: App) -> None:
    mina, jun = await person(provider), await person(provider, "jun")
    browser = await remembered_browser(provider, app)
    page = await open_sign_in(browser, app)
    other = await browser.get(browser.address + "&other=1")
    assert 'name="login"' in other.text
    await sign_in(browser, other, "jun", remember="yes")
    assert browser.query()["code"]
    assert page.status_code == 200
    assert (await listed(provider, mina), await listed(provider, jun)) == (0, 1)


async def test_without_its_device_it_says_nothing(provider: Provider, app: App) -> None:
    await person(provider)
    browser = await remembered_browser(provider, app)
    thief = provider.browser("10.0.0.9")
    thief.cookies[REMEMBERED_COOKIE] = browser.cookies[REMEMBERED_COOKIE]
    page = await open_sign_in(thief, app)
    assert "Mina" not in page.text
    assert REMEMBERED_COOKIE not in thief.cookies
    assert "Continue as Mina" in (await open_sign_in(browser, app)).text


async def test_a_password_alone_leaves_neither_a_device_nor_a_remembered_browser(
    provider: Provider, app: App, clock: FakeClock, database: OpenDatabase
) -> None:
    user = await person(provider, with_totp=True)
    browser = provider.browser()
    page = await sign_in(browser, await open_sign_in(browser, app), remember="yes")
    assert "One more check" in page.text
    assert REMEMBERED_COOKIE not in browser.cookies
    assert await listed(provider, user) == 0
    async with database("owner").connect() as tx:
        for table in ("device", "remembered_browser"):
            assert (await tx.execute(text(f"SELECT count(*) FROM idp.{table}"))).scalar_one() == 0, table
    await submit_code(browser, page, clock)
    assert browser.address.startswith(CALLBACK)
    assert await listed(provider, user) == 1
    await end(provider, browser)
    assert "Continue as Mina" in (await open_sign_in(browser, app)).text


async def set_mail(provider: Provider, user: UUID, mail: str | None) -> None:
    async with provider.parts.database.begin() as tx:
        query = text("UPDATE idp.user_account SET email = :mail WHERE id = :user")
        await tx.execute(query, {"user": user, "mail": mail})


async def test_a_secret_that_was_used_and_comes_again_makes_all_fall(
    provider: Provider, app: App, clock: FakeClock, database: OpenDatabase
) -> None:
    user = await person(provider)
    async with provider.parts.database.begin() as tx:
        await tx.execute(text("UPDATE idp.organisation SET new_device_factor = false"))
    browser, elsewhere = await remembered_browser(provider, app), await remembered_browser(provider, app)
    thief = provider.browser("10.0.0.9")
    thief.cookies |= {name: browser.cookies[name] for name in (REMEMBERED_COOKIE, DEVICE_COOKIE)}
    await quick(browser, await open_sign_in(browser, app))
    await end(provider, browser)
    clock.advance(DOUBLED.total_seconds() + 1)
    page = await open_sign_in(thief, app)
    assert "Mina" not in page.text
    assert "Quick sign-in has ended on this device." in page.text
    assert REMEMBERED_COOKIE not in thief.cookies
    for honest in (browser, elsewhere):
        assert "Quick sign-in has ended on this device." in (await open_sign_in(honest, app)).text
    assert await listed(provider, user) == 0
    assert (await kinds(provider, database)).count("remembered_stolen") == 1
    async with database("owner").connect() as tx:
        told = await tx.execute(text("SELECT kind FROM notifications.message WHERE user_id = :user"), {"user": user})
        assert list(told.scalars()).count("remembered_stolen") == 1


async def test_a_theft_ends_the_session_and_the_person_is_told(
    provider: Provider, app: App, clock: FakeClock, database: OpenDatabase
) -> None:
    user = await person(provider)
    browser = await remembered_browser(provider, app)
    thief = provider.browser("10.0.0.9")
    thief.cookies |= {name: browser.cookies[name] for name in (REMEMBERED_COOKIE, DEVICE_COOKIE)}
    await quick(browser, await open_sign_in(browser, app))
    clock.advance(DOUBLED.total_seconds() + 1)
    await open_sign_in(thief, app)
    async with database("owner").connect() as tx:
        ended = await tx.execute(
            text("SELECT end_reason FROM idp.session WHERE user_id = :user ORDER BY created_at DESC LIMIT 1"),
            {"user": user},
        )
        assert ended.scalar_one() == "response"
    letters_of = [letter.kind for letter in await letters(provider.parts.settings)]
    assert letters_of.count("remembered_stolen") == 1
    recorded = await kinds(provider, database)
    assert recorded[-2:] == ["session_ended", "remembered_stolen"]
    await open_sign_in(thief, app)
    assert (await kinds(provider, database)).count("remembered_stolen") == 1


async def test_an_answer_that_was_lost_is_no_theft(provider: Provider, app: App, clock: FakeClock) -> None:
    """The quick sign-in was kept, its answer never came: the browser has the old secret, however late it comes back."""
    user = await person(provider)
    browser = await remembered_browser(provider, app)
    before = dict(browser.cookies)
    page = await open_sign_in(browser, app)
    await browser.post("/sign-in", {"hop": hidden(page), "quick": "yes", "password": PASSWORD})
    browser.cookies = dict(before)
    clock.advance(3600)
    page = await open_sign_in(browser, app)
    assert "Continue as Mina" in page.text
    await quick(browser, page)
    assert browser.query()["code"]
    assert browser.cookies[REMEMBERED_COOKIE] != before[REMEMBERED_COOKIE]
    assert await listed(provider, user) == 1


async def test_another_account_never_learns_the_login_name(provider: Provider, app: App) -> None:
    """Neither after a quick sign-in that failed, nor after one whose person turned back."""
    await person(provider, "mina.kim")
    browser = await remembered_browser(provider, app, "mina.kim")
    page = await open_sign_in(browser, app, prompt="login")
    wrong = await quick(browser, page, "wrong")
    assert wrong.status_code == 422
    where = browser.address
    other = await browser.get(f"/sign-in?hop={hidden(wrong)}&other=1")
    assert "mina.kim" not in other.text, where
    await browser.post("/sign-in", {"hop": hidden(wrong), "quick": "yes", "password": PASSWORD})
    other = await browser.get(f"/sign-in?hop={hidden(wrong)}&other=1")
    assert "mina.kim" not in other.text


async def test_a_form_that_was_sent_twice_is_no_theft(provider: Provider, app: App, clock: FakeClock) -> None:
    user = await person(provider)
    browser = await remembered_browser(provider, app)
    page = await open_sign_in(browser, app)
    before = dict(browser.cookies)
    form = {"hop": hidden(page), "quick": "yes", "password": PASSWORD}
    await browser.post("/sign-in", form)
    after = browser.cookies[REMEMBERED_COOKIE]
    browser.cookies = before
    clock.advance(2)
    again = await browser.post("/sign-in", form)
    assert again.status_code == 303
    assert browser.cookies[REMEMBERED_COOKIE] == before[REMEMBERED_COOKIE], "the first answer brought the next one"
    browser.cookies[REMEMBERED_COOKIE] = after
    await browser.follow(again)
    assert browser.query()["code"]
    assert await listed(provider, user) == 1


async def test_its_time_is_over(provider: Provider, app: App, clock: FakeClock) -> None:
    await person(provider)
    browser = await remembered_browser(provider, app)
    clock.advance(SLIDING.total_seconds())
    assert "Quick sign-in has ended on this device." in (await open_sign_in(browser, app)).text
    assert REMEMBERED_COOKIE not in browser.cookies


async def test_a_lock_ends_it(provider: Provider, app: App) -> None:
    user = await person(provider)
    browser = await remembered_browser(provider, app)
    page = await open_sign_in(browser, app)
    async with provider.parts.database.begin() as tx:
        await directory.lock(tx, user, "administrator", provider.parts.clock.now())
    refused = await quick(browser, page)
    assert refused.status_code == 422
    assert "Quick sign-in has ended on this device." in refused.text


async def test_the_known_device_goes_on_while_strangers_are_held_off(
    provider: Provider, app: App, database: OpenDatabase
) -> None:
    await person(provider)
    browser = await remembered_browser(provider, app)
    stranger = provider.browser()  # at the very same address
    page = await open_sign_in(stranger, app)
    answers = [(await sign_in(stranger, page, password="wrong")).status_code for _ in range(8)]
    assert answers[-1] == 429
    assert (await sign_in(stranger, page)).status_code == 429, "even with the right password"
    await quick(browser, await open_sign_in(browser, app))
    assert browser.query()["code"]
    assert cast(list[str], await kinds(provider, database)).count("throttled") == 1

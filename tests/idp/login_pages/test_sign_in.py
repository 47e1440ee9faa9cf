"""The pages of a login, driven as a browser without scripts drives them."""

from __future__ import annotations

import re
from uuid import UUID

import httpx2
import pyotp
import pytest
from sqlalchemy import text

from idp.credentials.throttle import PASSWORD_OF_ACCOUNT_HERE
from idp.factors import totp
from idp.factors.totp import Authenticator
from idp.storage import factors, passwords, sessions
from tests.clock import FakeClock
from tests.idp.browser import Browser
from tests.idp.letters import mailed_code
from tests.idp.people import add_person
from tests.idp.provider import CALLBACK, App, Provider

PASSWORD = "a horse, a staple and some mist"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
async def app(provider: Provider) -> App:
    return await provider.register()


async def person(provider: Provider, name: str = "mina", *, with_totp: bool = False, with_mail: bool = True) -> UUID:
    """Somebody with a password, a mail address, and an authenticator app."""
    parts = provider.parts
    async with parts.database.begin() as tx:
        user = (await add_person(tx, name, with_mail=with_mail)).id
        now = parts.clock.now()
        await passwords.put_password(tx, user, await parts.passwords.hash(PASSWORD), now)
        if with_totp:
            ident = parts.entropy.uuid()
            authenticator = Authenticator(
                id=ident,
                user_id=user,
                label="App",
                sealed_secret=parts.envelope.seal(SECRET.encode(), totp.context(ident)),
                last_accepted_step=0,
                created_at=now,
                confirmed_at=None,
            )
            await factors.begin_enrolment(tx, authenticator)
            await factors.confirm(tx, ident, now)
    return user


def hidden(page: httpx2.Response, name: str = "hop") -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found, page.text
    return found[1]


async def open_sign_in(browser: Browser, app: App, **changed: str | None) -> httpx2.Response:
    page = await browser.follow(await browser.get(app.request(**changed)))
    assert page.status_code == 200
    assert browser.address.startswith("http://localhost:9000/sign-in?hop=")
    return page


async def submit(
    browser: Browser, page: httpx2.Response, name: str = "mina", password: str = PASSWORD
) -> httpx2.Response:
    form = {"hop": hidden(page), "login": name, "password": password}
    return await browser.follow(await browser.post("/sign-in", form))


async def submit_code(
    browser: Browser, page: httpx2.Response, clock: FakeClock, code: str | None = None
) -> httpx2.Response:
    now = pyotp.TOTP(SECRET).at(int(clock.timestamp()))
    return await browser.follow(await browser.post("/factor", {"hop": hidden(page), "code": code or now}))


async def submit_mailed_code(provider: Provider, browser: Browser, page: httpx2.Response) -> httpx2.Response:
    """Type the digits that were mailed."""
    assert "@mail.example" in page.text, page.text
    form = {"hop": hidden(page), "code": await mailed_code(provider.parts.settings)}
    return await browser.follow(await browser.post("/factor", form))


async def arrive(provider: Provider, app: App, name: str = "mina", address: str = "127.0.0.1") -> Browser:
    """Name and password at a browser that nobody has used, and the mailed code."""
    browser = provider.browser(address)
    page = await submit(browser, await open_sign_in(browser, app), name)
    if "@mail.example" in page.text:
        await submit_mailed_code(provider, browser, page)
    return browser


async def sign_in(provider: Provider, app: App, name: str = "mina", address: str = "127.0.0.1") -> Browser:
    browser = await arrive(provider, app, name, address)
    assert browser.address.startswith(CALLBACK), browser.address
    return browser


async def kinds(provider: Provider, database: object) -> list[str]:
    async with database("owner").connect() as tx:  # type: ignore[operator] - the fixture
        return list((await tx.execute(text("SELECT kind FROM audit.record ORDER BY id"))).scalars())


async def test_a_password_leads_to_the_app(provider: Provider, app: App, database: object) -> None:
    user = await person(provider)
    browser = await sign_in(provider, app)
    assert browser.query()["code"]
    assert browser.query()["state"] == "a state"
    async with provider.parts.database.connect() as tx:
        session = await sessions.live_of(tx, user, provider.parts.clock.now())
    assert session is not None
    assert session.amr == ("pwd",)
    assert await kinds(provider, database) == ["sign_in_succeeded", "session_began", "code_issued"]


async def test_the_page_says_where_it_leads_in_both_languages(provider: Provider, app: App) -> None:
    browser = provider.browser()
    page = await open_sign_in(browser, app)
    assert "After this you go on to the app." in page.text
    assert "form-action 'self' https://app.example" in page.headers["content-security-policy"]
    korean = await browser.get(browser.address, **{"Accept-Language": "ko"})
    assert '<html lang="ko">' in korean.text
    assert "로그인하면 앱으로 가요." in korean.text


@pytest.mark.parametrize("name", ["mina", "nobody", "mina\0", "ｎｏｂｏｄｙ", "x" * 300])
async def test_the_words_are_the_same_whether_or_not_the_account_exists(
    provider: Provider, app: App, name: str
) -> None:
    await person(provider)
    browser = provider.browser()
    page = await submit(browser, await open_sign_in(browser, app), name, "wrong")
    assert page.status_code == 422
    assert page.text.count("This name and password do not go together.") == 2
    assert 'href="#password"' in page.text
    assert 'aria-invalid="true"' in page.text
    assert "wrong" not in re.sub(r'class="[^"]*"', "", page.text)


async def test_the_name_is_found_however_it_is_typed(provider: Provider, app: App) -> None:
    await person(provider)
    await sign_in(provider, app, "  ＭＩＮＡ ")


async def test_the_third_failure_offers_help(provider: Provider, app: App) -> None:
    await person(provider)
    browser = provider.browser()
    page = await open_sign_in(browser, app)
    for failure in (1, 2, 3):
        page = await submit(browser, page, password="wrong")
        hidden_help = re.search(r"<section[^>]* data-help-in-detail( hidden)?>", page.text)
        assert hidden_help
        assert (hidden_help[1] is None) is (failure == 3)
    assert (await submit(browser, page)).headers["location"].startswith(CALLBACK)


async def test_an_empty_field_is_named(provider: Provider, app: App) -> None:
    browser = provider.browser()
    page = await submit(browser, await open_sign_in(browser, app), "", "")
    assert "Type your name or e-mail." in page.text
    assert "Type your password." in page.text


async def test_guessing_is_throttled_and_the_owner_s_own_device_is_not(provider: Provider, app: App) -> None:
    await person(provider)
    owner = await sign_in(provider, app)
    for _ in range(2):  # the second sign-in makes the device known
        owner.cookies.pop("__Host-munjigi-session")
        page = await submit(owner, await open_sign_in(owner, app))
        form = {"hop": hidden(page), "session": hidden(page, "session"), "choice": "take_over"}
        await owner.follow(await owner.post("/takeover", form))
    owner.cookies.pop("__Host-munjigi-session")
    guesser = provider.browser("10.0.0.9")
    page = await open_sign_in(guesser, app)
    for _ in range(PASSWORD_OF_ACCOUNT_HERE.free):
        assert (await submit(guesser, page, password="wrong")).status_code == 422
    refused = await submit(guesser, page)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= PASSWORD_OF_ACCOUNT_HERE.first
    assert f"we pause for {refused.headers['retry-after']} second" in refused.text
    assert "You are signed in somewhere else" in (await submit(owner, await open_sign_in(owner, app))).text


async def test_without_the_throttle_nobody_signs_in(provider: Provider, app: App) -> None:
    await person(provider)
    browser = provider.browser()
    page = await open_sign_in(browser, app)
    await provider.parts.valkey.config_set("maxmemory", "1")
    try:
        refused = await submit(browser, page)
    finally:
        await provider.parts.valkey.config_set("maxmemory", "0")
    assert refused.status_code == 503
    assert "MJ-IDP-103" in refused.text


async def test_a_form_from_elsewhere_is_refused(provider: Provider, app: App) -> None:
    await person(provider)
    browser = provider.browser()
    page = await open_sign_in(browser, app)
    form = {"hop": hidden(page), "login": "mina", "password": PASSWORD}
    foreign = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    assert (await browser.post("/sign-in", form, **foreign)).status_code == 403
    other = provider.browser()
    await open_sign_in(other, app)
    assert (await other.post("/sign-in", form)).status_code == 400


async def test_an_authenticator_app_is_asked_for_and_its_code_works_once(
    provider: Provider, app: App, clock: FakeClock
) -> None:
    user = await person(provider, with_totp=True)
    browser = provider.browser()
    page = await submit(browser, await open_sign_in(browser, app))
    assert "One more check" in page.text
    wrong = await submit_code(browser, page, clock, "000000")
    assert "These digits do not fit" in wrong.text
    await submit_code(browser, wrong, clock)
    assert browser.query()["code"]
    async with provider.parts.database.connect() as tx:
        session = await sessions.live_of(tx, user, clock.now())
    assert session is not None
    assert session.acr == "urn:munjigi:acr:2"
    assert session.amr == ("pwd", "otp", "mfa")

    second = provider.browser()
    page = await submit(second, await open_sign_in(second, app))
    replayed = await submit_code(second, page, clock)
    assert replayed.status_code == 422
    clock.advance(30)
    page = await submit_code(second, replayed, clock)
    assert "You are signed in somewhere else" in page.text


async def test_headless_browsers_find_their_way_by_names_that_stay(provider: Provider, app: App) -> None:
    """Without scripts: a title, fields named `login` and `password`, and one button that sends them."""
    await person(provider)
    browser = provider.browser()
    page = await open_sign_in(browser, app)
    assert re.search(r"<title>[^<]+</title>", page.text)
    form = re.search(r'<form method="post" action="([^"]+)"[^>]*data-in-place>.*?</form>', page.text, re.DOTALL)
    assert form is not None
    assert re.findall(r'<input id="\w+" name="(\w+)" type="(\w+)"', form[0]) == [
        ("login", "text"),
        ("password", "password"),
    ]
    assert form[0].count("<button") == 1
    hop = {"hop": hidden(page)}
    await browser.follow(
        await browser.post(form[1].replace("&amp;", "&"), {**hop, "login": "mina", "password": PASSWORD})
    )
    assert browser.address.startswith(CALLBACK)

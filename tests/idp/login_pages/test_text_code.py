"""The code by text: the last of the factors, bound to one login, used once, and by mail where no text goes out."""

from __future__ import annotations

from uuid import UUID

import pytest

from idp.authorization.login_rules import LoginRules
from idp.credentials.recovery import Recovery
from idp.credentials.text_guard import TEXTS_OF_NUMBER
from idp.factors.one_time_code import TRIES
from idp.factors.phone_number import Phone, context
from idp.storage import login_rules, phones, recovery_links, sessions
from tests.clock import FakeClock
from tests.idp.letters import letters, mailed_code, texted_code
from tests.idp.login_pages.test_sign_in import (
    app,
    hidden,
    kinds,
    open_sign_in,
    person,
    submit,
    submit_code,
)
from tests.idp.people import HOUSE
from tests.idp.provider import CALLBACK, App, Provider, running_provider

__all__ = ["app"]

NUMBER = "+821012345678"
NEW = "three boats left before the rain"


async def with_phone(provider: Provider, user: UUID, number: str = NUMBER) -> None:
    """A number that somebody has proven."""
    parts = provider.parts
    now, ident = parts.clock.now(), parts.entropy.uuid()
    phone = Phone(
        id=ident,
        user_id=user,
        sealed_number=parts.envelope.seal(number.encode(), context(ident)),
        number_index=parts.phone_index.of(number),
        created_at=now,
        confirmed_at=None,
    )
    async with parts.database.begin() as tx:
        await phones.begin_phone(tx, phone)
        await phones.confirm_phone(tx, phone, now)


async def texts(provider: Provider) -> int:
    """How many went to the number."""
    return sum(letter.to == NUMBER for letter in await letters(provider.parts.settings))


async def test_a_text_is_a_second_factor(provider: Provider, app: App, database: object) -> None:
    user = await person(provider)
    await with_phone(provider, user)
    browser = provider.browser()
    page = await submit(browser, await open_sign_in(browser, app))
    assert "We sent six digits to +82 ***78" in page.text
    assert "12345" not in page.text  # four digits may be those of an address with a digest
    assert 'autocomplete="one-time-code"' in page.text
    assert "web-otp" in page.text
    [letter] = await letters(provider.parts.settings)
    assert (letter.to, letter.facts["host"]) == (NUMBER, "localhost")
    form = {"hop": hidden(page), "way": "sms", "code": letter.facts["code"]}
    await browser.follow(await browser.post("/factor", form))
    assert browser.address.startswith(CALLBACK)
    async with provider.parts.database.connect() as tx:
        live = await sessions.live_of(tx, user, provider.parts.clock.now())
    assert live is not None
    assert (live.amr, live.acr) == (("pwd", "sms", "mfa"), "urn:munjigi:acr:2")
    assert "factor_passed" in await kinds(provider, database)


async def test_a_better_factor_is_asked_first_and_a_text_on_request(
    provider: Provider, app: App, clock: FakeClock
) -> None:
    await with_phone(provider, await person(provider, with_totp=True))
    browser = provider.browser()
    page = await submit(browser, await open_sign_in(browser, app))
    assert "authenticator app" in page.text
    assert "Text me digits" in page.text
    assert await texts(provider) == 0
    page = await browser.post("/factor", {"hop": hidden(page), "act": "text"})
    assert "We sent six digits to +82 ***78" in page.text
    assert "Use my authenticator app" in page.text
    assert await texts(provider) == 1
    wrong = await browser.post("/factor", {"hop": hidden(page), "way": "sms", "code": "000000"})
    assert "These digits do not fit. Type the ones from the latest text." in wrong.text
    assert await texts(provider) == 1
    await submit_code(browser, wrong, clock)  # the app goes on working beside it
    assert browser.address.startswith(CALLBACK)


async def test_a_code_is_used_once_in_its_time_by_its_login(provider: Provider, app: App, clock: FakeClock) -> None:
    await with_phone(provider, await person(provider))
    first, second = provider.browser(), provider.browser("10.0.0.2")
    page = await submit(first, await open_sign_in(first, app))
    theirs = await texted_code(provider.parts.settings, NUMBER)
    other = await submit(second, await open_sign_in(second, app))
    if theirs != await texted_code(provider.parts.settings, NUMBER):
        refused = await second.post("/factor", {"hop": hidden(other), "way": "sms", "code": theirs})
        assert "These digits do not fit" in refused.text
    by_app = await first.post("/factor", {"hop": hidden(page), "code": theirs})
    assert by_app.status_code == 422  # it is no code of an app
    by_mail = await first.post("/factor", {"hop": hidden(page), "way": "email", "code": theirs})
    assert by_mail.status_code == 422
    wrong = f"{(int(theirs) + 1) % 1_000_000:06}"
    for _ in range(TRIES):
        page = await first.post("/factor", {"hop": hidden(page), "way": "sms", "code": wrong})
    spent = await first.post("/factor", {"hop": hidden(page), "way": "sms", "code": theirs})
    assert "can no longer be used" in spent.text
    clock.advance(31)
    page = await first.post("/factor", {"hop": hidden(page), "way": "sms", "act": "resend"})
    assert "We sent new digits to +82 ***78" in page.text
    again = await texted_code(provider.parts.settings, NUMBER)
    await first.follow(await first.post("/factor", {"hop": hidden(page), "way": "sms", "code": again}))
    assert first.address.startswith(CALLBACK)


async def test_a_page_shown_again_sends_nothing(provider: Provider, app: App) -> None:
    await with_phone(provider, await person(provider))
    browser = provider.browser()
    page = await submit(browser, await open_sign_in(browser, app))
    await browser.get(browser.address)
    assert await texts(provider) == 1
    soon = await browser.post("/factor", {"hop": hidden(page), "way": "sms", "act": "resend"})
    assert soon.status_code == 429
    assert await texts(provider) == 1


async def test_where_no_text_goes_out_a_mail_does_for_who_has_nothing_else(
    provider: Provider, app: App, clock: FakeClock, database: object
) -> None:
    user = await person(provider)
    await with_phone(provider, user)
    for number in range(TEXTS_OF_NUMBER.attempts):
        browser = provider.browser(f"10.0.1.{number}")
        await submit(browser, await open_sign_in(browser, app))
    browser = provider.browser("10.0.0.2")
    page = await submit(browser, await open_sign_in(browser, app))
    assert "We cannot send a text right now, so we sent a mail instead." in page.text
    assert "m***@mail.example" in page.text
    assert await texts(provider) == TEXTS_OF_NUMBER.attempts
    form = {"hop": hidden(page), "way": hidden(page, "way"), "code": await mailed_code(provider.parts.settings)}
    assert form["way"] == "email"
    await browser.follow(await browser.post("/factor", form))
    assert browser.address.startswith(CALLBACK)
    async with provider.parts.database.connect() as tx:
        live = await sessions.live_of(tx, user, clock.now())
    assert live is not None
    assert live.amr == ("pwd", "email", "mfa")


async def test_nobody_with_an_app_gets_a_mail_for_it(provider: Provider, app: App) -> None:
    await with_phone(provider, await person(provider, with_totp=True))
    async with provider.parts.database.begin() as tx:
        await login_rules.put_login_rules(tx, HOUSE, LoginRules(text_countries=("JP",)))
    browser = provider.browser()
    page = await submit(browser, await open_sign_in(browser, app))
    page = await browser.post("/factor", {"hop": hidden(page), "act": "text"})
    assert page.status_code == 429
    assert "We do not text numbers of this country" in page.text
    assert "authenticator app" in page.text
    assert await letters(provider.parts.settings) == []
    refused = await browser.post("/factor", {"hop": hidden(page), "way": "email", "code": "000000"})
    assert refused.status_code == 422


async def test_where_nobody_carries_texts_a_mail_comes(provider: Provider, app: App) -> None:
    await with_phone(provider, await person(provider))
    parts = provider.parts
    mail = parts.settings.mail.model_copy(update={"server": "mail.example.com:587"})
    told = parts.settings.model_copy(update={"mail": mail})
    async with running_provider(told, parts.database, parts.valkey, parts.clock) as strict:
        browser = strict.browser()
        page = await submit(browser, await open_sign_in(browser, app))
    assert "so we sent a mail instead" in page.text


async def test_a_mail_that_would_not_count_stands_in_for_nothing(provider: Provider, app: App) -> None:
    await with_phone(provider, await person(provider))
    parts = provider.parts
    mail = parts.settings.mail.model_copy(update={"server": "mail.example.com:587"})
    idp = parts.settings.idp.model_copy(update={"mail_code_counts": False})
    told = parts.settings.model_copy(update={"mail": mail, "idp": idp})
    async with running_provider(told, parts.database, parts.valkey, parts.clock) as strict:
        browser = strict.browser()
        page = await submit(browser, await open_sign_in(browser, app))
    assert page.status_code == 429
    assert "We cannot send texts right now. Confirm another way." in page.text
    assert await letters(parts.settings) == []


@pytest.mark.parametrize("locale", ["ko", "en"])
async def test_the_page_speaks_both_languages(provider: Provider, app: App, locale: str) -> None:
    await with_phone(provider, await person(provider))
    browser = provider.browser()
    browser.cookies["mj-locale"] = locale
    page = await submit(browser, await open_sign_in(browser, app))
    assert ("문자로 받은 숫자 여섯 자리" if locale == "ko" else "Six digits from our text message") in page.text


async def test_the_way_back_by_mail_takes_a_text_of_who_has_nothing_else(provider: Provider, app: App) -> None:
    user = await person(provider)
    await with_phone(provider, user)
    browser = provider.browser()
    recovery = Recovery(recovery_links, provider.parts.entropy, "")
    async with provider.parts.database.begin() as tx:
        now = provider.parts.clock.now()
        address = await recovery.link(tx, user, None, now, sent_to="mina@mail.example")
    page = await browser.get(address)
    assert "Text me digits" in page.text
    without = {"token": hidden(page, "token"), "new": NEW}
    assert (await browser.post("/recover/password", without)).status_code == 422
    page = await browser.post("/recover/password", {"token": hidden(page, "token"), "act": "text"})
    assert "We sent six digits to +82 ***78" in page.text
    wrong = await browser.post("/recover/password", {**without, "code": "000000"})
    assert wrong.status_code == 422
    code = await texted_code(provider.parts.settings, NUMBER)
    done = await browser.post("/recover/password", {**without, "code": code})
    assert done.status_code == 200
    assert "Your password is changed" in done.text

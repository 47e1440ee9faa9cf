"""The code by mail: for whoever has nothing better, bound to one login and one takeover, used once."""

from __future__ import annotations

import re

from idp.factors.one_time_code import SENDS, TRIES
from idp.storage import sessions
from tests.clock import FakeClock
from tests.idp.letters import letters, mailed_code
from tests.idp.login_pages.test_sign_in import (
    app,
    hidden,
    kinds,
    open_sign_in,
    person,
    sign_in,
    submit,
    submit_mailed_code,
)
from tests.idp.login_pages.test_takeover import at_takeover
from tests.idp.provider import CALLBACK, App, Provider, running_provider

__all__ = ["app"]


async def _codes(provider: Provider) -> int:
    return sum(letter.kind == "sign_in_code" for letter in await letters(provider.parts.settings))


async def test_from_elsewhere_a_code_comes_first_and_nothing_is_shown_before(provider: Provider, app: App) -> None:
    user = await person(provider)
    await sign_in(provider, app)
    second = provider.browser("10.0.0.2")
    page = await submit(second, await open_sign_in(second, app))
    assert page.status_code == 200
    assert "m***@mail.example" in page.text
    assert "mina@mail.example" not in page.text
    assert "10 minutes" in page.text
    assert "127.0.0.1" not in page.text
    assert "somewhere else" not in page.text
    assert await _codes(provider) == 1
    assert [letter.to for letter in await letters(provider.parts.settings)][-1] == "mina@mail.example"
    shown = await submit_mailed_code(provider, second, page)
    assert "You are signed in somewhere else" in shown.text
    form = {"hop": hidden(shown), "session": hidden(shown, "session"), "choice": "take_over"}
    await second.follow(await second.post("/takeover", form))
    assert second.address.startswith(CALLBACK)
    async with provider.parts.database.connect() as tx:
        live = await sessions.live_of(tx, user, provider.parts.clock.now())
    assert live is not None
    assert live.amr == ("pwd", "email", "mfa")
    assert live.acr == "urn:munjigi:acr:2"


async def test_where_it_does_not_count_it_confirms_and_raises_nothing(provider: Provider, app: App) -> None:
    parts = provider.parts
    settings = parts.settings.model_copy(
        update={"idp": parts.settings.idp.model_copy(update={"mail_code_counts": False})}
    )
    user = await person(provider)
    await sign_in(provider, app)
    async with running_provider(settings, parts.database, parts.valkey, parts.clock) as strict:
        second = strict.browser("10.0.0.2")
        page = await at_takeover(strict, second, app)
        form = {"hop": hidden(page), "session": hidden(page, "session"), "choice": "take_over"}
        await second.follow(await second.post("/takeover", form))
        async with parts.database.connect() as tx:
            live = await sessions.live_of(tx, user, parts.clock.now())
        assert live is not None
        assert (live.amr, live.acr) == (("pwd", "email"), "urn:munjigi:acr:1")
        await second.follow(await second.get(app.request(acr_values="urn:munjigi:acr:2")))
        assert second.query()["error"] == "unmet_authentication_requirements"


async def test_a_page_shown_again_sends_nothing_and_asking_does(provider: Provider, app: App, clock: FakeClock) -> None:
    await person(provider)
    await sign_in(provider, app)
    second = provider.browser("10.0.0.2")
    page = await submit(second, await open_sign_in(second, app))
    first = await mailed_code(provider.parts.settings)
    await second.get(second.address)
    assert await _codes(provider) == 1
    soon = await second.post("/factor", {"hop": hidden(page), "act": "resend"})
    assert soon.status_code == 429
    assert "We have just sent some" in soon.text
    for sent in range(2, SENDS + 1):
        clock.advance(31)
        again = await second.post("/factor", {"hop": hidden(page), "act": "resend"})
        assert "We sent new digits to m***@mail.example" in again.text
        assert await _codes(provider) == sent
    old = await second.post("/factor", {"hop": hidden(page), "code": first})
    assert "These digits do not fit" in old.text
    clock.advance(31)
    enough = await second.post("/factor", {"hop": hidden(page), "act": "resend"})
    assert enough.status_code == 429
    assert await _codes(provider) == SENDS
    form = {"hop": hidden(page), "code": await mailed_code(provider.parts.settings)}
    assert "You are signed in somewhere else" in (await second.follow(await second.post("/factor", form))).text


async def test_after_five_wrong_ones_the_right_one_is_refused(
    provider: Provider, app: App, clock: FakeClock, database: object
) -> None:
    await person(provider)
    await sign_in(provider, app)
    second = provider.browser("10.0.0.2")
    page = await submit(second, await open_sign_in(second, app))
    right = await mailed_code(provider.parts.settings)
    wrong = f"{(int(right) + 1) % 1_000_000:06}"
    for _ in range(TRIES):
        page = await second.post("/factor", {"hop": hidden(page), "code": wrong})
        assert page.status_code == 422
        assert "These digits do not fit" in page.text
    page = await second.post("/factor", {"hop": hidden(page), "code": right})
    assert page.status_code == 422
    assert "can no longer be used" in page.text
    clock.advance(31)
    page = await second.post("/factor", {"hop": hidden(page), "act": "resend"})
    page = await second.follow(
        await second.post("/factor", {"hop": hidden(page), "code": await mailed_code(provider.parts.settings)})
    )
    assert "You are signed in somewhere else" in page.text
    assert (await kinds(provider, database)).count("factor_failed") == TRIES + 1


async def test_a_code_of_another_login_is_wrong(provider: Provider, app: App) -> None:
    await person(provider)
    await sign_in(provider, app)
    second, third = provider.browser("10.0.0.2"), provider.browser("10.0.0.3")
    await submit(second, await open_sign_in(second, app))
    theirs = await mailed_code(provider.parts.settings)
    page = await submit(third, await open_sign_in(third, app))
    if theirs != await mailed_code(provider.parts.settings):
        refused = await third.post("/factor", {"hop": hidden(page), "code": theirs})
        assert "These digits do not fit" in refused.text


async def test_nobody_with_an_app_is_offered_a_mail(provider: Provider, app: App, clock: FakeClock) -> None:
    await person(provider, with_totp=True)
    browser = provider.browser()
    page = await submit(browser, await open_sign_in(browser, app))
    assert "authenticator app" in page.text
    assert "mail.example" not in page.text
    assert "Send new digits" not in page.text
    resent = await browser.post("/factor", {"hop": hidden(page), "act": "resend"})
    assert "mail.example" not in resent.text
    assert await _codes(provider) == 0


async def test_a_new_device_gives_a_code_although_no_session_lives(
    provider: Provider, app: App, clock: FakeClock
) -> None:
    user = await person(provider)
    first = await sign_in(provider, app)  # the very first sign-in of an account is free
    assert await _codes(provider) == 0
    clock.advance(31 * 60)
    async with provider.parts.database.connect() as tx:
        assert await sessions.live_of(tx, user, clock.now()) is None
    await submit(first, await open_sign_in(first, app))
    assert first.address.startswith(CALLBACK)  # a device that is known needs nothing more
    clock.advance(31 * 60)
    second = provider.browser()
    page = await submit(second, await open_sign_in(second, app))
    assert "This device is new to us" in page.text
    await submit_mailed_code(provider, second, page)
    assert second.address.startswith(CALLBACK)
    told = [letter for letter in await letters(provider.parts.settings) if letter.kind == "new_device"]
    assert len(told) == 2
    assert told[-1].facts["place"] == "this machine"
    assert re.match(r"http://localhost:9000/not-me\?token=", told[-1].facts["not_me"])


async def test_a_house_may_do_without_it(provider: Provider, app: App, clock: FakeClock) -> None:
    from idp.authorization.login_rules import LoginRules
    from idp.storage import login_rules
    from tests.idp.people import HOUSE

    await person(provider)
    await sign_in(provider, app)
    clock.advance(31 * 60)
    async with provider.parts.database.begin() as tx:
        assert await login_rules.put_login_rules(tx, HOUSE, LoginRules(new_device_factor=False))
    provider.parts.rules.on_event("organisation", {"organisation_id": str(HOUSE)})
    second = provider.browser()
    await submit(second, await open_sign_in(second, app))
    assert second.address.startswith(CALLBACK)


async def test_whoever_has_neither_is_led_to_help_and_nothing_ends(
    provider: Provider, app: App, clock: FakeClock, database: object
) -> None:
    user = await person(provider, with_mail=False)
    await sign_in(provider, app)
    async with provider.parts.database.connect() as tx:
        before = await sessions.live_of(tx, user, clock.now())
    second = provider.browser("10.0.0.2")
    page = await submit(second, await open_sign_in(second, app))
    assert second.address.startswith("http://localhost:9000/factor/none?hop=")
    assert "We have no way to confirm that it is you" in page.text
    assert "MJ-SIGNIN-020" in page.text
    # recovery is by mail, which they have not: they are told whom to ask, with what to quote
    assert 'href="/recover' not in page.text
    reference = page.headers["munjigi-correlation-id"]
    assert f"<code data-reference>{reference}</code>" in page.text
    assert f'href="mailto:support@munjigi.localhost?subject=%5B{reference}%5D"' in page.text
    korean = await second.get(second.address, **{"Accept-Language": "ko"})
    assert "고객센터에 물어봐 주세요." in korean.text
    assert 'href="mailto:support@munjigi.localhost?subject=' in korean.text
    assert "127.0.0.1" not in page.text
    await second.follow(await second.post("/factor/none", {"hop": hidden(page), "act": "give_up"}))
    assert second.query()["error"] == "access_denied"
    async with provider.parts.database.connect() as tx:
        assert await sessions.live_of(tx, user, clock.now()) == before
    assert (await kinds(provider, database))[-1] == "sign_in_abandoned"


async def test_korean(provider: Provider, app: App) -> None:
    await person(provider)
    await sign_in(provider, app)
    second = provider.browser("10.0.0.2")
    await submit(second, await open_sign_in(second, app))
    page = await second.get(second.address, **{"Accept-Language": "ko"})
    assert "m***@mail.example 주소로 보냈어요" in page.text
    assert "새 숫자 받기" in page.text

"""The second factor: nobody is locked out of it by guessing, whoever guesses is told of, and codes saved on paper."""

from __future__ import annotations

import asyncio
import html
import json
import re
from uuid import UUID

import httpx2

from config.connections import Valkey
from idp.credentials.factor_guesses import FACTOR_OF_ACCOUNT, FACTOR_OF_ACCOUNT_HERE, TOLD_AFTER
from idp.credentials.throttle import Throttle
from idp.endpoints.login.mail_codes import CODES_OF_ACCOUNT
from idp.endpoints.login.passkey_ceremony import PasskeyCeremonies
from idp.factors.passkey import RelyingParty
from idp.factors.recovery_code import digest_of, new_codes
from idp.storage import factors, recovery_codes, sessions
from tests.clock import FakeClock
from tests.idp.authenticator import SoftAuthenticator
from tests.idp.browser import Browser
from tests.idp.credentials.test_throttle_attacks import time_passes
from tests.idp.letters import Letter, letters
from tests.idp.login_pages.test_sign_in import (
    PASSWORD,
    app,
    hidden,
    kinds,
    open_sign_in,
    person,
    sign_in,
    submit,
    submit_code,
)
from tests.idp.provider import CALLBACK, App, Provider

__all__ = ["app"]


async def saved(provider: Provider, user: UUID) -> tuple[str, ...]:
    """Codes that the person made some day."""
    parts = provider.parts
    made = new_codes(parts.entropy)
    async with parts.database.begin() as tx:
        digests = [digest for code in made if (digest := digest_of(user, code)) is not None]
        await recovery_codes.replace(tx, user, digests, parts.clock.now())
    return made


async def at_the_factor(provider: Provider, app: App, address: str = "10.0.0.9") -> tuple[Browser, httpx2.Response]:
    """A browser that nobody has used, past the password."""
    browser = provider.browser(address)
    page = await submit(browser, await open_sign_in(browser, app))
    assert "One more check" in page.text
    return browser, page


async def guess(browser: Browser, page: httpx2.Response, **form: str) -> httpx2.Response:
    return await browser.post("/factor", {"hop": hidden(page), **(form or {"code": "000000"})})


async def told(provider: Provider, kind: str) -> list[Letter]:
    return [letter for letter in await letters(provider.parts.settings) if letter.kind == kind]


async def passkey_of(provider: Provider, user: UUID) -> SoftAuthenticator:
    authenticator, parts = SoftAuthenticator(), provider.parts
    ceremonies = PasskeyCeremonies(RelyingParty.of_issuer(parts.issuer, "Munjigi"), factors, parts.entropy)
    async with parts.database.begin() as tx:
        asked = await ceremonies.offer(
            tx, user_id=user, login_name="mina", display_name="Mina", bound_to="test", now=parts.clock.now()
        )
        made = authenticator.create(asked)
        await ceremonies.register(tx, made, user_id=user, label="key", bound_to="test", now=parts.clock.now())
    return authenticator


async def test_a_password_thief_locks_the_owner_out_of_no_factor(
    provider: Provider, app: App, clock: FakeClock, valkey: Valkey
) -> None:
    user = await person(provider, with_totp=True)
    authenticator = await passkey_of(provider, user)
    owner, page = await at_the_factor(provider, app, "192.0.2.1")
    await submit_code(owner, page, clock)
    owner.cookies.pop("__Host-munjigi-session")
    for number in range(FACTOR_OF_ACCOUNT.free // FACTOR_OF_ACCOUNT_HERE.free):
        thief, page = await at_the_factor(provider, app, f"10.0.0.{number}")
        answers = [(await guess(thief, page)).status_code for _ in range(FACTOR_OF_ACCOUNT_HERE.free + 2)]
        assert answers == [422] * FACTOR_OF_ACCOUNT_HERE.free + [429] * 2
    stranger, page = await at_the_factor(provider, app, "10.0.1.1")
    held = await guess(stranger, page)
    assert held.status_code == 429, "all strange devices together, too"
    assert "MJ-SIGNIN-002" in held.text

    options = json.loads(html.unescape(re.search(r"data-options='([^']*)'", held.text)[1]))  # type: ignore[index]
    form = {"hop": hidden(held), "answer": authenticator.get(options)}
    by_passkey = await stranger.follow(await stranger.post("/factor/passkey", form))
    assert "You are signed in somewhere else" in by_passkey.text, "a passkey is no guess, on whatever device"

    clock.advance(30)
    page = await submit(owner, await open_sign_in(owner, app))
    assert "One more check" in page.text
    done = await submit_code(owner, page, clock)
    assert done.status_code != 429
    assert "You are signed in somewhere else" in done.text, "the owner's own device is held off by nobody"


async def test_waits_of_strangers_grow(provider: Provider, app: App, valkey: Valkey) -> None:
    await person(provider, with_totp=True)
    thief, page = await at_the_factor(provider, app)
    for _ in range(FACTOR_OF_ACCOUNT_HERE.free):
        assert (await guess(thief, page)).status_code == 422
    waits = []
    for _ in range(3):
        waits.append(int((await guess(thief, page)).headers["retry-after"]))
        await time_passes(valkey)
        assert (await guess(thief, page)).status_code == 422
    assert waits == [30, 60, 120]


async def test_a_known_device_is_held_off_by_its_own_guesses(provider: Provider, app: App, clock: FakeClock) -> None:
    await person(provider, with_totp=True)
    owner, page = await at_the_factor(provider, app)
    await submit_code(owner, page, clock)
    owner.cookies.pop("__Host-munjigi-session")
    page = await submit(owner, await open_sign_in(owner, app))
    assert [(await guess(owner, page)).status_code for _ in range(11)] == [422] * 10 + [429]
    assert await told(provider, "factor_guessed") == [], "nobody is warned of themselves"


async def test_the_person_is_told_by_mail_that_somebody_guesses(provider: Provider, app: App) -> None:
    """No session lives, and each login guesses but twice: the account's count tells all the same."""
    await person(provider, with_totp=True)
    for number in range(TOLD_AFTER):
        thief, page = await at_the_factor(provider, app, f"10.0.0.{number}")
        assert len(await told(provider, "factor_guessed")) == (number == 2)
        for _ in range(2):
            await guess(thief, page)
    (letter,) = await told(provider, "factor_guessed")
    assert letter.to == "mina@mail.example"
    assert letter.facts["not_me"].startswith("http://localhost:9000/not-me?token=")
    assert letter.facts["time_zone"] == "Asia/Seoul"


async def test_a_saved_code_is_the_second_factor_once(provider: Provider, app: App, clock: FakeClock) -> None:
    user = await person(provider, with_totp=True)
    codes = await saved(provider, user)
    browser, page = await at_the_factor(provider, app)
    assert "Another way" in page.text
    wrong = await guess(browser, page, recovery_code="0000-0000-0000-0000")
    assert wrong.status_code == 422
    assert 'href="#recovery_code"' in wrong.text
    assert "MJ-SIGNIN-003" in wrong.text
    typed = codes[0].lower().replace("-", " ")
    told_left = await guess(browser, wrong, recovery_code=typed)
    assert "Codes left: 9" in told_left.text
    assert "lock you out" not in told_left.text, "nine are many"
    await go_on(browser, told_left)
    assert browser.address.startswith(CALLBACK)
    async with provider.parts.database.connect() as tx:
        session = await sessions.live_of(tx, user, clock.now())
        assert session is not None
        assert session.amr == ("pwd", "otp", "mfa")
        assert session.acr == "urn:munjigi:acr:2"
        assert await recovery_codes.left(tx, user) == 9
    (letter,) = await told(provider, "recovery_code_used")
    assert letter.facts["left"] == "9"
    assert letter.facts["not_me"]

    other, page = await at_the_factor(provider, app)
    again = await guess(other, page, recovery_code=codes[0])
    assert again.status_code == 422
    assert "was used before" in again.text


async def go_on(browser: Browser, page: httpx2.Response) -> httpx2.Response:
    """The one button of the page that says how many codes are left."""
    found = re.search(r'<a class="button primary block" href="([^"]+)"', page.text)
    assert found, page.text
    return await browser.follow(await browser.get(html.unescape(found[1])))


async def test_the_last_codes_are_warned_of(provider: Provider, app: App) -> None:
    user = await person(provider, with_totp=True)
    codes = await saved(provider, user)
    async with provider.parts.database.begin() as tx:
        for code in codes[3:]:
            assert await recovery_codes.consume(tx, user, digest_of(user, code) or b"")
    browser, page = await at_the_factor(provider, app)
    left = await guess(browser, page, recovery_code=codes[0])
    assert "Codes left: 2" in left.text
    assert "a lost phone would lock you out" in left.text
    again = await browser.post("/factor", {"hop": hidden(page), "recovery_code": codes[0]})
    assert again.status_code == 303, "a reload goes on, too"
    await go_on(browser, left)
    assert browser.address.startswith(CALLBACK)


async def test_of_many_at_once_one_uses_a_saved_code(provider: Provider, app: App) -> None:
    user = await person(provider, with_totp=True)
    code = (await saved(provider, user))[0]
    arrived = [await at_the_factor(provider, app, f"10.0.0.{number}") for number in range(4)]
    answers = await asyncio.gather(*(guess(browser, page, recovery_code=code) for browser, page in arrived))
    assert sorted(answer.status_code for answer in answers) == [200, 422, 422, 422]
    assert len(await told(provider, "recovery_code_used")) == 1


async def test_a_saved_code_of_somebody_else_is_none(provider: Provider, app: App) -> None:
    await person(provider, with_totp=True)
    codes = await saved(provider, await person(provider, "jun", with_totp=True))
    browser, page = await at_the_factor(provider, app)
    assert "no recovery code left" in page.text
    assert (await guess(browser, page, recovery_code=codes[0])).status_code == 422


async def test_the_page_names_whom_to_ask(provider: Provider, app: App) -> None:
    await person(provider, with_totp=True)
    _, page = await at_the_factor(provider, app)
    reference = page.headers["munjigi-correlation-id"]
    assert f'href="mailto:support@munjigi.localhost?subject=%5B{reference}%5D"' in page.text
    assert f"/help/MJ-SIGNIN-004?ref={reference}" in page.text


async def test_codes_are_kept_as_hashes_alone(provider: Provider, app: App, database: object) -> None:
    user = await person(provider, with_totp=True)
    codes = await saved(provider, user)
    assert len(set(codes)) == 10
    assert all(re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}", code) for code in codes)
    assert digest_of(user, codes[0].replace("0", "o").replace("1", "l")) == digest_of(user, codes[0])
    assert digest_of(user, "short") is None
    assert PASSWORD not in codes
    assert await kinds(provider, database) == []


async def test_a_password_thief_uses_up_no_mails_of_a_known_device(provider: Provider, app: App) -> None:
    user = await person(provider)
    owner = await sign_in(provider, app)
    throttle = Throttle(provider.parts.valkey)
    for _ in range(CODES_OF_ACCOUNT.attempts):
        await throttle.attempt(CODES_OF_ACCOUNT, str(user))
    thief = provider.browser("10.0.0.9")
    assert "We have sent many" in (await submit(thief, await open_sign_in(thief, app))).text
    elsewhere = provider.browser("10.0.0.8")  # the owner's laptop, taken to another place
    elsewhere.cookies["__Host-munjigi-device"] = owner.cookies["__Host-munjigi-device"]
    page = await submit(elsewhere, await open_sign_in(elsewhere, app))
    assert "We sent six digits to" in page.text

"""The way back in by mail: the same answer for everybody, a link for one use, and what ends with the old password."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

import httpx2
import msgspec
import pyotp
import pytest
from sqlalchemy import text

from idp.credentials.recovery import LIFETIME, MOST_ATTEMPTS
from idp.directory.account import ClientHome
from idp.storage import directory, passwords, sessions
from notifications.queue import Body, sealing_context
from tests.clock import FakeClock
from tests.idp.browser import Browser
from tests.idp.conftest import OpenDatabase
from tests.idp.login_pages.test_factor import passkey_of, saved
from tests.idp.login_pages.test_remembered_browser import DEVICE_COOKIE, listed, set_mail
from tests.idp.login_pages.test_remembered_browser import sign_in as sign_in_with
from tests.idp.login_pages.test_sign_in import (
    PASSWORD,
    SECRET,
    app,
    hidden,
    kinds,
    open_sign_in,
    person,
    submit,
)
from tests.idp.provider import App, Provider

__all__ = ["app"]

NEW = "three boats left before the rain"
MAIL = "mina@example.org"


@dataclass
class Mailbox:
    """What was queued for whom."""

    provider: Provider
    database: OpenDatabase

    async def read(self, kind: str) -> list[Body]:
        query = text("SELECT id, sealed FROM notifications.message WHERE kind = :kind ORDER BY created_at, id")
        async with self.database("owner").connect() as tx:
            rows = (await tx.execute(query, {"kind": kind})).all()
        opened = [self.provider.parts.envelope.open(row.sealed, sealing_context(row.id)) for row in rows]
        return [msgspec.json.decode(body, type=Body) for body in opened]

    async def link(self) -> str:
        parts = urlsplit((await self.read("recovery"))[-1].facts["recovery"])
        return f"{parts.path}?{parts.query}"


@pytest.fixture
def mailbox(provider: Provider, database: OpenDatabase) -> Mailbox:
    return Mailbox(provider, database)


async def ask(browser: Browser, name: str = "mina", hop: str = "") -> httpx2.Response:
    return await browser.post("/recover", {"login": name, "hop": hop})


async def give(browser: Browser, link: str, new: str = NEW, **more: str) -> httpx2.Response:
    return await browser.post("/recover/password", {"token": link.split("token=")[1], "new": new, **more})


async def test_a_link_by_mail_sets_a_new_password_and_everything_on_the_old_one_ends(
    provider: Provider, app: App, mailbox: Mailbox, database: OpenDatabase
) -> None:
    user = await person(provider)
    session = provider.browser()
    await sign_in_with(session, await open_sign_in(session, app), remember="yes")
    refresh = (await provider.redeem(app, session.query()["code"])).json()["refresh_token"]
    await set_mail(provider, user, MAIL)
    browser = provider.browser("10.0.0.7")
    page = await open_sign_in(browser, app)
    assert (await browser.get(f"/recover?hop={hidden(page)}")).status_code == 200
    asked = await ask(browser, "mina", hidden(page))
    assert asked.status_code == 200
    assert "Look at your e-mail" in asked.text
    (mail,) = await mailbox.read("recovery")
    assert (mail.to, mail.facts["minutes"]) == (MAIL, "30")

    link = await mailbox.link()
    for _ in range(3):  # a scanner of mails looks too
        assert "choose your new password" in (await browser.get(link)).text
    done = await give(browser, link)
    assert done.status_code == 200
    assert "Your password is changed" in done.text
    assert 'href="https://app.example/"' in done.text
    assert DEVICE_COOKIE in browser.cookies

    async with provider.parts.database.connect() as tx:
        assert await sessions.live_of(tx, user, provider.parts.clock.now()) is None
    assert await listed(provider, user) == 0
    assert (await provider.refresh(app, refresh)).json()["error"] == "invalid_grant"
    assert await proven(provider, user) == MAIL, "whoever has the link read the mail"
    assert len(await mailbox.read("password_changed")) == 1
    assert "not_me" in (await mailbox.read("password_changed"))[0].facts
    assert (await give(browser, link, "another sentence of words")).status_code == 410
    assert (await browser.get(link)).status_code == 410
    assert "password_changed" in await kinds(provider, database)
    page = await open_sign_in(browser, app)
    assert (await submit(browser, page)).status_code == 422
    assert (await submit(browser, page, password=NEW)).status_code in (200, 303)


async def proven(provider: Provider, user: UUID) -> str | None:
    """The address that a person has proven to be theirs."""
    async with provider.parts.database.connect() as tx:
        asked = text("SELECT proven_email FROM idp.user_account WHERE id = :user")
        return (await tx.execute(asked, {"user": user})).scalar_one()


async def test_a_link_proves_the_address_that_it_was_sent_to_and_no_other(provider: Provider, mailbox: Mailbox) -> None:
    user = await person(provider)
    await set_mail(provider, user, MAIL)
    browser = provider.browser()
    await ask(browser)
    link = await mailbox.link()
    assert await proven(provider, user) is None, "to ask for it proves nothing"
    await set_mail(provider, user, "elsewhere@example.org")
    assert (await give(browser, link)).status_code == 200
    assert await proven(provider, user) is None


async def test_everybody_gets_the_same_answer(provider: Provider, app: App, mailbox: Mailbox) -> None:
    await set_mail(provider, await person(provider), MAIL)
    await set_mail(provider, await person(provider, "jun"), None)
    said = set()
    for name in ("mina", "jun", "nobody", "mina\0", "x" * 300):
        answer = await ask(provider.browser(), name)
        said.add((answer.status_code, answer.text.replace(answer.headers["munjigi-correlation-id"], "")))
    assert len(said) == 1
    assert len(await mailbox.read("recovery")) == 1
    assert "Type your name" in (await ask(provider.browser(), " ")).text


async def test_nobody_is_flooded_with_mails(provider: Provider, mailbox: Mailbox) -> None:
    await set_mail(provider, await person(provider), MAIL)
    for number in range(6):
        assert (await ask(provider.browser(f"10.0.0.{number}"))).status_code == 200
    assert len(await mailbox.read("recovery")) == 3


async def test_a_link_is_good_for_half_an_hour(provider: Provider, mailbox: Mailbox, clock: FakeClock) -> None:
    await set_mail(provider, await person(provider), MAIL)
    browser = provider.browser()
    await ask(browser)
    clock.advance(LIFETIME.total_seconds())
    assert (await give(browser, await mailbox.link())).status_code == 410
    assert (await browser.get("/recover/password?token=made-up")).status_code == 410
    assert (await browser.get("/recover/password")).status_code == 410


async def test_a_weak_password_uses_the_link_not_up(provider: Provider, mailbox: Mailbox) -> None:
    await set_mail(provider, await person(provider), MAIL)
    browser = provider.browser()
    await ask(browser)
    link = await mailbox.link()
    for weak, told in (("short", "a little longer"), ("mina-mina-mina-2026", "made of your name")):
        refused = await give(browser, link, weak)
        assert refused.status_code == 422
        assert told in refused.text
        assert f'value="{weak}"' not in refused.text
    assert (await give(browser, link)).status_code == 200


async def test_a_second_factor_is_asked_for_where_there_is_one(
    provider: Provider, mailbox: Mailbox, clock: FakeClock
) -> None:
    user = await person(provider, with_totp=True)
    await set_mail(provider, user, MAIL)
    browser = provider.browser()
    await ask(browser)
    link = await mailbox.link()
    assert 'name="code"' in (await browser.get(link)).text
    async with provider.parts.database.connect() as tx:
        before = await passwords.password_hash(tx, user)
    assert "Type the digits" in (await give(browser, link)).text
    wrong = await give(browser, link, code="000000")
    assert wrong.status_code == 422
    assert "These digits do not fit" in wrong.text
    async with provider.parts.database.connect() as tx:
        assert await passwords.password_hash(tx, user) == before
    code = pyotp.TOTP(SECRET).at(int(clock.timestamp()))
    assert (await give(browser, link, "8 or more", code=code)).status_code == 200, "eight are enough with a factor"


async def test_codes_are_not_tried_for_long(provider: Provider, mailbox: Mailbox) -> None:
    await set_mail(provider, await person(provider, with_totp=True), MAIL)
    browser = provider.browser()
    await ask(browser)
    link = await mailbox.link()
    answers = [(await give(browser, link, code="000000")).status_code for _ in range(11)]
    assert answers == [422] * 10 + [429]
    assert MOST_ATTEMPTS > 10


@pytest.mark.parametrize(("reason", "opens"), [("not_me", True), ("administrator", False), ("response", False)])
async def test_it_lifts_ones_own_lock_and_no_other(
    provider: Provider, mailbox: Mailbox, database: OpenDatabase, reason: str, opens: bool
) -> None:
    user = await person(provider)
    await set_mail(provider, user, MAIL)
    async with provider.parts.database.begin() as tx:
        await directory.lock(tx, user, reason, provider.parts.clock.now())  # type: ignore[arg-type] - one of its three
    browser = provider.browser()
    await ask(browser)
    assert len(await mailbox.read("recovery")) == int(opens)
    if opens:
        assert (await give(browser, await mailbox.link())).status_code == 200
        assert "account_unlocked" in await kinds(provider, database)
    async with provider.parts.database.connect() as tx:
        account = await directory.account(tx, user)
    assert account is not None
    assert account.may_sign_in is opens


async def test_a_lock_that_came_meanwhile_stays(provider: Provider, mailbox: Mailbox) -> None:
    user = await person(provider)
    await set_mail(provider, user, MAIL)
    browser = provider.browser()
    await ask(browser)
    async with provider.parts.database.begin() as tx:
        await directory.lock(tx, user, "administrator", provider.parts.clock.now())
    assert (await give(browser, await mailbox.link())).status_code == 410


async def test_whoever_came_back_in_is_not_held_off_by_strangers(
    provider: Provider, app: App, mailbox: Mailbox
) -> None:
    await set_mail(provider, await person(provider), MAIL)
    stranger, browser = provider.browser(), provider.browser()
    page = await open_sign_in(stranger, app)
    for _ in range(6):
        await submit(stranger, page, password="wrong")
    own = await open_sign_in(browser, app)
    assert (await submit(browser, own)).status_code == 429, "the same address, and a strange device"
    await ask(browser)
    await give(browser, await mailbox.link())
    assert (await submit(browser, await open_sign_in(browser, app), password=NEW)).status_code == 303
    assert browser.query()["code"]


async def test_forms_from_elsewhere_are_refused(provider: Provider, mailbox: Mailbox) -> None:
    await set_mail(provider, await person(provider), MAIL)
    browser = provider.browser()
    foreign = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    assert (await browser.post("/recover", {"login": "mina"}, **foreign)).status_code == 403
    await ask(browser)
    form = {"token": (await mailbox.link()).split("token=")[1], "new": NEW}
    assert (await browser.post("/recover/password", form, **foreign)).status_code == 403


async def test_the_way_back_is_the_apps_own_start(provider: Provider, app: App, mailbox: Mailbox) -> None:
    await set_mail(provider, await person(provider), MAIL)
    async with provider.parts.database.begin() as tx:
        home = ClientHome(organisation_id=None, starts=("https://app.example/sign-in",))
        await directory.put_client_home(tx, app.client_id, home)
    browser = provider.browser()
    page = await open_sign_in(browser, app)
    await ask(browser, "mina", hidden(page))
    assert 'href="https://app.example/sign-in"' in (await give(browser, await mailbox.link())).text


async def test_the_password_is_really_the_new_one(provider: Provider, app: App, mailbox: Mailbox) -> None:
    await set_mail(provider, await person(provider), MAIL)
    browser = provider.browser()
    await ask(browser)
    await give(browser, await mailbox.link(), PASSWORD + " and more")
    page = await open_sign_in(browser, app)
    await submit(browser, page, password=PASSWORD + " and more")
    assert browser.query()["code"]


async def test_a_saved_code_stands_in_for_a_lost_app_beside_the_link(
    provider: Provider, app: App, mailbox: Mailbox
) -> None:
    user = await person(provider, with_totp=True)
    code = (await saved(provider, user))[0]
    browser = provider.browser()
    await ask(browser)
    link = await mailbox.link()
    assert "or a recovery code" in (await browser.get(link)).text
    wrong = await give(browser, link, code="0000-0000-0000-0000")
    assert wrong.status_code == 422
    assert "MJ-SIGNIN-003" in wrong.text
    assert (await give(browser, link, code=code)).status_code == 200
    (told,) = await mailbox.read("recovery_code_used")
    assert told.facts["left"] == "9"


async def test_what_is_wrong_leads_to_the_field_of_the_form_that_was_sent(
    provider: Provider, app: App, mailbox: Mailbox
) -> None:
    """Of somebody who has a passkey alone, there is no field `new`."""
    await passkey_of(provider, await person(provider))
    browser = provider.browser()
    await ask(browser)
    page = await give(browser, await mailbox.link(), "short", answer="{}")
    assert page.status_code == 422
    assert 'href="#new-by-passkey"' in page.text
    assert 'id="new-by-passkey"' in page.text
    assert 'id="new-by-passkey-error"' in page.text
    assert "MJ-SIGNIN-008" in page.text


async def test_a_link_that_is_over_has_its_code(provider: Provider, app: App) -> None:
    gone = await provider.browser().get("/recover/password?token=x")
    assert gone.status_code == 410
    assert "/help/MJ-SIGNIN-007?ref=" in gone.text

"""A sign-in that fails: answered in place, with the same words and steps for everybody, and help after a while."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
from sqlalchemy import event

from idp.credentials.password import PasswordPool, Verification
from idp.endpoints.login.passkey_ceremony import PasskeyCeremonies
from idp.factors.passkey import RelyingParty
from idp.storage import directory, factors
from pages.help.words import help_entries
from tests.idp.authenticator import SoftAuthenticator
from tests.idp.browser import Browser
from tests.idp.login_pages.test_sign_in import PASSWORD, app, hidden, kinds, open_sign_in, person, submit
from tests.idp.provider import App, Provider

__all__ = ["app"]

IN_PLACE = {"Accept": "application/json"}


async def send(browser: Browser, page: httpx2.Response, name: str, password: str) -> httpx2.Response:
    """What the page's script sends."""
    form = {"hop": hidden(page), "login": name, "password": password}
    return await browser.post("/sign-in", form, **IN_PLACE)


@contextmanager
def watched(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What is asked of the database and of argon2id, in its order."""
    steps: list[str] = []

    def on_statement(_c: object, _u: object, statement: str, *_rest: object) -> None:
        steps.append(" ".join(statement.split())[:120])

    compare = PasswordPool.verify

    async def on_verify(pool: PasswordPool, password: str, stored: str | None) -> Verification:
        steps.append("argon2id")
        return await compare(pool, password, stored)

    engine = provider.parts.database.sync_engine
    event.listen(engine, "before_cursor_execute", on_statement)
    with monkeypatch.context() as patched:
        patched.setattr(PasswordPool, "verify", on_verify)
        yield steps
    event.remove(engine, "before_cursor_execute", on_statement)


async def test_the_same_steps_are_taken_whether_or_not_the_account_exists(
    provider: Provider, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    await person(provider)
    taken = {}
    other = provider.browser("10.0.0.3")
    await send(other, await open_sign_in(other, app), "other", "wrong")  # what a node remembers is read once a minute
    for name in ("mina", "nobody"):
        browser = provider.browser("10.0.0.1" if name == "mina" else "10.0.0.2")
        page = await open_sign_in(browser, app)
        with watched(provider, monkeypatch) as steps:
            assert (await send(browser, page, name, "wrong")).status_code == 422
        taken[name] = steps
    assert taken["mina"] == taken["nobody"]
    assert taken["nobody"].count("argon2id") == 1
    assert len(taken["nobody"]) > 4


async def test_a_script_gets_the_faults_for_its_dialog_and_the_way_on(provider: Provider, app: App) -> None:
    await person(provider)
    browser = provider.browser()
    page = await open_sign_in(browser, app)
    said: list[dict[str, Any]] = []
    for name in ("mina", "nobody"):
        answer = await send(browser, page, name, "wrong")
        assert answer.status_code == 422
        assert answer.headers["cache-control"] == "no-store"
        said.append(answer.json())
    for document in said:
        reference = document.pop("reference")
        assert document.pop("help_at") == f"/help/MJ-SIGNIN-001?ref={reference}"
        assert document.pop("support_mail").startswith("mailto:support@munjigi.localhost?subject=%5B")
    assert said[0] == said[1]
    assert said[0] == {
        "faults": [["password", "This name and password do not go together. Check both, then try again."]],
        "code": "MJ-SIGNIN-001",
        "help": False,
        "ways": False,
        "wait": 0,
    }
    third = (await send(browser, page, "mina", "wrong")).json()
    assert third["help"]
    assert third["reference"] in third["support_mail"].replace("%5B", "").replace("%5D", "")
    missing = (await send(browser, page, "", "")).json()
    assert [field for field, _ in missing["faults"]] == ["identifier", "password"]
    right = await send(browser, page, "mina", PASSWORD)
    assert right.status_code == 200
    assert right.json()["go"].startswith("/authorize/continue?hop=")
    await browser.follow(await browser.get(right.json()["go"]))
    assert browser.query()["code"]


async def test_a_wait_is_told_in_words_and_as_a_header(provider: Provider, app: App) -> None:
    browser = provider.browser()
    page = await open_sign_in(browser, app)
    for _ in range(5):
        assert (await send(browser, page, "mina", "wrong")).status_code == 422
    held = await send(browser, page, "mina", "wrong")
    assert held.status_code == 429
    assert held.json()["wait"] == int(held.headers["retry-after"])
    assert "Meanwhile a passkey, or a link by e-mail, still works." in held.json()["faults"][0][1]


async def test_a_new_page_does_not_begin_to_count_anew(provider: Provider, app: App) -> None:
    """What the client says of its failures is not asked for: the throttle knows."""
    browser = provider.browser()
    told = []
    for name in ("one", "another", "a third"):
        page = await open_sign_in(browser, app)
        assert 'name="failures"' not in page.text
        told.append((await send(browser, page, name, "wrong")).json()["help"])
    assert told == [False, False, True], "of a browser, whatever name it tries"
    told = []
    for _ in range(3):
        fresh = provider.browser("10.0.0.8")
        page = await open_sign_in(fresh, app)
        told.append((await send(fresh, page, "mina", "wrong")).json()["help"])
    assert told == [False, False, True], "of a name from here, whatever browser tries it"


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"login": "mina", "password": "wrong"}, "MJ-SIGNIN-001"),
        ({"login": "", "password": ""}, "MJ-SIGNIN-001"),
        ({"quick": "yes", "password": "x"}, "MJ-SIGNIN-010"),
    ],
)
async def test_every_failure_shows_its_code_the_way_to_help_and_whom_to_ask(
    provider: Provider, app: App, form: dict[str, str], code: str
) -> None:
    browser = provider.browser()
    page = await open_sign_in(browser, app)
    assert "MJ-SIGNIN" not in page.text
    failed = await browser.post("/sign-in", {"hop": hidden(page), **form})
    reference = failed.headers["munjigi-correlation-id"]
    assert failed.status_code == help_entries()[code].status
    assert f'<a href="/help/{code}?ref={reference}">' in failed.text
    assert f"subject=%5B{reference}%5D" in failed.text
    in_place = (await browser.post("/sign-in", {"hop": hidden(page), **form}, **IN_PLACE)).json()
    assert in_place["code"] == code
    assert (await browser.get(in_place["help_at"])).status_code == 200


async def test_a_passkey_opens_no_locked_account(provider: Provider, app: App, database: object) -> None:
    user = await person(provider)
    authenticator = SoftAuthenticator()
    parts = provider.parts
    party = RelyingParty.of_issuer(parts.issuer, "Munjigi")
    browser = provider.browser()
    page = await open_sign_in(browser, app)
    async with parts.database.begin() as tx:
        ceremonies = PasskeyCeremonies(party, factors, parts.entropy)
        asked = await ceremonies.offer(
            tx, user_id=user, login_name="mina", display_name="Mina", bound_to="test", now=parts.clock.now()
        )
        made = authenticator.create(asked)
        await ceremonies.register(tx, made, user_id=user, label="key", bound_to="test", now=parts.clock.now())
        await directory.lock(tx, user, "administrator", parts.clock.now())
    options = json.loads(html.unescape(re.search(r"data-options='([^']*)'", page.text)[1]))  # type: ignore[index]
    form = {"hop": hidden(page), "answer": authenticator.get(options)}
    refused = await browser.post("/sign-in/passkey", form, **IN_PLACE)
    assert refused.status_code == 422
    assert refused.json()["code"] == "MJ-SIGNIN-009"
    assert "This account is locked" in refused.text
    assert await kinds(provider, database) == ["sign_in_failed"]


async def test_help_in_detail_names_the_ways_and_whom_to_ask(provider: Provider, app: App) -> None:
    browser = provider.browser()
    page = await open_sign_in(browser, app)
    for _ in range(3):
        page = await submit(browser, page, password="wrong")
    help_in_detail = page.text.split("data-help-in-detail>")[1].split("</section>")[0]
    reference = page.headers["munjigi-correlation-id"]
    assert f'href="mailto:support@munjigi.localhost?subject=%5B{reference}%5D"' in help_in_detail
    assert "/recover?hop=" in help_in_detail
    assert "Check Caps Lock" in help_in_detail
    assert '<details class="stack" open>' in page.text


async def test_only_whoever_knows_the_password_learns_that_the_account_is_locked(
    provider: Provider, app: App, database: object
) -> None:
    user = await person(provider)
    async with provider.parts.database.begin() as tx:
        await directory.lock(tx, user, "administrator", provider.parts.clock.now())
    browser = provider.browser()
    page = await open_sign_in(browser, app)
    assert "do not go together" in (await send(browser, page, "mina", "wrong")).text
    assert "This account is locked" in (await send(browser, page, "mina", PASSWORD)).text
    assert await kinds(provider, database) == ["sign_in_failed", "sign_in_failed"]


async def test_the_page_says_where_it_leads_and_what_else_can_be_done(provider: Provider, app: App) -> None:
    browser = provider.browser()
    page = await open_sign_in(browser, app)
    assert "After this you go on to the app." in page.text
    assert page.text.count('class="primary block"') == 1
    assert "<dialog" in page.text
    assert 'name="remember" value="yes"' in page.text

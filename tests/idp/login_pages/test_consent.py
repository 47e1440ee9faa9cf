"""The consent page: asked once by apps of others, answered once, and taken back in the account."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import delete, update

from config.connections import Database
from config.sections.engines import Role
from idp.clients.metadata import ClientMetadata
from idp.directory.account import Organisation
from idp.storage import clients, directory
from idp.storage.protocol_tables import client, consent
from tests.idp.browser import Browser
from tests.idp.login_pages.test_sign_in import hidden, kinds, person, submit
from tests.idp.people import BEGUN
from tests.idp.provider import App, Provider

OpenDatabase = Callable[[Role], Database]
CONSENT = "/consent"
OTHER = UUID("00000000-0000-4000-8000-0000000000bb")


@pytest.fixture
async def app(provider: Provider) -> App:
    return await provider.register(
        metadata=ClientMetadata(consent_required=True, policy_uri="https://app.example/privacy")
    )


async def asked(provider: Provider, browser: Browser, app: App, **request: str) -> httpx2.Response:
    """The page that a person comes to who signs in at the app, or is signed in."""
    page = await browser.follow(await browser.get(app.request(**request)))
    return await submit(browser, page) if browser.address.startswith(browser.origin + "/sign-in") else page


def at_consent(browser: Browser) -> bool:
    return browser.address.startswith(browser.origin + CONSENT)


async def answer(browser: Browser, page: httpx2.Response, choice: str) -> None:
    await browser.follow(await browser.post(CONSENT, {"hop": hidden(page), "choice": choice}))


async def test_it_asks_in_words_and_only_then_is_there_a_code(
    provider: Provider, app: App, database: OpenDatabase
) -> None:
    await person(provider)
    browser = provider.browser("10.0.0.1")
    page = await asked(provider, browser, app, scope="openid email")
    assert at_consent(browser)
    assert "Let the app have your data?" in page.text
    assert "your mail address" in page.text
    assert "your name, login name, language and time zone" not in page.text
    assert "https://app.example/privacy" in page.text

    await answer(browser, page, "allow")
    tokens = (await provider.redeem(app, browser.query()["code"])).json()
    assert tokens["scope"] == "openid email"
    assert (await kinds(provider, database))[-3:] == ["consent_granted", "code_issued", "token_issued"]


async def test_what_nobody_has_words_for_is_told_by_its_name(provider: Provider, app: App) -> None:
    await person(provider)
    async with provider.parts.database.begin() as tx:
        client = await clients.find(tx, app.client_id)
        assert client is not None
        await clients.put(tx, replace(client, scopes=(*client.scopes, "orders.<read>")), BEGUN)
    provider.parts.clients.on_reset()
    browser = provider.browser("10.0.0.1")
    page = await asked(provider, browser, app, scope="orders.<read> openid")
    assert "what the app calls “orders.&lt;read&gt;”" in page.text
    await answer(browser, page, "allow")
    assert (await provider.redeem(app, browser.query()["code"])).json()["scope"] == "orders.<read> openid"


async def test_it_is_asked_once_and_again_only_for_more(provider: Provider, app: App) -> None:
    await person(provider)
    browser = provider.browser("10.0.0.1")
    await answer(browser, await asked(provider, browser, app, scope="openid email"), "allow")

    await asked(provider, browser, app, scope="openid email")
    assert "code" in browser.query()
    page = await asked(provider, browser, app, scope="openid email profile")
    assert page.text.index("your name, login name, language and time zone") < page.text.index("You allowed before")
    assert page.text.index("You allowed before") < page.text.index("your mail address")
    await answer(browser, page, "allow")
    await asked(provider, browser, app, scope="openid profile")
    assert "code" in browser.query()


@pytest.mark.parametrize("member", ["id_token", "userinfo"])
async def test_a_claim_that_is_asked_for_by_name_is_asked_of_the_person_like_its_scope(
    provider: Provider, app: App, member: str
) -> None:
    await person(provider)
    browser = provider.browser("10.0.0.1")
    await answer(browser, await asked(provider, browser, app, scope="openid"), "allow")

    named = json.dumps({member: {"email": None}})
    page = await asked(provider, browser, app, scope="openid", claims=named)
    assert at_consent(browser)
    assert "your mail address" in page.text
    assert "your name, login name, language and time zone" not in page.text
    await answer(browser, page, "allow")
    assert "code" in browser.query()
    await asked(provider, browser, app, scope="openid", claims=named)
    assert "code" in browser.query()


async def test_whoever_refuses_gives_nothing_and_stays_signed_in(
    provider: Provider, app: App, database: OpenDatabase
) -> None:
    await person(provider)
    browser = provider.browser("10.0.0.1")
    await answer(browser, await asked(provider, browser, app), "refuse")
    assert browser.query()["error"] == "access_denied"
    assert "did not allow it" in browser.query()["error_description"]
    assert "__Host-munjigi-session" in browser.cookies
    assert (await kinds(provider, database))[-1] == "consent_refused"
    page = await asked(provider, browser, app)
    assert "Let the app have your data?" in page.text
    assert at_consent(browser)


async def test_a_silent_request_is_told_that_the_person_must_be_asked(provider: Provider, app: App) -> None:
    await person(provider)
    browser = provider.browser("10.0.0.1")
    await asked(provider, browser, app)
    await browser.follow(await browser.get(app.request(prompt="none")))
    assert browser.query()["error"] == "consent_required"


async def test_the_houses_own_app_asks_only_where_the_request_says_so(provider: Provider) -> None:
    own = await provider.register("own")
    await person(provider)
    browser = provider.browser("10.0.0.1")
    await asked(provider, browser, own)
    assert "code" in browser.query()
    page = await asked(provider, browser, own, prompt="consent")
    assert at_consent(browser)
    await answer(browser, page, "allow")
    assert "code" in browser.query()


async def test_an_organisation_s_app_asks_people_of_others(provider: Provider, app: App) -> None:
    """Whoever administers one organisation decides nothing about the data of another's people."""
    own, user = await provider.register("theirs"), await person(provider)
    other = Organisation(id=OTHER, name="Other", time_zone="Asia/Seoul", duplicate_login=None)
    async with provider.parts.database.begin() as tx:
        await directory.put_organisation(tx, other, BEGUN)
        await tx.execute(update(client).where(client.c.client_id == "theirs").values(organisation_id=OTHER))
    browser = provider.browser("10.0.0.1")
    await answer(browser, await asked(provider, browser, app), "allow")
    await browser.follow(await browser.get(own.request(prompt="none")))
    assert browser.query()["error"] == "consent_required"
    page = await asked(provider, browser, own)
    assert at_consent(browser)
    await answer(browser, page, "allow")
    await browser.follow(await browser.get(own.request(prompt="none")))
    assert "code" in browser.query()

    async with provider.parts.database.begin() as tx:
        await tx.execute(delete(consent))
        await directory.put_membership(tx, user, OTHER, ("customer",), BEGUN)
    await browser.follow(await browser.get(own.request(prompt="none")))
    assert "code" in browser.query(), "its own people are not asked"


async def test_an_answer_counts_once_and_from_its_own_page(provider: Provider, app: App) -> None:
    await person(provider)
    browser = provider.browser("10.0.0.1")
    page = await asked(provider, browser, app)
    form = {"hop": hidden(page), "choice": "allow"}
    foreign = await browser.post(CONSENT, form, **{"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403
    await browser.follow(await browser.post(CONSENT, {**form, "choice": "whatever"}))
    assert at_consent(browser)
    await browser.follow(await browser.post(CONSENT, form))
    assert "code" in browser.query()
    assert (await browser.post(CONSENT, form)).status_code == 400


async def test_what_was_allowed_is_taken_back_in_the_account(
    provider: Provider, app: App, database: OpenDatabase
) -> None:
    await person(provider)
    browser = provider.browser("10.0.0.1")
    await answer(browser, await asked(provider, browser, app), "allow")
    shown = await browser.get("/account/apps")
    assert "내가 허락함" in shown.text

    question = await browser.get("/account/apps/disconnect?id=app")
    done = await browser.follow(await browser.post("/account/apps/disconnect", {"hop": hidden(question), "id": "app"}))
    assert "연결을 끊었어요." in done.text
    assert "내가 허락함" not in done.text
    assert (await kinds(provider, database))[-1] == "consent_withdrawn"
    await asked(provider, browser, app)
    assert at_consent(browser)

"""The body of `docs/how-to/sign-in-with-your-own-provider.md` is taken by the API, and people sign in by it."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from idp.directory.account import ClientHome
from idp.endpoints.upstream.failed import STATUS
from idp.storage import directory
from tests.docs.test_examples import PROJECT, blocks
from tests.idp.administration.conftest import House, house
from tests.idp.conftest import provider
from tests.idp.federation.conftest import button, upstream
from tests.idp.federation.upstream import Upstream
from tests.idp.login_pages.test_sign_in import open_sign_in
from tests.idp.people import HOUSE
from tests.idp.provider import CALLBACK, Provider

__all__ = ["house", "provider", "upstream"]

PAGE = PROJECT / "docs" / "how-to" / "sign-in-with-your-own-provider.md"


async def test_people_of_the_organisation_sign_in_with_their_own_accounts(
    house: House, provider: Provider, upstream: Upstream
) -> None:
    [(_, body)] = blocks(PAGE, "json")
    asked: dict[str, Any] = msgspec.json.decode(body)
    upstream.client, upstream.secret = asked["client_id"], asked["client_secret"]
    made = await house("POST", f"/organisations/{HOUSE}/providers", {**asked, "issuer": upstream.issuer})
    assert made.status_code == 200, made.text
    app = await provider.register()
    async with provider.parts.database.begin() as tx:
        await directory.put_client_home(tx, app.client_id, ClientHome(organisation_id=HOUSE))
    browser = provider.browser()
    page = await open_sign_in(browser, app, ui_locales="en")
    assert "Sign in with Acme" in page.text
    sent = await browser.get(button(page, made.json()["id"]))
    upstream.claims |= {"amr": ["mfa"]}
    back = upstream.answer(sent.headers["location"])
    assert back.startswith(f"{made.json()['callback']}?")
    await browser.follow(await browser.get(back))
    assert browser.address.startswith(CALLBACK), browser.address
    [session] = await house.rows("SELECT amr FROM idp.session WHERE user_id <> :mina", mina=house.mina.id)
    assert session.amr == ["fed", "mfa"]


def test_every_code_of_a_failure_is_told() -> None:
    named = set(re.findall(r"`(MJ-SIGNIN-06\d)`", PAGE.read_text(encoding="utf-8")))
    assert named == {code for code in STATUS if code.startswith("MJ-SIGNIN-06")}

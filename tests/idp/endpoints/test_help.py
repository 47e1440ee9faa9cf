"""The help pages of the identity provider, and whom they send people to."""

from __future__ import annotations

from idp.directory.account import Face, Support
from idp.storage import directory
from tests.idp.people import HOUSE
from tests.idp.provider import Provider


async def test_a_stranger_asks_the_house(provider: Provider) -> None:
    page = await provider.browser().get("/help/MJ-SIGNIN-002?ref=abcdefgh1234", **{"Accept-Language": "ko"})
    assert page.status_code == 200
    assert "여러 번 해도 로그인이 안 되나요?" in page.text
    assert f"mailto:{provider.parts.settings.support.email}?" in page.text
    assert "abcdefgh1234" in page.text


async def test_who_is_signed_in_asks_their_organisation(provider: Provider) -> None:
    app, user = await provider.register(), await provider.person()
    support = Support(name="달빛 창구", email="desk@dalbit.example", phone="", url="")
    async with provider.parts.database.begin() as tx:
        await directory.put_face(tx, Face(organisation_id=HOUSE, look=None, support=support))
    browser = provider.browser()
    await provider.sign_in(browser, app, user)
    page = await browser.get("/help/MJ-IDP-102")
    assert "mailto:desk@dalbit.example?" in page.text
    assert "달빛 창구" in page.text


async def test_a_page_that_is_not_there_leads_to_its_help(provider: Provider) -> None:
    browser = provider.browser()
    page = await browser.get("/nowhere", Accept="text/html")
    assert page.status_code == 404
    assert "/help/MJ-IDP-003?ref=" in page.text
    problem = (await browser.get("/nowhere", Accept="application/json")).json()
    assert problem["type"] == f"{provider.parts.issuer}/help/MJ-IDP-003"
    assert (await browser.get(problem["type"].removeprefix(provider.parts.issuer))).status_code == 200

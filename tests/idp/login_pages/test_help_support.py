"""Help names the organisation of the app that sent somebody to sign in, before anybody is signed in."""

from __future__ import annotations

from idp.directory.account import ClientHome, Face, Support
from idp.storage import directory
from tests.idp.login_pages.test_sign_in import app, open_sign_in, person
from tests.idp.people import HOUSE
from tests.idp.provider import App, Provider

__all__ = ["app"]


async def test_the_organisation_of_the_login_in_progress_is_asked(provider: Provider, app: App) -> None:
    await person(provider)
    async with provider.parts.database.begin() as tx:
        support = Support(name="Blue desk", email="blue@house.example", phone="", url="")
        await directory.put_face(tx, Face(organisation_id=HOUSE, look=None, support=support))
        await directory.put_client_home(tx, app.client_id, ClientHome(organisation_id=HOUSE, starts=()))
    browser = provider.browser()
    assert "blue@house.example" not in (await browser.get("/help/MJ-SIGNIN-001")).text
    await open_sign_in(browser, app)
    assert "blue@house.example" in (await browser.get("/help/MJ-SIGNIN-001")).text
    assert "blue@house.example" not in (await provider.browser().get("/help/MJ-SIGNIN-001")).text

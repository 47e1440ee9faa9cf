"""The look of `docs/how-to/theme-an-organisation.md` is taken by the API, and worn by the sign-in of the app."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from idp.directory.account import ClientHome
from idp.storage import directory
from pages.look import Look
from tests.docs.test_examples import PROJECT, blocks
from tests.idp.administration.conftest import House, house
from tests.idp.conftest import provider
from tests.idp.login_pages.test_sign_in import app, open_sign_in, submit
from tests.idp.people import HOUSE
from tests.idp.provider import App, Provider

__all__ = ["app", "house", "provider"]

PAGE = PROJECT / "docs" / "how-to" / "theme-an-organisation.md"


async def asked(house: House) -> dict[str, Any]:
    """The page's body, with the version that was read."""
    [(_, body)] = blocks(PAGE, "json")
    version = (await house.got(f"/organisations/{HOUSE}"))["version"]
    return {**msgspec.json.decode(body), "version": version}


async def test_the_sign_in_wears_it_after_its_event(house: House, provider: Provider, app: App) -> None:
    async with provider.parts.database.begin() as tx:
        await directory.put_client_home(tx, app.client_id, ClientHome(organisation_id=HOUSE))
    body = await asked(house)
    look = body["look"]
    css = Look(name=look["name"], accent=look["accent"]).css()
    assert css not in (await open_sign_in(provider.browser(), app)).text

    changed = await house("PUT", f"/organisations/{HOUSE}", body)
    assert changed.status_code == 200, changed.text
    assert {name: changed.json()[name] for name in ("duplicate_login", "new_device_factor", "look", "support")} == {
        name: body[name] for name in ("duplicate_login", "new_device_factor", "look", "support")
    }
    for event in await house.rows("SELECT topic, payload FROM events.outbox WHERE topic = 'organisation'"):
        provider.parts.faces.on_event(event.topic, event.payload)

    for locale in ("ko", "en"):
        browser = provider.browser()
        page = await open_sign_in(browser, app, ui_locales=locale)
        for said in (css, f'src="{look["logo"]}"', f"· {look['name'][locale]}</title>", look["welcome"][locale]):
            assert said in page.text
    for _ in range(3):
        page = await submit(browser, page, password="wrong")
    for said in (body["support"]["name"], f"mailto:{body['support']['email']}", body["support"]["phone"]):
        assert said in page.text


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("accent", {"accent": {"light": "#ffd400", "dark": "#b9a8ff"}}),
        ("accent", {"accent": {"light": "#5b3fd1", "dark": "#3a2a80"}}),
        ("logo", {"logo": "data:image/svg+xml;base64,PHN2Zz48c2NyaXB0Lz48L3N2Zz4="}),
        ("logo", {"logo": "https://elsewhere.example/logo.png"}),
        ("name", {"name": {"ko": "달빛상점"}}),
        ("welcome", {"welcome": {"ko": "어서\n오세요.", "en": "Good to see you."}}),
        ("welcome", {"welcome": {"ko": "어서 오세요.", "en": "Good to see you. " * 20}}),
    ],
)
async def test_what_is_refused_names_its_field_and_changes_nothing(
    house: House, field: str, wrong: dict[str, object]
) -> None:
    body = await asked(house)
    refused = await house("PUT", f"/organisations/{HOUSE}", {**body, "look": body["look"] | wrong})
    assert (refused.status_code, refused.json()["code"]) == (422, "MJ-IDENTITY-013")
    assert refused.json()["detail"].startswith(f"{field}: ")
    now = await house.got(f"/organisations/{HOUSE}")
    assert (now["version"], now["look"]) == (body["version"], None)

"""How an organisation's sign-in looks and whom its people ask: by its client, cached until an event."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import event

from idp.directory.account import ClientHome, Face, Support
from idp.storage import directory
from pages.look import checked_look
from tests.idp.login_pages.test_sign_in import app, open_sign_in, submit
from tests.idp.people import HOUSE, add_person
from tests.idp.provider import App, Provider

__all__ = ["app"]

LOOK = checked_look(
    name={"ko": "달빛상점", "en": "Dalbit"},
    accent={"light": "#5b3fd1", "dark": "#b9a8ff"},
    welcome={"ko": "어서 오세요.", "en": "Good to see you."},
)
SUPPORT = Support(name="Dalbit Care", email="care@dalbit.example", phone="02 000 0000")


async def dress(provider: Provider, app: App) -> None:
    async with provider.parts.database.begin() as tx:
        await add_person(tx)
        assert await directory.put_face(tx, Face(organisation_id=HOUSE, look=LOOK, support=SUPPORT))
        await directory.put_client_home(tx, app.client_id, ClientHome(organisation_id=HOUSE))


async def test_the_sign_in_looks_like_the_organisation_of_its_app(provider: Provider, app: App) -> None:
    await dress(provider, app)
    other = await provider.register("other")
    browser = provider.browser()
    page = await open_sign_in(browser, app)
    assert LOOK.css() in page.text
    assert "Good to see you." in page.text
    assert "<title>Sign in · Dalbit</title>" in page.text
    for _ in range(3):
        page = await submit(browser, page, password="wrong")
    assert "mailto:care@dalbit.example?subject=" in page.text
    assert 'href="tel:020000000"' in page.text
    assert LOOK.css() not in (await open_sign_in(provider.browser(), other)).text


async def test_pages_of_problems_and_of_help_look_like_the_app_one_comes_from(provider: Provider, app: App) -> None:
    await dress(provider, app)
    browser = provider.browser()
    before = (await browser.get("/nowhere")).text
    assert "Dalbit" not in before
    assert LOOK.css() not in before
    await open_sign_in(browser, app)
    for address in ("/nowhere", "/help", "/help/MJ-IDP-003"):
        page = await browser.get(address)
        assert LOOK.css() in page.text
        assert "· Dalbit</title>" in page.text
    assert LOOK.css() not in (await provider.browser().get("/help")).text


async def test_a_page_of_a_problem_comes_without_the_store(provider: Provider, app: App, monkeypatch) -> None:
    await dress(provider, app)
    browser = provider.browser()
    await open_sign_in(browser, app)

    async def away(*_: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(type(provider.parts.arrivals), "own", away)
    page = await browser.get("/nowhere")
    assert page.status_code == 404
    assert "MJ-IDP-003" in page.text
    assert LOOK.css() not in page.text


async def test_what_changed_is_seen_after_its_event(provider: Provider, app: App) -> None:
    await dress(provider, app)
    browser = provider.browser()
    assert LOOK.css() in (await open_sign_in(browser, app)).text
    async with provider.parts.database.begin() as tx:
        await directory.put_face(tx, Face(organisation_id=HOUSE, look=None, support=None))
    assert LOOK.css() in (await open_sign_in(browser, app)).text, "from memory"
    provider.parts.faces.on_event("organisation", {"organisation_id": str(HOUSE)})
    assert LOOK.css() not in (await open_sign_in(browser, app)).text


async def test_a_face_costs_no_query_once_it_is_known(provider: Provider, app: App) -> None:
    await dress(provider, app)
    await provider.parts.faces.of_client(app.client_id)
    asked: list[str] = []

    def on_statement(_c: object, _u: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    engine = provider.parts.database.sync_engine
    listener: Callable[..., None] = on_statement
    event.listen(engine, "before_cursor_execute", listener)
    face = await provider.parts.faces.of_client(app.client_id)
    event.remove(engine, "before_cursor_execute", listener)
    assert face is not None
    assert face.support == SUPPORT
    assert asked == []


async def test_no_such_organisation(provider: Provider) -> None:
    async with provider.parts.database.begin() as tx:
        assert await directory.face(tx, HOUSE) is None
        assert not await directory.put_face(tx, Face(organisation_id=HOUSE, look=LOOK, support=None))
        assert await directory.client_home(tx, "nobody") is None

"""Stale and doubled pages of a login: the person gets on, and nobody goes round in circles."""

from __future__ import annotations

import html
import re

import pytest

from idp.clients.metadata import ClientMetadata
from idp.directory.account import ClientHome
from idp.storage import directory
from tests.clock import FakeClock
from tests.idp.login_pages.test_sign_in import app, hidden, open_sign_in, person, submit
from tests.idp.provider import CALLBACK, App, Provider

__all__ = ["app"]

START = "https://app.example/sign-in"
AGAIN = f"{START}?state=a+state"
"""With what the app knows the sign-in by, so that it leads to the page where that was to lead."""
FORM = {"failures": "0", "login": "mina", "password": "a horse, a staple and some mist"}


@pytest.fixture
async def starting_app(provider: Provider, app: App) -> App:
    async with provider.parts.database.begin() as tx:
        starts = ("https://other.example/begin", START)
        await directory.put_client_home(tx, app.client_id, ClientHome(organisation_id=None, starts=starts))
    return app


async def test_back_after_signing_in_begins_again(provider: Provider, starting_app: App) -> None:
    await person(provider)
    browser = provider.browser()
    page = await open_sign_in(browser, starting_app)
    address = browser.address
    await submit(browser, page)
    assert browser.address.startswith(CALLBACK)
    again = await browser.get(address)
    assert (again.status_code, again.headers["location"]) == (303, AGAIN), "the start at the origin that it came from"


@pytest.mark.parametrize(
    ("registered", "begins"),
    [
        (
            "https://app.example/begin?x=1",
            "https://app.example/begin?x=1&iss=http%3A%2F%2Flocalhost%3A9000&state=a+state",
        ),
        ("https://elsewhere.example/begin", None),
    ],
)
async def test_core_4_it_begins_again_where_the_client_registered_that_it_may_be_asked_to(
    provider: Provider, registered: str, begins: str | None
) -> None:
    await person(provider)
    app = await provider.register(metadata=ClientMetadata(initiate_login_uri=registered))
    browser = provider.browser()
    page = await open_sign_in(browser, app)
    address = browser.address
    await submit(browser, page)
    again = await browser.get(address)
    assert again.headers.get("location") == begins
    if begins is None:
        assert "elsewhere.example" not in again.text, "nobody is led to a host where the client is not answered"


async def test_a_page_that_was_left_open_begins_again(provider: Provider, starting_app: App, clock: FakeClock) -> None:
    await person(provider)
    browser = provider.browser()
    page = await open_sign_in(browser, starting_app)
    address = browser.address
    clock.advance(3600)
    assert (await browser.get(address)).headers["location"] == AGAIN
    posted = await browser.post(f"/sign-in?{address.split('?')[1]}", {"hop": hidden(page), **FORM})
    assert (posted.status_code, posted.headers["location"]) == (303, AGAIN)


async def test_a_form_that_is_sent_twice_begins_again_instead_of_failing(provider: Provider, starting_app: App) -> None:
    await person(provider)
    browser = provider.browser()
    page = await open_sign_in(browser, starting_app)
    query = browser.address.split("?")[1]
    await submit(browser, page)
    for headers in ({}, {"Accept": "application/json"}):
        again = await browser.post(f"/sign-in?{query}", {"hop": hidden(page), **FORM}, **headers)
        assert AGAIN in (again.headers.get("location"), again.text and again.json().get("go") if headers else None)


async def test_a_form_says_as_much_as_the_page_it_is_on(
    provider: Provider, starting_app: App, clock: FakeClock
) -> None:
    """Whoever sends a form late is led as whoever reloads its page: at the same origin, with the same state."""
    await person(provider)
    browser = provider.browser()
    page = await open_sign_in(browser, starting_app)
    action = html.unescape(re.findall(r'action="(/sign-in\?[^"]+)"', page.text)[0])
    clock.advance(3600)
    posted = await browser.post(action, {"hop": hidden(page), **FORM})
    assert (posted.status_code, posted.headers["location"]) == (303, AGAIN)


async def test_a_state_that_is_too_long_is_left_out(provider: Provider, starting_app: App, clock: FakeClock) -> None:
    browser = provider.browser()
    begun = await browser.get(starting_app.request(state="x" * 513))
    clock.advance(3600)
    assert (await browser.get(begun.headers["location"])).headers["location"] == START


async def test_the_dispatcher_begins_again_too(provider: Provider, starting_app: App, clock: FakeClock) -> None:
    browser = provider.browser()
    begun = await browser.get(starting_app.request())
    clock.advance(3600)
    assert (await browser.get(begun.headers["location"])).headers["location"] == AGAIN


async def test_without_any_login_cookie_one_button_leads_on(provider: Provider, starting_app: App) -> None:
    """A browser that keeps no cookies would otherwise be sent round and round."""
    browser = provider.browser()
    await open_sign_in(browser, starting_app)
    address = browser.address
    browser.cookies.clear()
    page = await browser.get(address)
    assert page.status_code == 400
    assert "This sign-in page is out of date" in page.text
    assert f'href="{AGAIN}"' in page.text
    assert page.text.count("button primary") == 1


async def test_an_app_that_named_no_start_is_reached_at_its_root(provider: Provider, app: App) -> None:
    browser = provider.browser()
    await open_sign_in(browser, app)
    page = await browser.get(f"/sign-in?hop=gone&client={app.client_id}")
    assert 'href="https://app.example/"' in page.text


@pytest.mark.parametrize("query", ["hop=gone", "hop=gone&client=nobody", "hop=gone&client=app&at=https://evil.example"])
async def test_nobody_is_led_where_no_app_is(provider: Provider, starting_app: App, query: str) -> None:
    browser = provider.browser()
    await open_sign_in(browser, starting_app)
    answer = await browser.get(f"/sign-in?{query}")
    if "client=app" in query:
        assert answer.headers["location"] == "https://other.example/begin", "only what is registered"
    else:
        assert answer.status_code == 400
        assert "MJ-IDP-001" in answer.text


async def test_two_tabs_do_not_break_each_other(provider: Provider, starting_app: App) -> None:
    await person(provider)
    browser = provider.browser()
    first = await open_sign_in(browser, starting_app, state="first")
    second = await open_sign_in(browser, starting_app, state="second")
    await submit(browser, first)
    assert browser.query()["state"] == "first"
    await submit(browser, second)
    assert browser.query()["state"] == "second"

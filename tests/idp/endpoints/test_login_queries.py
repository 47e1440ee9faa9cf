"""What a login costs in statements (A7): a ceiling that nobody raises without a word, and its metric."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import event

from config.query_count import counting
from idp.endpoints.login.query_metrics import STEPS
from tests.clock import FakeClock
from tests.idp.browser import Browser
from tests.idp.login_pages.test_sign_in import app, hidden, open_sign_in, person, sign_in, submit
from tests.idp.provider import CALLBACK, App, Provider

__all__ = ["app"]

SIGN_IN = 25
"""From the authorization request to the code, at a device that is known, with everything cached that can be. It was 35
when nothing was read together, and no history was kept."""
TAKEOVER = 40
"""The same, and another session is taken over on the way. It was 59, when nobody was told of it by mail or back-channel
logout."""
JOIN = 7
"""Single sign-on. It was 13."""
TOKEN = 9
"""The token endpoint, for a code. It was 10, and told nobody which clients a session has."""


@dataclass
class Statements:
    number: int = 0


@contextmanager
def watching(provider: Provider) -> Iterator[Statements]:
    """Count at the driver, apart from the product's own count."""
    seen = Statements()
    engine = provider.parts.database.sync_engine

    def count(*_: object) -> None:
        seen.number += 1

    event.listen(engine, "before_cursor_execute", count)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", count)


async def _cost(provider: Provider, *work: Awaitable[object]) -> int:
    with watching(provider) as seen:
        for part in work:
            await part
    return seen.number


async def _end(provider: Provider, user: UUID, clock: FakeClock) -> None:
    async with provider.parts.database.begin() as tx:
        live = await provider.parts.arrivals.live(tx, user, clock.now())
        assert live is not None
        await provider.parts.one_session.end(tx, live.sid, "sign_out", correlation_id="test")


async def _sign_in_again(app: App, browser: Browser) -> None:
    await submit(browser, await open_sign_in(browser, app))


@pytest.fixture
def counted() -> float:
    return _metric("munjigi_login_queries_total")


def _metric(name: str) -> float:
    return sum(sample.value for metric in REGISTRY.collect() for sample in metric.samples if sample.name == name)


async def test_a_login_costs_few_statements(provider: Provider, app: App, clock: FakeClock, counted: float) -> None:
    user = await person(provider)
    with watching(provider) as first:
        browser = await sign_in(provider, app)
    assert _metric("munjigi_login_queries_total") - counted == first.number
    assert await _cost(provider, provider.redeem(app, browser.query()["code"])) <= TOKEN
    await _end(provider, user, clock)
    await _sign_in_again(app, browser)  # from now on the device is known, which subscribers may be told of
    await _end(provider, user, clock)
    assert await _cost(provider, _sign_in_again(app, browser)) <= SIGN_IN
    assert browser.address.startswith(CALLBACK)


async def test_a_takeover_costs_few_statements(provider: Provider, app: App, clock: FakeClock) -> None:
    user = await person(provider)
    browser = await sign_in(provider, app)
    await _end(provider, user, clock)
    await _sign_in_again(app, browser)
    await provider.redeem(app, browser.query()["code"])
    browser.cookies.pop("__Host-munjigi-session")

    async def take_over() -> None:
        page = await submit(browser, await open_sign_in(browser, app))
        form = {"hop": hidden(page), "session": hidden(page, "session"), "choice": "take_over"}
        await browser.follow(await browser.post("/takeover", form))

    assert await _cost(provider, take_over()) <= TAKEOVER
    assert browser.address.startswith(CALLBACK)


async def test_single_sign_on_costs_fewer(provider: Provider, app: App) -> None:
    await person(provider)
    browser = await sign_in(provider, app)

    async def join() -> None:
        await browser.follow(await browser.get(app.request()))

    assert await _cost(provider, join()) <= JOIN
    assert browser.address.startswith(CALLBACK)


async def test_every_login_that_is_over_is_counted_once(provider: Provider, app: App) -> None:
    await person(provider)
    before = _metric("munjigi_logins_total")
    browser = await sign_in(provider, app)
    assert _metric("munjigi_logins_total") == before + 1
    await open_sign_in(browser, app, prompt="login")
    assert _metric("munjigi_logins_total") == before + 1


async def test_a_count_is_of_one_piece_of_work(provider: Provider, app: App) -> None:
    await person(provider)
    browser = provider.browser()
    with counting() as outer:
        await open_sign_in(browser, app)  # the request counts by itself
    assert outer.statements == 0
    assert set(STEPS.values()) == {"authorize", "dispatcher", "sign_in", "factor", "takeover"}

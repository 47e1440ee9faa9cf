"""A sign-in that is not like the person's others asks for a second factor, and stands in the history with its risk."""

from __future__ import annotations

import asyncio
from uuid import UUID

from sqlalchemy import text

from idp.authorization.login_rules import LoginRules
from idp.devices.sign_in_history import SignIn
from idp.devices.sign_in_risk import ENOUGH_SEEN
from idp.risk_worker import catch_up
from idp.storage import login_rules, sign_in_history
from tests.clock import FakeClock
from tests.idp.browser import Browser
from tests.idp.login_pages.test_sign_in import app, open_sign_in, person, sign_in, submit, submit_mailed_code
from tests.idp.people import HOUSE
from tests.idp.provider import CALLBACK, App, Provider

__all__ = ["app"]

AT_HOME = "1.11.0.5"
ABROAD = "200.160.2.3"


async def with_habits(provider: Provider, app: App, clock: FakeClock) -> tuple[UUID, Browser]:
    """Somebody who often came from one place, by one browser, whose session is over."""
    user, parts = await person(provider), provider.parts
    browser = await sign_in(provider, app, address=AT_HOME)
    async with parts.database.begin() as tx:
        await login_rules.put_login_rules(tx, HOUSE, LoginRules(new_device_factor=False))
        (first,) = await sign_in_history.page(tx, user, outcomes=("signed_in",), before=None, limit=1)
        for _ in range(ENOUGH_SEEN):
            clock.advance(3600)
            values = {name: getattr(first.sign_in, name) for name in SignIn.__slots__}
            await sign_in_history.add(
                tx, SignIn(**{**values, "id": parts.entropy.uuid(), "at": clock.now(), "sid": None})
            )
    clock.advance(61)
    assert await catch_up(parts.database, clock, asyncio.Event()) > ENOUGH_SEEN
    return user, browser


async def risks(provider: Provider, user: UUID) -> list[tuple[int | None, tuple[str, ...]]]:
    async with provider.parts.database.connect() as tx:
        told = await sign_in_history.page(tx, user, outcomes=("signed_in",), before=None, limit=1)
    return [(one.sign_in.risk, one.sign_in.risk_of) for one in told]


async def test_as_always_it_asks_for_nothing_more(provider: Provider, app: App, clock: FakeClock) -> None:
    user, browser = await with_habits(provider, app, clock)
    await submit(browser, await open_sign_in(browser, app))
    assert browser.address.startswith(CALLBACK), browser.address
    ((risk, _),) = await risks(provider, user)
    assert risk is not None
    assert risk < 50


async def test_from_abroad_it_asks_for_a_second_factor(provider: Provider, app: App, clock: FakeClock) -> None:
    user, _ = await with_habits(provider, app, clock)
    thief = provider.browser(ABROAD)
    page = await submit(thief, await open_sign_in(thief, app))
    assert "@mail.example" in page.text  # a code was mailed
    await submit_mailed_code(provider, thief, page)
    assert thief.address.startswith(CALLBACK), thief.address
    ((risk, made_of),) = await risks(provider, user)
    assert risk is not None
    assert risk >= 50
    assert any(share.startswith("place ") for share in made_of)


async def test_where_it_was_switched_off_it_only_stands_in_the_history(
    provider: Provider, app: App, clock: FakeClock
) -> None:
    user, _ = await with_habits(provider, app, clock)
    provider.parts.arrivals._factor_from_risk = 101  # as MUNJIGI_SESSION__FACTOR_FROM_RISK=101 does
    thief = provider.browser(ABROAD)
    await submit(thief, await open_sign_in(thief, app))
    assert thief.address.startswith(CALLBACK), thief.address
    ((risk, _),) = await risks(provider, user)
    assert risk is not None
    assert risk >= 50


async def test_what_is_learned_of_all_names_nobody(
    provider: Provider, app: App, clock: FakeClock, database: object
) -> None:
    user, _ = await with_habits(provider, app, clock)
    async with database("owner").connect() as tx:  # type: ignore[operator] - the fixture
        kept = (await tx.execute(text("SELECT population::text FROM idp.sign_in_learning"))).scalar_one()
        (device,) = set((await tx.execute(text("SELECT device_id FROM idp.sign_in_history"))).scalars())
    assert AT_HOME in kept
    assert str(user) not in kept
    assert str(device) not in kept

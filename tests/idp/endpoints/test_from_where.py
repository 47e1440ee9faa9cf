"""Whose address a request bears: the peer's, or behind a trusted balancer the client's; and where that is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from config.connections import Valkey
from config.settings import Settings
from idp.authorization.next_step import Step
from tests.clock import FakeClock
from tests.idp.browser import Browser
from tests.idp.conftest import OpenDatabase
from tests.idp.provider import Provider, running_provider

BALANCER, CLIENT = "10.1.0.1", "203.0.113.7"


@pytest.fixture
async def behind(
    settings: Settings, database: OpenDatabase, valkey: Valkey, clock: FakeClock
) -> AsyncIterator[Provider]:
    """A provider behind balancers in 10.1.0.0/16."""
    idp = settings.idp.model_copy(update={"trusted_proxies": ("10.1.0.0/16",)})
    async with running_provider(settings.model_copy(update={"idp": idp}), database("idp"), valkey, clock) as running:
        yield running


async def _seen(provider: Provider, browser: Browser, user: UUID) -> tuple[str, str]:
    """The address and the place of the session that this browser begins."""
    async with provider.parts.database.connect() as tx:
        live = await provider.parts.arrivals.live(tx, user, provider.parts.clock.now())
    assert live is not None
    return live.visitor.ip, live.visitor.place


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        (BALANCER, CLIENT, CLIENT),
        (BALANCER, f"198.51.100.1, {CLIENT}", CLIENT),  # what stands before it is the client's own word
        (BALANCER, f"{CLIENT}, 10.1.9.9", CLIENT),  # through two balancers
        (BALANCER, "not an address", BALANCER),
        (BALANCER, "::ffff:203.0.113.7", CLIENT),
        ("10.2.0.1", CLIENT, "10.2.0.1"),  # nobody's balancer
    ],
)
async def test_the_rightmost_address_that_no_balancer_owns(
    behind: Provider, peer: str, forwarded: str, address: str
) -> None:
    app, user = await behind.register(), await behind.person()
    browser = behind.browser(peer)
    await browser.follow(await browser.get(app.request()))
    await behind.change(
        browser,
        Step.SIGN_IN,
        lambda login: login.signed_in(user, ("pwd",), behind.parts.clock.now()),
        **{"X-Forwarded-For": forwarded},
    )
    assert "code" in browser.query()
    assert (await _seen(behind, browser, user))[0] == address


async def test_nobody_is_believed_by_default(provider: Provider) -> None:
    app, user = await provider.register(), await provider.person()
    browser = provider.browser(BALANCER)
    await browser.follow(await browser.get(app.request()))
    await provider.change(
        browser,
        Step.SIGN_IN,
        lambda login: login.signed_in(user, ("pwd",), provider.parts.clock.now()),
        **{"X-Forwarded-For": CLIENT},
    )
    assert await _seen(provider, browser, user) == (BALANCER, "local network")

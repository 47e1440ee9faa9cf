"""`docs/how-to/ask-again-after-a-while.md`, through a gateway on real sockets: after a while, before a sensitive act,
and when the risk rises, the next request is asked, and goes on where it was once its person has confirmed."""

from __future__ import annotations

import asyncio
import time
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx2
import msgspec
import pytest
from msgspec.structs import replace
from sqlalchemy import text

import policy.response.worker
from audit import trail
from audit.trail import AuditEvent, Kind
from config.clock import SystemClock
from config.connections import open_database
from config.settings import Settings
from policy.artefact import Band, Policy, Rule, RuleEffect, Zone
from policy.demo import shipped_policy
from tests.docs.test_examples import PROJECT, blocks
from tests.gateway.house import GATEWAY, PROVIDER, RELAY, SHOP, Browser, on_free_ports, people, running, shops
from tests.gateway.outage_house import publish

PAGE = PROJECT / "docs" / "how-to" / "ask-again-after-a-while.md"
SHIPPED_ROUTES = PROJECT / "config" / "shipped" / "routes.toml"
ZONE, ROUTE, BAND, RESPONSES = (source for _, source in blocks(PAGE, "toml"))
PATIENCE = 8.0
"""Seconds, for what is looked at four times a second."""


def of_page() -> Policy:
    """The shipped policy with the zone and the band of the page; whoever buys may be paid out, too. No hour is odd."""
    shipped = shipped_policy()
    zone = msgspec.convert(tomllib.loads(ZONE)["zones"][0], Zone)
    band = msgspec.convert(tomllib.loads(BAND)["bands"][0], Band)
    hour = SystemClock().now().astimezone(ZoneInfo(shipped.organisations["*"].time_zone)).hour
    payouts = Rule("payouts", 205, "customer", "shop", "/payouts/**", RuleEffect.ALLOW)
    return replace(
        shipped,
        zones=(zone, *(one for one in shipped.zones if one.name != zone.name)),
        bands=(*shipped.bands, band),
        rules=(*shipped.rules, payouts),
        organisations={
            name: replace(one, usual_hours=((hour - 2) % 24, (hour + 2) % 24))
            for name, one in shipped.organisations.items()
        },
    )


@pytest.fixture
async def house(settings: Settings, tmp_path: Path) -> AsyncIterator[Settings]:
    there = on_free_ports(settings)
    routes = tmp_path / "routes.toml"
    routes.write_text(f"{SHIPPED_ROUTES.read_text(encoding='utf-8')}\n{ROUTE}", encoding="utf-8")
    responses = tmp_path / "responses.toml"
    responses.write_text(RESPONSES, encoding="utf-8")
    there = there.model_copy(
        update={
            "gateway": there.gateway.model_copy(update={"routes": routes}),
            "policy": there.policy.model_copy(update={"responses": responses}),
        }
    )
    await people(there, ("alice",))
    await publish(there, of_page())
    async with running(there, RELAY, PROVIDER, shops, GATEWAY, policy.response.worker.serve):
        yield there


@pytest.fixture
async def alice(house: Settings) -> AsyncIterator[Browser]:
    browser = Browser(house)
    page = await browser.sign_in(await browser.go(f"{SHOP}/products/7?colour=blue"), "alice")
    assert page.status_code == 200, page.text
    yield browser
    await browser.close()


async def time_passes(browser: Browser, seconds: float) -> httpx2.Response:
    """The person proved who they are so much longer ago, and the gateway has a token that says so."""
    database = open_database(browser.settings, "owner")
    async with database.begin() as tx:
        moved = "UPDATE idp.session SET authenticated_at = authenticated_at - make_interval(secs => :by)"
        await tx.execute(text(moved), {"by": seconds})
    await database.dispose()
    browser.cookies["shop.localhost"].clear()
    return await browser.go(f"{SHOP}/products/7")


async def until(ask: Callable[[], Awaitable[httpx2.Response]], status: int) -> httpx2.Response:
    """The first answer of a status; before it only those that go through, never anything else."""
    deadline = time.monotonic() + PATIENCE
    while (answer := await ask()).status_code != status:
        assert answer.status_code == 200, answer.text
        assert time.monotonic() < deadline, answer.text
        await asyncio.sleep(0.02)
    return answer


def challenged(answer: httpx2.Response) -> str:
    assert answer.status_code == 401
    assert answer.json()["code"] == "MJ-GATEWAY-215"
    return answer.headers["www-authenticate"]


async def test_after_a_while(house: Settings, alice: Browser) -> None:
    assert (await time_passes(alice, 290)).status_code == 200
    await time_passes(alice, 3600)
    told = challenged(await alice.fetch("/products"))
    ((_, shown),) = blocks(PAGE, "http")
    assert f"WWW-Authenticate: {told}\n" in shown
    page = await alice.go(f"{SHOP}/products/8?colour=red")
    assert alice.address.startswith(house.idp.issuer), "a page is led to the sign-in"
    page = await alice.sign_in(page, "alice", step=1)
    assert (page.status_code, alice.address) == (200, f"{SHOP}/products/8?colour=red"), "and back to where it was"
    assert (await alice.fetch("/products")).status_code == 200


async def test_before_a_sensitive_act(alice: Browser) -> None:
    assert (await alice.fetch("/payouts/7", "POST")).status_code == 200, "fresh from the sign-in"
    await time_passes(alice, 310)
    told = challenged(await alice.fetch("/payouts/7", "POST"))
    assert 'max_age="300"' in told
    assert "acr_values" not in told, "two factors were given, only too long ago"
    assert (await alice.fetch("/payouts/7")).status_code == 200, "looking is not sensitive"
    page = await alice.go(f"{SHOP}/payouts/7", "POST", data={"amount": "10"})
    assert page.status_code == 401
    assert 'name="amount" value="10"' in page.text, "the form is kept in the page while its person confirms"
    page = await alice.go(f"{SHOP}/.munjigi/sign-in?return_to=/payouts/7&max_age=298")
    await alice.sign_in(page, "alice", step=1)
    assert alice.address == f"{SHOP}/payouts/7"
    assert (await alice.fetch("/payouts/7", "POST")).status_code == 200


async def test_when_the_risk_rises(house: Settings, alice: Browser) -> None:
    assert (await time_passes(alice, 600)).status_code == 200, "nothing is odd"
    sub = (await alice.fetch("/products")).json()["sub"]
    database = open_database(house, "idp")
    async with database.begin() as tx:
        kind = Kind.PASSKEY_CLONE_SUSPECTED
        await trail.record(tx, AuditEvent(kind=kind, correlation_id="tests", actor=sub, subject=sub, ip="192.0.2.7"))
    await database.dispose()
    told = challenged(await until(lambda: alice.fetch("/products"), 401))
    assert 'max_age="300"' in told, "two factors of ten minutes ago count no more"
    page = await alice.go(f"{SHOP}/products/9")
    assert alice.address.startswith(house.idp.issuer)
    page = await alice.sign_in(page, "alice", step=1)
    assert (page.status_code, alice.address) == (200, f"{SHOP}/products/9")
    assert (await alice.fetch("/products")).status_code == 200, "the risk is still there, and its person confirmed"

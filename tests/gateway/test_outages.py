"""Each engine and service away, alone and together, in the product's own processes: what goes on in each zone, what is
told, and that everything comes back by itself (S4, S7, S9). The rows are `outages.toml`."""

from __future__ import annotations

import asyncio
import html
import re
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import httpx2
import pytest
import websockets
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from pages.help.words import help_entries
from tests.gateway.house import SHOP, USER_AGENT, Browser
from tests.gateway.outage_house import ZONES, OutageHouse, standing_house, standing_origin
from tests.gateway.outage_table import PAGE, Outage, Zone, outages, page

AT_LEAST = 2.0
"""Seconds for which an outage lasts at least before anybody says that something goes on in it."""
PATIENCE = 30.0
ALL_IS_WELL = {zone: {"read": "ok", "write": "ok", "opening": "opens"} for zone in ZONES}


@pytest.fixture(scope="module")
def house() -> Iterator[OutageHouse]:
    with standing_house() as standing:
        yield standing


@pytest.fixture
async def alice(house: OutageHouse) -> AsyncIterator[Visit]:
    async with standing_origin(house.folder):
        visit = Visit(house)
        yield visit
        await visit.leave()


@dataclass
class Visit:
    """A person who is signed in, with a websocket in each zone."""

    house: OutageHouse
    standing: dict[str, ClientConnection] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.browser = Browser(self.house.settings)

    async def sign_in(self) -> None:
        page = await self.browser.go(f"{SHOP}/grace/page")
        page = await self.browser.sign_in(page, next(self.house.people))
        assert page.text == "GET", page.text
        for zone in ZONES:
            self.standing[zone] = await self.websocket(zone)

    async def websocket(self, zone: str) -> ClientConnection:
        return await websockets.unix_connect(
            self.house.settings.gateway.listen.removeprefix("unix:"),
            f"{SHOP.replace('http', 'ws')}/{zone}/live",
            additional_headers={"Cookie": self.browser.cookie(SHOP)},
            origin=websockets.Origin(SHOP),
            user_agent_header=USER_AGENT,
            compression=None,
        )

    async def leave(self) -> None:
        for connection in self.standing.values():
            await connection.close()
        await self.browser.close()

    async def found(self) -> dict[str, dict[str, str]]:
        """What each zone does now."""
        return {
            zone: {
                "read": told(await self.browser.fetch(f"/{zone}/page")),
                "write": told(await self.browser.fetch(f"/{zone}/page", "POST")),
                "opening": await self.opening(zone),
            }
            for zone in ZONES
        }

    async def opening(self, zone: str) -> str:
        try:
            await (await self.websocket(zone)).close()
        except InvalidStatus as error:
            return f"{error.response.status_code} {re.search(r'MJ-[A-Z]+-[0-9]+', error.response.body.decode())[0]}"  # type: ignore[index] # it is there, or the test fails
        return "opens"

    async def goes_on(self, zone: str) -> str:
        connection = self.standing[zone]
        try:
            await connection.send("there?")
            await asyncio.wait_for(connection.recv(), 5)
        except ConnectionClosed as error:
            return "lost" if error.rcvd is None else f"{error.rcvd.code} {error.rcvd.reason}"
        return "goes on"

    async def beginning(self) -> str:
        """What somebody who wants to sign in meets."""
        stranger = Browser(self.house.settings)
        try:
            response = await stranger.go(f"{SHOP}/grace/page")
        except httpx2.TransportError:
            return "nobody answers"
        finally:
            await stranger.close()
        return "led to sign in" if "/sign-in?hop=" in stranger.address else told(response)

    async def page(self, path: str, language: str) -> httpx2.Response:
        headers = self.browser.headers(SHOP + path, **{"Accept-Language": language})
        return await self.browser.client(SHOP).get(SHOP + path, headers=headers)


def told(response: httpx2.Response) -> str:
    """`ok`, or the status and the code; whoever may come again is told when."""
    if response.status_code == 200:
        return "ok"
    if response.status_code == 503:
        assert response.headers["retry-after"] == "1"
    code = re.search(r"MJ-[A-Z]+-[0-9]+", response.text)
    return f"{response.status_code} {code[0] if code else response.text[:80]}"


@pytest.mark.parametrize("outage", outages(), ids=[outage.name for outage in outages()])
async def test_what_goes_on_and_what_stops(house: OutageHouse, alice: Visit, outage: Outage) -> None:
    if outage.token_lifetime != 300:
        house.kill("idp")
        house.back("idp", MUNJIGI_IDP__ACCESS_TOKEN_LIFETIME=str(outage.token_lifetime))
    await alice.sign_in()
    gateway = house.running["gateway"].pid
    for name in outage.kills:
        house.kill(name)
    house.fill_the_disk(outage.fills_disk)
    try:
        await is_found(alice, outage)
        await refusals_are_told_to_people(alice, outage)
        if "policy" in outage.kills:
            assert told(await alice.browser.fetch("/api/policy/versions")).startswith("503 MJ-GATEWAY-131")
    finally:
        house.fill_the_disk(False)
        for name in reversed(outage.kills):
            house.back(name)
    await all_is_well(alice)
    assert house.running["gateway"].is_alive()
    assert house.running["gateway"].pid == gateway


async def is_found(alice: Visit, outage: Outage) -> None:
    """The outage is as its row says; it is looked at for a while: an end may come late."""
    wanted = {
        name: {"read": zone.read, "write": zone.write, "opening": zone.opening} for name, zone in outage.zones.items()
    }
    standing = {name: zone.standing for name, zone in outage.zones.items()}
    begun = time.monotonic()
    while True:
        found, open_ones = await alice.found(), {zone: await alice.goes_on(zone) for zone in ZONES}
        passed = time.monotonic() - begun
        as_wanted = found == wanted and open_ones == standing
        if passed > PATIENCE or (as_wanted and passed > AT_LEAST):
            break
        await asyncio.sleep(0.05)
    assert (found, open_ones) == (wanted, standing)
    assert await alice.beginning() == outage.sign_in


async def refusals_are_told_to_people(alice: Visit, outage: Outage) -> None:
    """As a page in their language, with a way to try again."""
    for name, zone in outage.zones.items():
        if zone.read == "ok":
            continue
        status, code = zone.read.split()
        for language in ("ko", "en"):
            shown = await alice.page(f"/{name}/page", language)
            assert (shown.status_code, shown.headers["retry-after"]) == (int(status), "1")
            assert f'<html lang="{language}"' in shown.text
            assert help_entries()[code].texts["title"][language] in html.unescape(shown.text)
            assert '<a class="button primary" href="">' in shown.text


async def all_is_well(alice: Visit) -> None:
    """For the same person, by the same cookie, without a process of ours that was started again."""
    begun = time.monotonic()
    while True:
        found, beginning = await alice.found(), await alice.beginning()
        if (found, beginning) == (ALL_IS_WELL, "led to sign in") or time.monotonic() - begun > PATIENCE:
            break
        await asyncio.sleep(0.05)
    assert (found, beginning) == (ALL_IS_WELL, "led to sign in")


def test_the_page_is_what_is_made_of_the_rows() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m tests.gateway.outage_table`"
    assert {name for outage in outages() for name in outage.zones} == set(ZONES)
    assert all(isinstance(zone, Zone) for outage in outages() for zone in outage.zones.values())

"""The map of zones over the API, of the published policy and the route table that stands in its file now."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import httpx2
import pytest

from config.clock import SystemClock
from config.connections import Valkey
from config.envelope import Envelope
from config.sections.gateway import GatewaySettings
from config.settings import Settings
from jose.assertion import AssertionSigner
from jose.entrance import Entrance
from jose.storage.keys import SigningKeys
from policy import demo
from policy.admin.app import application
from policy.zone_map.routes import SHIPPED
from tests.policy.test_admin import CUSTOMER, OPERATOR, Caller, Databases

RULES = """
p, 10, everyone.reads, customer, *, shop, /**, GET, , allow,
p, 15, everyone.counts, customer, *, stock, /**, GET, , allow,
p, 20, admin, administrator, *, admin, /api/policy/**, *, , allow,
g, administrator, customer, *
"""
DRAFT = {
    "why": "services",
    "rules": RULES,
    "zones": [
        {"name": "admin", "assurance": 2, "networks": ["loopback"]},
        {"name": "shop", "services": ["client:shop"]},
        {"name": "stock", "services": ["client:stock"], "max_risk": 40},
    ],
    "flows": [{"from": "shop", "to": "stock", "methods": ["GET"], "certificate": True}],
    "bands": [{"id": "odd", "above": 50, "obligations": ["methods:GET|HEAD"]}],
}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "routes.toml"
    file.write_text(SHIPPED.read_text(encoding="utf-8"), encoding="utf-8")
    return file


@pytest.fixture
async def call(settings: Settings, database: Databases, valkey: Valkey, table: Path) -> AsyncIterator[Caller]:
    await demo.load(settings)
    keys, clock = SigningKeys(Envelope.load(settings)), SystemClock()
    async with database("gateway").begin() as tx:
        ring = await keys.ensure_active(tx, "assertion", datetime.now(UTC))
    entrance = await Entrance.open("policy", database("policy"), keys.assertion_keys, clock)
    gateway = GatewaySettings(routes=table, listen="127.0.0.1:8123")
    app = application(database("policy"), valkey, keys, clock, OPERATOR, gateway)
    transport = httpx2.ASGITransport(entrance.around(app))
    async with httpx2.AsyncClient(transport=transport, base_url="http://console.localhost:8080") as client:
        yield Caller(client, AssertionSigner(ring))


def rewrite(table: Path, content: str) -> None:
    table.write_text(content, encoding="utf-8")


async def publish(call: Caller) -> int:
    made = await call("POST", "/drafts", DRAFT)
    assert made.status_code == 201, made.text
    number: int = made.json()["version"]["number"]
    published = await call("POST", f"/versions/{number}/publish", {"why": "services", "confirm": ["reservation"]})
    assert published.status_code == 200, published.text
    return number


async def test_the_map_is_of_the_policy_that_is_published(call: Caller) -> None:
    before = (await call("GET", "/zones/map")).json()
    assert (before["version"], before["flows"], before["routes_known"]) == (1, [], True)
    number = await publish(call)
    shown = (await call("GET", "/zones/map")).json()
    assert shown["version"] == number
    assert [zone["name"] for zone in shown["zones"]] == ["admin", "reservation", "shop", "stock"]
    assert shown["flows"][0]["from"] == "shop"
    assert shown["flows"][0]["stricter_in"] == ["max_risk"]
    shop = shown["zones"][2]
    assert shop["routes"][0]["address"] == "shop.localhost:8123"
    assert shop["bands"] == [{"id": "odd", "above": 50, "obligations": ["methods:GET|HEAD"], "role": "*"}]
    assert shown["zones"][1]["in_policy"] is False


async def test_what_a_version_says_of_bands_and_flows_is_shown_and_stays_where_a_draft_leaves_it_out(
    call: Caller,
) -> None:
    await publish(call)
    made = await call("POST", "/drafts", {"why": "only rules", "rules": RULES})
    shown = (await call("GET", f"/versions/{made.json()['version']['number']}")).json()
    assert shown["flows"] == DRAFT["flows"]
    assert shown["bands"] == DRAFT["bands"]


async def test_a_draft_by_which_a_stricter_zone_is_entered_on_weaker_demands_is_refused(call: Caller) -> None:
    weaker = {**DRAFT, "flows": [{"from": "shop", "to": "stock"}]}
    refused = await call("POST", "/drafts", weaker)
    assert refused.status_code == 422
    assert {error["fault"] for error in refused.json()["errors"]} == {"weaker_flow"}


async def test_the_route_table_of_now_is_looked_at(call: Caller, table: Path) -> None:
    rewrite(table, SHIPPED.read_text(encoding="utf-8").replace('store_away = "grace 60"', 'store_away = "strict"'))
    zones = (await call("GET", "/zones")).json()["zones"]
    assert next(zone["outage"] for zone in zones if zone["name"] == "shop") == "strict"
    rewrite(table, "[[[")
    assert (await call("GET", "/zones/map")).json()["routes_known"] is False


async def test_zones_come_in_pages(call: Caller) -> None:
    first = (await call("GET", "/zones?limit=2")).json()
    assert ([zone["name"] for zone in first["zones"]], first["next"]) == (["admin", "reservation"], "reservation")
    rest = (await call("GET", "/zones?limit=2&after=reservation")).json()
    assert ([zone["name"] for zone in rest["zones"]], rest["next"]) == (["shop"], None)


async def test_the_picture_speaks_the_language_that_is_asked_for(call: Caller) -> None:
    for asked, language in (("?lang=ko", "ko"), ("?lang=en", "en"), ("", "en")):
        answer = await call("GET", f"/zones/map.svg{asked}")
        assert answer.headers["content-type"] == "image/svg+xml"
        assert "sandbox" in answer.headers["content-security-policy"]
        assert answer.headers["content-language"] == language
        assert ElementTree.fromstring(answer.content).get("lang") == language


async def test_only_administrators_see_it(call: Caller) -> None:
    for path in ("/zones", "/zones/map", "/zones/map.svg"):
        assert (await call("GET", path, who=CUSTOMER)).status_code == 403
        assert (await call("GET", path, who=None)).status_code == 401


async def test_it_is_described(call: Caller) -> None:
    paths = (await call("GET", "/openapi.json")).json()["paths"]
    picture = paths["/api/policy/zones/map.svg"]["get"]["responses"]["200"]["content"]
    assert picture == {"image/svg+xml": {"schema": {"type": "string"}}}
    assert "application/json" in paths["/api/policy/zones/map"]["get"]["responses"]["200"]["content"]

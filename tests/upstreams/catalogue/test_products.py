"""A product from its first plan to its end, by the API of the running service."""

from __future__ import annotations

import asyncio
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from PIL import Image

from config.clock import SystemClock
from config.connections import Database
from tests.upstreams.catalogue.conftest import Ask
from tests.upstreams.conftest import Client, Databases
from upstreams.commerce.storage.tables import product, purchase, trade
from upstreams.commerce.upkeep import Upkeep
from upstreams.trade.allocation import Taken
from upstreams.trade.holds import Hold
from upstreams.trade.storage.holds import StoredHolds
from upstreams.trade.storage.stock import StoredStock

SCHEMA = {"properties": {"material": {"type": "string", "enum": ["cotton", "wool"]}}, "required": ["material"]}
OPTIONS = [
    {
        "code": "color",
        "name": {"ko": "색상", "en": "Colour"},
        "values": [
            {"code": "red", "name": {"ko": "빨강", "en": "Red"}},
            {"code": "blue", "name": {"ko": "파랑", "en": "Blue"}, "surcharge": 1000},
        ],
    },
    {
        "code": "size",
        "name": {"ko": "사이즈", "en": "Size"},
        "values": [
            {"code": "m", "name": {"ko": "M", "en": "M"}},
            {"code": "l", "name": {"ko": "L", "en": "L"}, "surcharge": 2000},
        ],
    },
]


def said(ko: str, en: str) -> dict[str, str]:
    return {"ko": ko, "en": en}


def shirt(**more: Any) -> dict[str, Any]:
    return {
        "code": "shirt",
        "type": "clothes",
        "name": said("여름셔츠", "Summer shirt"),
        "description": said("가벼워요.", "It is light."),
        "base_price": 30_000,
        "attributes": {"material": "cotton"},
        **more,
    }


async def begun(administrator: Ask, **more: Any) -> str:
    """A shirt that is planned, in four combinations. Answers its ETag."""
    kind = {"strategy": "real_time_sale", "name": said("옷", "Clothes"), "attributes": SCHEMA}
    assert (await administrator("PUT", "types/clothes", json=kind)).status_code == 200
    assert (await administrator("POST", "products", json=shirt(**more))).status_code == 201
    put = await administrator("PUT", "products/shirt/options", tag='"1"', json={"categories": OPTIONS})
    assert put.status_code == 200
    made = await administrator("POST", "products/shirt/combinations", json={"prefix": "SHIRT"})
    assert made.json()["skus"] == ["SHIRT-RED-M", "SHIRT-RED-L", "SHIRT-BLUE-M", "SHIRT-BLUE-L"]
    return (await administrator("GET", "products/shirt")).headers["etag"]


async def to(administrator: Ask, *states: str) -> None:
    for state in states:
        moved = await administrator("POST", "products/shirt/transitions", json={"to": state})
        assert moved.status_code == 200, moved.text


async def refused(answer: Any) -> str:
    return (await answer).json()["code"]


async def test_the_life_of_a_product(administrator: Ask, shop: Client, upkeep: Upkeep):
    tag = await begun(administrator)
    assert await refused(administrator("POST", "products/shirt/transitions", json={"to": "on_sale"})) == "MJ-COM-108"
    await to(administrator, "development", "testing")
    assert await refused(administrator("POST", "products/shirt/transitions", json={"to": "ready"})) == "MJ-COM-109"
    version = {"number": "1.0", "description": "The first."}
    assert (await administrator("POST", "products/shirt/versions", json=version)).status_code == 201
    assert await refused(administrator("POST", "products/shirt/versions", json={"number": "0.9"})) == "MJ-COM-113"
    await to(administrator, "ready")
    released = (await administrator("GET", "products/shirt/versions")).json()["versions"][0]
    assert released["released_at"] is not None
    assert released["snapshot"]["options"][0]["values"][1]["surcharge"] == 1000
    assert await refused(administrator("POST", "products/shirt/transitions", json={"to": "on_sale"})) == "MJ-COM-110"

    # two sellers, one price of its own
    assert (await administrator("PUT", "products/shirt/offers/SHIRT-BLUE-L", json={})).status_code == 200
    theirs = {"seller": "boseong-tea", "price": 29_000}
    assert (await administrator("PUT", "products/shirt/offers/SHIRT-BLUE-L", json=theirs)).status_code == 200

    # it is launched by a worker, two days later than planned
    now = datetime.now(UTC)
    tag = (await administrator("GET", "products/shirt")).headers["etag"]
    plan = {"planned_at": (now - timedelta(days=2)).isoformat(), "due_at": (now + timedelta(hours=1)).isoformat()}
    assert (await administrator("PUT", "products/shirt/launch", tag=tag, json=plan)).status_code == 200
    assert await upkeep.launch() == 0
    async with upkeep.database.begin() as tx:
        await tx.execute(sa.update(product).where(product.c.code == "shirt").values(launch_due_at=now))
    assert await upkeep.launch() == 1
    life = (await administrator("GET", "products/shirt/life")).json()
    assert (life["state"], life["launch_due_at"]) == ("on_sale", None)
    times = (await administrator("GET", "products/shirt/times")).json()
    assert times["launch_delay"] == pytest.approx(2 * 86400, abs=60)
    assert [stay["state"] for stay in times["stays"]] == ["planning", "development", "testing", "ready", "on_sale"]

    shown = (await shop.get("/api/products/shirt")).json()
    assert sorted(offer["price"] for offer in shown["offers"]) == [29_000, 33_000]
    assert shown["offers"][0]["options"] == {"color": "blue", "size": "l"}
    page = await shop.get("/products/shirt", headers={"Accept": "text/html"})
    assert "Blue / L" in page.text
    assert "Boseong Tea Garden" in page.text

    # what is found follows what is sold
    await upkeep.index()
    assert [one["code"] for one in (await shop.get("/api/search?q=셔츠")).json()["products"]] == ["shirt"]
    await to(administrator, "discontinued")
    await upkeep.index()
    assert (await shop.get("/api/search?q=셔츠")).json()["total"] == 0
    assert (await shop.get("/api/products/shirt")).status_code == 404
    life = (await administrator("GET", "products/shirt/life")).json()
    assert life["ended_at"] is not None
    note = await administrator("POST", "products/shirt/events", json={"notes": "recall of lot 7"})
    assert note.status_code == 204
    events = (await administrator("GET", "products/shirt/events")).json()["events"]
    assert (events[-1]["from_state"], events[-1]["to_state"], events[-1]["notes"]) == (
        *("discontinued", "discontinued"),
        "recall of lot 7",
    )


async def test_a_change_says_what_it_is_of(administrator: Ask):
    tag = await begun(administrator)
    body = {name: value for name, value in shirt(base_price=31_000).items() if name != "code"}
    assert await refused(administrator("PUT", "products/shirt", json=body)) == "MJ-COM-122"
    answers = await asyncio.gather(*(administrator("PUT", "products/shirt", tag=tag, json=body) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412]
    wrong = body | {"attributes": {"material": "steel", "odd": 1}}
    answer = await administrator("PUT", "products/shirt", tag="*", json=wrong)
    assert answer.json()["code"] == "MJ-COM-123"
    assert answer.json()["detail"] == "material: one of cotton, wool; odd: it is not an attribute of this type"
    one = {"options": {"color": "red", "size": "m"}}
    assert await refused(administrator("PUT", "products/shirt/skus/SHIRT-2", tag="*", json=one)) == "MJ-COM-104"
    half = {"options": {"color": "red"}}
    assert await refused(administrator("PUT", "products/shirt/skus/SHIRT-2", tag="*", json=half)) == "MJ-COM-103"
    fewer = {"categories": OPTIONS[:1]}
    assert await refused(administrator("PUT", "products/shirt/options", tag="*", json=fewer)) == "MJ-COM-105"
    nul = body | {"name": said("가\0", "a")}
    assert (await administrator("PUT", "products/shirt", tag="*", json=nul)).status_code == 422
    assert (await administrator("GET", "products/%00")).status_code == 422


async def test_a_key_begins_one_product(administrator: Ask):
    await begun(administrator)
    other = shirt(code="other")
    headers = {"Idempotency-Key": uuid4().hex}
    answers = [await administrator("POST", "products", json=other, headers=headers) for _ in range(3)]
    assert len({answer.json()["id"] for answer in answers}) == 1
    changed = await administrator("POST", "products", json=other | {"base_price": 1}, headers=headers)
    assert changed.json()["code"] == "MJ-TRD-002"
    assert await refused(administrator("POST", "products", json=other)) == "MJ-COM-120"


async def test_a_vendor_changes_its_own_alone(administrator: Ask, vendor: Ask, shop: Client):
    await begun(administrator)
    assert (await shop.get("/api/administration/products")).status_code == 404
    assert (await vendor("GET", "products/shirt")).json()["code"] == "MJ-COM-119"
    body = {name: value for name, value in shirt().items() if name != "code"}
    assert (await vendor("PUT", "products/shirt", tag="*", json=body)).status_code == 404
    assert (
        await vendor("PUT", "types/other", json={"strategy": "reservation", "name": said("가", "a")})
    ).status_code == 404
    mine = await vendor("POST", "products", json=shirt(code="mine", seller="dalbit"))
    assert mine.status_code == 201
    assert [one["code"] for one in (await vendor("GET", "products")).json()["products"]] == ["mine"]
    assert (await administrator("GET", "products/mine")).json()["seller"] == mine.json()["seller"] is not None
    # it sees its own shelves, and moves nothing to another's
    assert (await vendor("GET", "stock/TEA-SEJAK")).json()["shelves"][0]["available"] == 80
    assert (await vendor("GET", "stock/JAR-WHITE")).status_code == 404
    carried = {"from": "boseong", "to": "jeju", "quantity": 1, "reason": "x"}
    assert await refused(vendor("POST", "stock/TEA-SEJAK/transfers", json=carried)) == "MJ-COM-125"


async def test_the_structure_holds(administrator: Ask):
    food = {"name": said("물건", "Goods")}
    assert (await administrator("PUT", "categories/goods", json=food)).status_code == 200
    tea = {"name": said("옷", "Wear"), "parent": "goods"}
    assert (await administrator("PUT", "categories/wear", json=tea)).status_code == 200
    circle = food | {"parent": "wear"}
    assert await refused(administrator("PUT", "categories/goods", tag='"1"', json=circle)) == "MJ-COM-115"
    await begun(administrator, category="wear")
    assert await refused(administrator("DELETE", "categories/wear")) == "MJ-COM-116"
    stricter = {"strategy": "real_time_sale", "name": said("옷", "Clothes")}
    assert await refused(administrator("PUT", "types/clothes", json=stricter)) == "MJ-COM-123"
    nowhere = {"strategy": "lottery", "name": said("가", "a")}
    assert await refused(administrator("PUT", "types/odd", json=nowhere)) == "MJ-COM-101"

    more = {"name": said("사전 판매", "Pre-order"), "description": said("먼저 팔아요.", "It is sold before.")}
    preorder = more | {
        "sellable": True,
        "position": 9,
        "on_entry": "launch",
        "follows": ["on_sale"],
        "follows_on": ["ready"],
    }
    assert (await administrator("PUT", "states/preorder", json=preorder)).status_code == 200
    states = {one["code"]: one for one in (await administrator("GET", "states")).json()["states"]}
    assert "preorder" in states["ready"]["follows"]
    assert await refused(administrator("DELETE", "states/ready")) == "MJ-COM-111"
    assert (await administrator("DELETE", "states/preorder")).status_code == 204

    member = str(uuid4())
    who = {"name": "김하늘", "role": "developer", "contact": "sky@example.com"}
    assert (await administrator("PUT", f"team-members/{member}", json=who)).status_code == 200
    work = {"member": member, "role": "product manager", "assigned_on": "2026-11-01"}
    team = (await administrator("POST", "products/shirt/team", json=work)).json()["team"]
    assert await refused(administrator("POST", "products/shirt/team", json=work)) == "MJ-COM-114"
    end = f"products/shirt/team/{team[0]['id']}/end"
    assert (await administrator("POST", end, json={"until": "2026-11-20"})).json()["team"][0]["until"] == "2026-11-20"


async def test_a_picture_is_shown_as_it_was_drawn(administrator: Ask, shop: Client):
    await begun(administrator)
    out = io.BytesIO()
    Image.new("RGB", (40, 30), (200, 10, 10)).save(out, "PNG")
    words = {"ko": "빨간 셔츠", "en": "A red shirt"}
    kept = await administrator("POST", "products/shirt/pictures", params=words, content=out.getvalue())
    assert kept.status_code == 201
    shown = await shop.get(kept.json()["address"])
    assert (shown.headers["content-type"], shown.headers["x-content-type-options"]) == ("image/jpeg", "nosniff")
    assert shown.headers["content-security-policy"] == "default-src 'none'; sandbox"
    again = await shop.get(kept.json()["address"], headers={"If-None-Match": shown.headers["etag"]})
    assert again.status_code == 304
    html = await administrator("POST", "products/shirt/pictures", params=words, content=b"<html>")
    assert html.status_code == 415
    gone = await administrator("DELETE", f"products/shirt/pictures/{kept.json()['id']}")
    assert gone.status_code == 204
    assert (await shop.get(kept.json()["address"])).status_code == 404


async def test_stock_is_kept_watched_and_proven(administrator: Ask, upkeep: Upkeep, database: Databases):
    place = "stock/JAR-WHITE/icheon"
    read = await administrator("GET", place)
    assert (read.json()["available"], read.headers["etag"]) == (12, '"1"')
    counted = await administrator("PUT", place, tag='"1"', json={"on_hand": 20, "reason": "counted"})
    assert counted.json()["on_hand"] == 20
    assert await refused(administrator("PUT", place, tag='"1"', json={"on_hand": 5, "reason": "x"})) == "MJ-COM-121"
    key = {"Idempotency-Key": uuid4().hex}
    for _ in range(2):
        got = await administrator("POST", f"{place}/receipts", json={"quantity": 5, "reason": "lorry"}, headers=key)
        assert got.json()["on_hand"] == 25
    carried = {"from": "icheon", "to": "jeju", "quantity": 26, "reason": "x"}
    assert await refused(administrator("POST", "stock/JAR-WHITE/transfers", json=carried)) == "MJ-COM-125"

    # a second warehouse of the house
    async with database("commerce").begin() as tx:
        its = sa.select(trade.warehouse.c.seller).where(trade.warehouse.c.code == "icheon").scalar_subquery()
        await tx.execute(sa.insert(trade.warehouse).values(code="gimpo", seller=its, name=said("김포", "Gimpo")))
    carried = {"from": "icheon", "to": "gimpo", "quantity": 26, "reason": "x"}
    assert await refused(administrator("POST", "stock/JAR-WHITE/transfers", json=carried)) == "MJ-COM-124"
    moved = await administrator("POST", "stock/JAR-WHITE/transfers", json=carried | {"quantity": 20})
    assert [shelf["on_hand"] for shelf in moved.json()["shelves"]] == [5, 20]
    kinds = [one["kind"] for one in (await administrator("GET", "stock/JAR-WHITE/movements")).json()["movements"]]
    assert kinds.count("transfer") == 2

    # a hold whose time is over is swept, and what is left is what it was
    now, stock = SystemClock().now(), StoredStock(trade)
    hold = Hold(uuid4(), uuid4(), [Taken("JAR-WHITE", "gimpo", 3)], now - timedelta(seconds=1))
    async with database("commerce").begin() as tx:
        await stock.lock(tx, ["JAR-WHITE"])
        await StoredHolds(trade, stock).open(tx, [hold], now - timedelta(minutes=5), cause="a hold")
    assert (await upkeep.sweep(), await upkeep.sweep()) == (1, 0)

    raised, _ = await upkeep.look()
    low = {(one["sku"], one["warehouse"]) for one in (await administrator("GET", "stock-warnings")).json()["warnings"]}
    assert raised == len(low)
    assert {("JAR-WHITE", "icheon"), ("SEA-GAMTAE", "jeju")} <= low
    rule = {"threshold": 1, "lead_days": 0}
    assert (await administrator("PUT", "stock-rules/JAR-WHITE", json=rule)).status_code == 200
    assert await upkeep.look() == (0, 1)

    assert await upkeep.prove_nightly() == []
    assert await upkeep.prove_nightly() is None
    async with database("commerce").begin() as tx:  # something writes past the one place where counts change
        await tx.execute(sa.text("UPDATE commerce.stock SET on_hand = on_hand + 1 WHERE sku = 'TEA-SEJAK'"))
    proof = (await administrator("POST", "stock-proofs")).json()
    assert proof["wrong"] == [
        {"sku": "TEA-SEJAK", "warehouse": "boseong", "field": "on_hand", "counted": 81, "proven": 80}
    ]
    assert not await purchases(database("commerce"))


async def purchases(database: Database) -> int:
    async with database.connect() as tx:
        return int(await tx.scalar(sa.select(sa.func.count()).select_from(purchase)) or 0)

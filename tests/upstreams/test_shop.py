"""The shop: its page, its products, its orders."""

from __future__ import annotations

import asyncio
import re
from uuid import uuid4

from sqlalchemy import func, select

from config.clock import SystemClock
from tests.upstreams.conftest import Client, Databases, Someone
from upstreams.commerce.storage.tables import order_event, purchase, trade
from upstreams.trade.storage.stock import StoredStock


async def offer_of(shop: Client, sku: str) -> tuple[str, int | None]:
    listed = (await shop.get("/api/products")).json()["products"]
    offers = [offer for product in listed for offer in product["offers"] if offer["sku"] == sku]
    return offers[0]["id"], offers[0]["available"]


def order(offer: str, quantity: int = 1, key: str | None = None) -> dict[str, object]:
    return {
        "json": {"lines": [{"offer": offer, "quantity": quantity}]},
        "headers": {"Idempotency-Key": key or uuid4().hex},
    }


async def test_products_show_live_stock(shop: Client):
    offer, before = await offer_of(shop, "TEA-SEJAK")
    assert before == 80
    placed = await shop.post("/api/orders", **order(offer, 3))
    assert placed.status_code == 201
    assert (await offer_of(shop, "TEA-SEJAK"))[1] == 77


async def test_what_is_reserved_has_its_stock_elsewhere(shop: Client):
    assert (await offer_of(shop, "SEAT-MOON-CONCERT"))[1] is None


async def test_an_order_is_its_owner_s_alone(shop: Client):
    offer, _ = await offer_of(shop, "JAR-WHITE")
    placed = await shop.post("/api/orders", **order(offer, 2))
    document = placed.json()
    assert document["total"] == 2 * 128000
    assert document["orders"][0]["state"] == "received"
    assert placed.headers["location"] == f"/api/orders/{document['id']}"
    assert (await shop.get(placed.headers["location"])).json() == document
    stranger = shop.of(Someone.new())
    refused = await stranger.get(placed.headers["location"])
    assert refused.status_code == 404
    assert refused.json()["code"] == "MJ-COM-003"
    assert (await shop.get("/api/orders")).json()["orders"] == [document]
    assert (await stranger.get("/api/orders")).json()["orders"] == []


async def test_sold_out_changes_nothing(shop: Client, database: Databases):
    offer, left = await offer_of(shop, "SEA-GAMTAE")
    assert left == 3
    refused = await shop.post("/api/orders", **order(offer, 4))
    assert refused.status_code == 409
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["code"] == "MJ-COM-001"
    assert (await offer_of(shop, "SEA-GAMTAE"))[1] == 3
    async with database("commerce").connect() as tx:
        assert await tx.scalar(select(func.count()).select_from(purchase)) == 0


async def test_an_order_of_two_sellers_is_all_or_nothing(shop: Client, database: Databases):
    tea, _ = await offer_of(shop, "TEA-SEJAK")
    fan, _ = await offer_of(shop, "FAN-HANJI")
    jar, _ = await offer_of(shop, "JAR-WHITE")
    lines = [{"offer": tea, "quantity": 1}, {"offer": fan, "quantity": 1}]
    refused = await shop.post("/api/orders", json={"lines": lines}, headers={"Idempotency-Key": uuid4().hex})
    assert refused.status_code == 409
    assert (await offer_of(shop, "TEA-SEJAK"))[1] == 80
    lines = [{"offer": tea, "quantity": 1}, {"offer": jar, "quantity": 1}, {"offer": tea, "quantity": 1}]
    placed = await shop.post("/api/orders", json={"lines": lines}, headers={"Idempotency-Key": uuid4().hex})
    document = placed.json()
    assert len(document["orders"]) == 2
    assert document["total"] == 2 * 24000 + 128000 == sum(part["goods"] for part in document["orders"])
    async with database("commerce").connect() as tx:
        assert await StoredStock(trade).unproven(tx) == []
        assert await tx.scalar(select(func.count()).select_from(order_event)) == 2


async def test_the_same_key_gives_the_same_order(shop: Client):
    offer, _ = await offer_of(shop, "TEA-SEJAK")
    key = uuid4().hex
    answers = await asyncio.gather(*(shop.post("/api/orders", **order(offer, 1, key)) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert (await offer_of(shop, "TEA-SEJAK"))[1] == 79
    other = await shop.post("/api/orders", **order(offer, 2, key))
    assert other.status_code == 422
    assert other.json()["code"] == "MJ-TRD-002"
    # the key is this person's: for another it is new
    assert (await shop.of(Someone.new()).post("/api/orders", **order(offer, 2, key))).status_code == 201


async def test_the_same_key_gives_the_same_refusal(shop: Client, database: Databases):
    offer, _ = await offer_of(shop, "SEA-GAMTAE")
    key = uuid4().hex
    assert (await shop.post("/api/orders", **order(offer, 4, key))).status_code == 409
    async with database("commerce").begin() as tx:
        await StoredStock(trade).receive(tx, "delivery-1", [("SEA-GAMTAE", "jeju", 10)], SystemClock().now())
    assert (await shop.post("/api/orders", **order(offer, 4, key))).status_code == 409
    assert (await shop.post("/api/orders", **order(offer, 4))).status_code == 201


async def test_a_hundred_buyers_of_twelve_jars(shop: Client, database: Databases):
    offer, left = await offer_of(shop, "JAR-WHITE")
    assert left == 12
    answers = await asyncio.gather(*(shop.of(Someone.new()).post("/api/orders", **order(offer)) for _ in range(100)))
    assert sorted(answer.status_code for answer in answers) == [201] * 12 + [409] * 88
    assert (await offer_of(shop, "JAR-WHITE"))[1] == 0
    async with database("commerce").connect() as tx:
        assert await StoredStock(trade).unproven(tx) == []


async def test_orders_that_make_no_sense_are_refused(shop: Client):
    offer, _ = await offer_of(shop, "TEA-SEJAK")
    seat, _ = await offer_of(shop, "SEAT-MOON-CONCERT")
    assert (await shop.post("/api/orders", **order(seat))).json()["code"] == "MJ-COM-002"
    assert (await shop.post("/api/orders", **order(str(uuid4())))).json()["code"] == "MJ-COM-002"
    for quantity in (0, -1, 1000):
        assert (await shop.post("/api/orders", **order(offer, quantity))).status_code == 422
    no_key = await shop.post("/api/orders", json={"lines": [{"offer": offer, "quantity": 1}]})
    assert no_key.json()["code"] == "MJ-TRD-001"
    unreadable = await shop.post(
        "/api/orders", content=b"{", headers={"Content-Type": "application/json", "Idempotency-Key": "k" * 8}
    )
    assert unreadable.json()["code"] == "MJ-DOOR-005"
    large = await shop.post(
        "/api/orders",
        content=b" " * 70_000,
        headers={"Content-Type": "application/json", "Idempotency-Key": "k" * 8},
    )
    assert large.status_code == 413


async def test_the_page_orders_without_a_script(shop: Client):
    page = await shop.get("/", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert "Boseong sejak green tea" in page.text
    assert "₩24,000" in page.text
    assert "김하늘" in page.text
    form = re.search(
        r'<form method="post" action="/orders">.*?name="form_token" value="([^"]+)".*?name="key" value="([^"]+)"'
        r'.*?name="offer" value="([^"]+)"',
        page.text.partition('data-sku="TEA-SEJAK"')[2],
        re.DOTALL,
    )
    assert form
    token, key, offer = form.groups()
    data = {"form_token": token, "key": key, "offer": offer}
    sent = await shop.post("/orders", data=data, headers={"Sec-Fetch-Site": "same-origin"})
    assert sent.status_code == 303
    again = await shop.post("/orders", data=data, headers={"Sec-Fetch-Site": "same-origin"})
    assert again.headers["location"] == sent.headers["location"]
    confirmation = await shop.get(sent.headers["location"], headers={"Accept": "text/html"})
    assert confirmation.status_code == 200
    assert "Your order is placed" in confirmation.text
    assert "Received" in (await shop.get("/orders", headers={"Accept": "text/html"})).text


async def test_the_page_speaks_korean(shop: Client):
    page = await shop.get("/?locale=ko", headers={"Accept": "text/html"})
    assert "보성 세작 녹차" in page.text
    assert "80개 남음" in page.text


async def test_a_form_from_elsewhere_is_refused(shop: Client):
    page = await shop.get("/")
    token = re.search(r'name="form_token" value="([^"]+)"', page.text).group(1)
    offer, _ = await offer_of(shop, "TEA-SEJAK")
    data = {"form_token": token, "key": uuid4().hex, "offer": offer}
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.example"},
    ):
        assert (await shop.post("/orders", data=data, headers=headers)).json()["code"] == "MJ-DOOR-002"
        api = order(offer)
        api["headers"] |= headers
        assert (await shop.post("/api/orders", **api)).json()["code"] == "MJ-DOOR-002"
    stolen = await shop.of(Someone.new()).post("/orders", data=data)
    assert stolen.json()["code"] == "MJ-DOOR-003"
    for bad in ("", "%%%", token[:-4] + "AAAA"):
        assert (await shop.post("/orders", data=data | {"form_token": bad})).status_code == 403


async def test_a_person_gets_a_page_where_something_is_wrong(shop: Client):
    page = await shop.get(f"/orders/{uuid4()}", headers={"Accept": "text/html"})
    assert page.status_code == 404
    assert "There is no such order" in page.text
    nothing = await shop.get("/nowhere", headers={"Accept": "text/html"})
    assert nothing.status_code == 404
    assert "There is no such thing here" in nothing.text
    assert (await shop.get("/nowhere")).json()["code"] == "MJ-DOOR-004"

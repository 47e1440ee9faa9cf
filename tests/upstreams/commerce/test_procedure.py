"""The order procedure by its API: placing, paying, sending, returning, settling; money, stock and orders agree."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from config.envelope import Envelope
from tests.upstreams.commerce.market import FARM, HOUSE, TEA, Market, key, lines
from tests.upstreams.conftest import Someone
from tests.upstreams.payments.sandbox_process import pay
from upstreams.commerce.ordering.placing import DEPOSIT_WITHIN, HELD_FOR
from upstreams.commerce.storage.order_tables import payout, seller_application
from upstreams.commerce.storage.tables import purchase, trade


def part(order: dict[str, Any], seller: object) -> dict[str, Any]:
    (found,) = [one for one in order["orders"] if one["seller"]["id"] == str(seller)]
    return dict(found)


async def test_one_order_of_three_sellers_from_cart_to_payout(market: Market) -> None:
    order = await market.paid(jar=1, tea=2, honey=1)
    # own goods are free above 50,000; tea 3,500; honey 5,000 from Jeju to Seoul
    assert [part(order, one)["shipping"] for one in (HOUSE, TEA, FARM)] == [0, 3500, 5000]
    assert order["goods"] == 128000 + 48000 + 45000
    assert order["total"] == order["goods"] + order["shipping"] == 229500
    assert await market.balances() == {
        "provider": 229500,
        "commission": -(4800 + 5400),
        "pending": -(229500 - 10200),
    }
    await market.agree()
    mails = await market.mails()
    assert ("order_confirmed", "mail") in mails
    assert ("order_confirmed", "text") in mails
    invoices = (await market.client.get(f"/api/orders/{order['id']}/invoices")).json()["invoices"]
    assert sum(one["total"] for one in invoices) == 229500
    assert all(one["supply"] + one["vat"] == one["total"] for one in invoices)

    tea = await market.vendor(TEA)
    own = part(order, TEA)["id"]
    seen = (await tea.get("/api/vendor/orders")).json()["orders"]
    assert [one["id"] for one in seen] == [own]
    assert seen[0]["destination"]["recipient"] == "김하늘"
    stranger = await market.vendor(FARM)
    assert (await stranger.get(f"/api/vendor/orders/{own}")).json()["code"] == "MJ-COM-003"
    assert (await market.client.get("/api/vendor/orders")).json()["code"] == "MJ-COM-214"

    assert (await tea.post(f"/api/vendor/orders/{own}/prepare", json={})).json()["state"] == "preparing"
    first = await market.shipped(tea, own, {"TEA-SEJAK": 1})
    assert (await tea.get(f"/api/vendor/orders/{own}")).json()["state"] == "shipping"
    await market.delivered(tea, own, first)
    assert (await tea.get(f"/api/vendor/orders/{own}")).json()["state"] == "shipping"
    too_many = {"carrier": "cj", "lines": [{"sku": "TEA-SEJAK", "quantity": 2}]}
    refused = await tea.post(f"/api/vendor/orders/{own}/shipments", json=too_many, headers=key())
    assert refused.json()["code"] == "MJ-COM-222"
    second = await market.shipped(tea, own)
    await market.agree()
    await market.delivered(tea, own, second)
    assert (await tea.get(f"/api/vendor/orders/{own}")).json()["state"] == "completed"
    assert (await tea.get("/api/vendor/balance")).json() == {
        "pending": 0,
        "payable": 48000 + 3500 - 4800,
        "payouts": [],
    }
    tracked = (await market.client.get(f"/api/orders/{order['id']}/shipments")).json()["shipments"]
    assert [one["state"] for one in tracked] == ["delivered", "delivered"]
    said = {"stars": 5, "words": "향이 좋아요"}
    path = f"/api/orders/{order['id']}/parts/{own}/feedback"
    assert [(await market.client.post(path, json=said)).status_code for _ in range(2)] == [201, 200]

    boss = market.administrator()
    this_month = market.clock.now().astimezone(UTC).date().replace(day=1)
    early = await boss.post("/api/selling/settlements", json={"period": this_month.isoformat()})
    assert early.json()["code"] == "MJ-COM-251"
    market.clock.advance(timedelta(days=40).total_seconds())
    runs = await asyncio.gather(
        *(boss.post("/api/selling/settlements", json={"period": this_month.isoformat()}) for _ in range(2)),
        return_exceptions=True,
    )
    paid_out = [one for run in runs for one in run.json().get("payouts", [])]  # type: ignore[union-attr]
    assert [one["amount"] for one in paid_out] == [46700]
    async with market.database.connect() as tx:
        assert await tx.scalar(sa.select(sa.func.count()).select_from(payout)) == 1
    ledger = (await boss.get("/api/selling/ledger")).json()
    assert (ledger["sum"], ledger["odd"]) == (0, [])
    assert (await market.client.get("/api/selling/ledger")).status_code == 404


async def test_addresses_are_sealed_and_vendors_see_nothing_of_others(market: Market, envelope: Envelope) -> None:
    order = await market.placed(tea=1)
    async with market.database.connect() as tx:
        sealed = await tx.scalar(sa.select(purchase.c.destination))
    assert sealed is not None
    assert "세종대로".encode() not in sealed
    tea = await market.vendor(TEA)
    assert (await tea.get("/api/vendor/orders")).json()["orders"] == []  # it is not paid
    own = order["orders"][0]["id"]
    assert (await tea.get(f"/api/vendor/orders/{own}")).status_code == 404


async def test_what_is_cancelled_gives_back_to_the_won(market: Market) -> None:
    order = await market.paid(tea=3)
    own = order["orders"][0]["id"]
    path = f"/api/orders/{order['id']}/parts/{own}/cancellations"
    body = {"lines": [{"sku": "TEA-SEJAK", "quantity": 1}], "reason": "하나만 필요해요"}
    same = key()
    first, again = [await market.client.post(path, json=body, headers=same) for _ in range(2)]
    assert first.status_code == 201, first.text
    assert first.json() == again.json()
    assert (first.json()["refund"], first.json()["shipping"]) == (24000, 0)
    rest = await market.client.post(path, json={}, headers=key())
    assert rest.json()["refund"] == 48000 + order["shipping"]
    gone = await market.client.post(path, json={}, headers=key())
    assert gone.json()["code"] == "MJ-COM-204"
    await market.driven()
    assert await market.balances() == {}
    assert (await market.read(order["id"]))["state"] == "cancelled"
    refunds = (await market.client.get(f"/api/orders/{order['id']}/payments")).json()["refunds"]
    assert sorted(one["amount"] for one in refunds) == [24000, 48000 + order["shipping"]]
    invoices = (await market.client.get(f"/api/orders/{order['id']}/invoices")).json()["invoices"]
    assert [sum(one[name] for one in invoices) for name in ("supply", "vat", "total")] == [0, 0, 0]
    await market.agree()


async def test_what_arrived_is_sent_back(market: Market) -> None:
    order = await market.paid(tea=2)
    own, tea = order["orders"][0]["id"], await market.vendor(TEA)
    path = f"/api/orders/{order['id']}/parts/{own}/returns"
    assert (await market.client.post(path, json={}, headers=key())).json()["code"] == "MJ-COM-204"
    await market.delivered(tea, own, await market.shipped(tea, own))
    body = {"lines": [{"sku": "TEA-SEJAK", "quantity": 1}], "reason": "향이 달라요"}
    asked = await market.client.post(path, json=body, headers=key())
    assert asked.json()["state"] == "requested", asked.text
    twice = await market.client.post(path, json=body, headers=key())
    assert twice.json()["code"] == "MJ-COM-204"
    answer = f"/api/vendor/orders/{own}/returns/{asked.json()['id']}/answer"
    early = await tea.post(answer, json={"state": "done"})
    assert early.json()["code"] == "MJ-COM-204"
    for state in ("accepted", "done", "done"):
        assert (await tea.post(answer, json={"state": state})).json()["state"] == state
    await market.driven()
    assert (await tea.get("/api/vendor/balance")).json()["payable"] == 51500 - 4800 - (24000 - 2400)
    async with market.database.connect() as tx:
        row = (await tx.execute(sa.select(trade.stock).where(trade.stock.c.sku == "TEA-SEJAK"))).one()
    assert (row.on_hand, row.held, row.allocated) == (79, 0, 0)
    market.clock.advance(timedelta(days=8).total_seconds())
    late = await market.client.post(path, json=body, headers=key())
    assert late.json()["code"] == "MJ-COM-233"
    await market.agree()


async def test_a_transfer_is_awaited_with_its_hold_and_confirmed_by_its_deposit(market: Market) -> None:
    order = await market.placed(tea=1, paying="transfer")
    assert ("order_deposit", "mail") in await market.mails()
    standing = (await market.client.get(f"/api/orders/{order['id']}/payments")).json()
    held = datetime.fromisoformat(standing["held_until"])
    assert held - market.clock.now() > DEPOSIT_WITHIN - timedelta(minutes=1)
    market.clock.advance(HELD_FOR.total_seconds() + 60)
    assert not await market.work.expire()
    boss = market.administrator()
    deposit = {"payment": standing["payment"]["id"], "amount": order["total"], "reference": "20261127-0001"}
    answers = [await boss.post("/api/selling/deposits", json=deposit) for _ in range(2)]
    assert [one.status_code for one in answers] == [201, 200]
    assert (await market.client.post("/api/selling/deposits", json=deposit)).status_code == 404
    await market.driven()
    assert (await market.read(order["id"]))["state"] == "paid"
    own = order["orders"][0]["id"]
    cancelled = await market.client.post(f"/api/orders/{order['id']}/parts/{own}/cancellations", json={}, headers=key())
    assert cancelled.status_code == 201
    while await market.work.drive():
        pass
    (waiting,) = (await boss.get("/api/selling/bank-refunds")).json()["bank_refunds"]
    assert waiting["amount"] == order["total"]
    sent = await boss.post(f"/api/selling/bank-refunds/{waiting['id']}/sent", json={"reference": "out-1"})
    assert sent.status_code == 200, sent.text
    await market.driven()
    assert await market.balances() == {}
    await market.agree()


async def test_nobody_pays_and_others_may_have_it(market: Market) -> None:
    order = await market.placed(honey=2)
    market.clock.advance(HELD_FOR.total_seconds() + 1)
    await market.work.expire_all()
    assert (await market.read(order["id"]))["state"] == "released"
    await market.driven()
    await market.agree()
    refused = await market.client.post(f"/api/orders/{order['id']}/payments", json={})
    assert refused.json()["code"] == "MJ-COM-204"


@pytest.mark.parametrize("sold_meanwhile", [False, True])
async def test_money_that_comes_too_late_takes_it_again_or_goes_back(market: Market, sold_meanwhile: bool) -> None:
    order = await market.placed(jar=12)
    begun = await market.client.post(f"/api/orders/{order['id']}/payments", json={})
    led = await pay(begun.json()["checkout"]["url"], "4242424242424242")
    market.clock.advance(HELD_FOR.total_seconds() + 1)
    await market.work.expire_all()
    if sold_meanwhile:
        await market.placed(jar=1, client=market.client.of(Someone.new()))
    await market.client.get(f"/orders/{order['id']}/payments/back", params=led)
    while await market.work.drive():
        pass
    assert (await market.read(order["id"]))["state"] == ("released" if sold_meanwhile else "paid")
    await market.agree()


@pytest.mark.parametrize(
    ("card", "state"),
    [
        ("4000000000000341", "released"),
        ("4000000000000101", "paid"),
        ("4000000000000119", "paid"),
        ("4000000000000127", "paid"),
    ],
)
async def test_whatever_the_provider_answers_it_ends(market: Market, card: str, state: str) -> None:
    order = await market.placed(tea=1)
    await market.authorised(order["id"], card)
    await market.driven()
    assert (await market.read(order["id"]))["state"] == state
    await market.agree()


async def test_the_total_that_was_agreed_to_is_the_total(market: Market) -> None:
    body = {
        "lines": lines(tea=1),
        "destination": {"recipient": "고은", "postcode": "63100", "address": "제주시"},
        "agreed": 24000 + 3500,
    }
    refused = await market.client.post("/api/orders", json=body, headers=key())
    assert refused.json()["code"] == "MJ-COM-205"
    body["agreed"] = 24000 + 7000
    assert (await market.client.post("/api/orders", json=body, headers=key())).status_code == 201
    body["methods"] = {str(TEA): "drone"}
    assert (await market.client.post("/api/orders", json=body, headers=key())).json()["code"] == "MJ-COM-203"


async def test_becoming_a_seller(market: Market) -> None:
    vendor = market.client.of(Someone.new("이바다"))
    body = {
        "code": "badaro",
        "name": {"ko": "바다로", "en": "Badaro"},
        "representative": "이바다",
        "email": "bada@example.com",
        "phone": "+821000000000",
        "business_number": "1248100998",
    }
    wrong = await vendor.post("/api/seller-applications", json={**body, "business_number": "1248100999"}, headers=key())
    assert wrong.status_code == 422
    made = await vendor.post("/api/seller-applications", json=body, headers=key())
    assert made.status_code == 201, made.text
    other = await market.client.post("/api/seller-applications", json=body, headers=key())
    assert other.json()["code"] == "MJ-COM-213"
    async with market.database.connect() as tx:
        sealed = await tx.scalar(sa.select(seller_application.c.contact))
    assert sealed is not None
    assert b"bada@example.com" not in sealed
    assert (await vendor.get("/api/vendor/orders")).status_code == 403
    boss = market.administrator()
    (waiting,) = (await boss.get("/api/selling/applications")).json()["applications"]
    assert waiting["contact"]["email"] == "bada@example.com"
    path = f"/api/selling/applications/{waiting['id']}/decision"
    decided = await boss.post(path, json={"approve": True, "commission": 800})
    assert decided.json()["state"] == "approved"
    assert (await boss.post(path, json={"approve": False, "reason": "no"})).json()["code"] == "MJ-COM-212"
    assert (await vendor.get("/api/vendor/orders")).json() == {"orders": [], "next": None}
    ways = {"methods": [{"code": "parcel", "name": {"ko": "택배"}, "days_min": 1, "days_max": 2, "rules": []}]}
    assert (await vendor.request("PUT", "/api/vendor/shipping-methods", json=ways)).status_code == 422
    ways["methods"][0]["rules"] = [{"fee": 2500, "region": "jeju"}]  # type: ignore[index]
    assert (await vendor.request("PUT", "/api/vendor/shipping-methods", json=ways)).status_code == 422
    ways["methods"][0]["rules"] = [{"fee": 2500}]  # type: ignore[index]
    kept = await vendor.request("PUT", "/api/vendor/shipping-methods", json=ways)
    assert [one["code"] for one in kept.json()["methods"]] == ["parcel", "pickup"]


async def test_a_vendor_ships_once_for_each_key(market: Market) -> None:
    order = await market.paid(tea=2)
    own, tea = order["orders"][0]["id"], await market.vendor(TEA)
    same = key()
    body = {"carrier": "cj", "lines": [{"sku": "TEA-SEJAK", "quantity": 1}]}
    answers = await asyncio.gather(
        *(tea.post(f"/api/vendor/orders/{own}/shipments", json=body, headers=same) for _ in range(4))
    )
    assert {one.status_code for one in answers} == {201}
    assert len({one.json()["id"] for one in answers}) == 1
    await market.agree()


async def test_lists_go_on_by_cursor(market: Market) -> None:
    made = [(await market.placed(tea=1, address=False))["id"] for _ in range(3)]
    first = (await market.client.get("/api/orders?limit=2")).json()
    rest = (await market.client.get(f"/api/orders?limit=2&before={first['next']}")).json()
    assert {one["id"] for one in first["orders"] + rest["orders"]} == set(made)
    assert rest["next"] is None
    assert (await market.client.get("/api/orders?limit=0")).status_code == 422
    tagged = await market.client.get(f"/api/orders/{made[0]}")
    unchanged = await market.client.get(f"/api/orders/{made[0]}", headers={"If-None-Match": tagged.headers["etag"]})
    assert unchanged.status_code == 304

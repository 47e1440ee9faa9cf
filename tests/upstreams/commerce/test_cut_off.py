"""Cut off at each step of checkout: money, stock and orders agree afterwards, and whoever waits gets there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import uuid4

import httpx2
import pytest

from tests.upstreams.commerce.market import ADDRESS, Cut, Market, key, lines
from tests.upstreams.payments.sandbox_process import GOOD, pay
from upstreams.commerce.faults import Point
from upstreams.trade.payments.driver import LEASE


async def goes_on(market: Market) -> None:
    """Another process takes over once the lease of the one that is gone is over."""
    market.clock.advance(LEASE.total_seconds() + 1)
    await market.driven()


@pytest.mark.parametrize(
    "point", ["placed", "place_committed", "begun", "returned", "paid", "paid_committed", "cancelled", "refunded"]
)
async def test_whatever_is_cut_off_is_done_once(market: Market, point: Point) -> None:
    market.faults.wanted = point
    same = {"Idempotency-Key": uuid4().hex}
    body = {"lines": lines(jar=1, tea=1), "destination": ADDRESS}

    async def again(act: Callable[[], Awaitable[httpx2.Response]]) -> httpx2.Response:
        """The client tries once more."""
        answer = await act()
        return await act() if answer.status_code == 500 else answer

    order = (await again(lambda: market.client.post("/api/orders", json=body, headers=same))).json()
    await market.agree()
    begun = await again(lambda: market.client.post(f"/api/orders/{order['id']}/payments", json={}))
    led = await pay(begun.json()["checkout"]["url"], GOOD)
    await again(lambda: market.client.get(f"/orders/{order['id']}/payments/back", params=led))
    try:
        await market.driven()
    except Cut:
        await market.agree()
        await goes_on(market)
    assert (await market.read(order["id"]))["state"] == "paid"
    await market.agree()
    part = order["orders"][0]["id"]
    path, cancelling = f"/api/orders/{order['id']}/parts/{part}/cancellations", key()
    cancelled = await again(lambda: market.client.post(path, json={}, headers=cancelling))
    assert cancelled.status_code == 201, cancelled.text
    try:
        await market.driven()
    except Cut:
        await market.agree()
        await goes_on(market)
    assert point in market.faults.met
    assert market.faults.wanted is None
    await market.agree()
    left = sum(one["goods"] + one["shipping"] for one in order["orders"] if one["id"] != part)
    balances = await market.balances()
    assert balances["provider"] == left
    assert "customers" not in balances
    assert len((await market.client.get("/api/orders")).json()["orders"]) == 1

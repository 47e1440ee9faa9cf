"""Carts of guests and of people: sealed cookie, merging at sign-in, what each seller takes for delivery."""

from __future__ import annotations

import re
from uuid import uuid4

import httpx2

from jose.assertion import Subject
from tests.upstreams.commerce.market import HONEY, JAR, SEJAK, TEA, Market, key
from tests.upstreams.conftest import Client, Someone

PAGE = {"Accept": "text/html"}


def guest(market: Market) -> Client:
    """Somebody whom nobody signed in."""
    return market.client.of(Someone(uuid4(), Subject()))


async def test_a_guest_s_cart_becomes_theirs_when_they_sign_in(market: Market) -> None:
    visitor = guest(market)
    added = await visitor.post("/api/cart/items", json={"offer": str(SEJAK), "quantity": 2}, headers=key())
    assert added.status_code == 201, added.text
    cookie = added.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert market.client.http.cookies.get("cart")
    again = await visitor.post("/api/cart/items", json={"offer": str(JAR)}, headers=key())
    assert [one["quantity"] for one in again.json()["items"]] == [2, 1]
    assert again.headers["etag"] != added.headers["etag"]
    (tea,) = [one for one in again.json()["sellers"] if one["seller"]["id"] == str(TEA)]
    assert (tea["shipping"], tea["seller"]["kind"]) == (3500, "vendor")
    # signed in, with something in their own cart from elsewhere
    kept = market.client.http.cookies.get("cart")
    market.client.http.cookies.clear()
    await market.client.post("/api/cart/items", json={"offer": str(SEJAK)}, headers=key())
    market.client.http.cookies.set("cart", kept)
    merged = await market.client.get("/api/cart")
    assert {one["offer"]: one["quantity"] for one in merged.json()["items"]} == {str(SEJAK): 3, str(JAR): 1}
    assert 'cart=""' in merged.headers["set-cookie"]
    # the cookie that somebody copied opens nothing any more
    copied = await visitor.get("/api/cart", headers={"Cookie": f"cart={kept}"})
    assert copied.json()["items"] == []


async def test_somebody_s_cookie_is_not_made_up(market: Market) -> None:
    for wrong in ("", "x", "AAAA", str(uuid4())):
        seen = await guest(market).get("/api/cart", headers={"Cookie": f"cart={wrong}"})
        assert seen.json()["items"] == []


async def test_jeju_costs_more_and_versions_are_kept(market: Market) -> None:
    item = {"offer": str(HONEY), "quantity": 1}
    same = key()
    first, twice = [await market.client.post("/api/cart/items", json=item, headers=same) for _ in range(2)]
    assert first.json() == twice.json()
    seoul = (await market.client.get("/api/cart?postcode=04524")).json()
    jeju = (await market.client.get("/api/cart?postcode=63100")).json()
    assert (seoul["shipping"], jeju["shipping"]) == (5000, 2500)
    old = first.headers["etag"]
    change = await market.client.request(
        "PUT", f"/api/cart/items/{HONEY}", json={"quantity": 3}, headers={"If-Match": old}
    )
    assert change.json()["goods"] == 135000
    stale = await market.client.request(
        "PUT", f"/api/cart/items/{HONEY}", json={"quantity": 1}, headers={"If-Match": old}
    )
    assert stale.json()["code"] == "MJ-COM-206"
    await market.client.request("PUT", f"/api/cart/items/{HONEY}", json={"quantity": 0})
    assert (await market.client.get("/api/cart")).json()["total"] == 0


async def test_from_the_cart_to_the_provider_by_forms(market: Market) -> None:
    await market.client.post("/api/cart/items", json={"offer": str(SEJAK), "quantity": 1}, headers=key())
    await market.client.post("/api/cart/items", json={"offer": str(JAR), "quantity": 1}, headers=key())
    form = (await market.client.get("/checkout", headers=PAGE)).text
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]+)"', form))
    lacking = await market.client.post("/checkout/review", data=fields, headers=PAGE)
    assert lacking.status_code == 422
    assert "Write the five digits of the postcode." in lacking.text
    fields |= {"recipient": "고은", "postcode": "63100", "address": "제주시 1", "paying": "card"}
    review = await market.client.post("/checkout/review", data=fields, headers=PAGE)
    assert review.status_code == 200, review.text
    assert "Once more" in review.text
    assert "₩165,000" in review.text  # goods 152,000, 6,000 and 7,000 to Jeju
    sent = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', review.text))
    placed = await market.client.post("/checkout/place", data=sent, headers=PAGE)
    assert placed.status_code == 303, placed.text
    assert "/pay/" in placed.headers["location"]
    again = await market.client.post("/checkout/place", data=sent, headers=PAGE)
    assert again.headers["location"] == placed.headers["location"]
    assert len((await market.client.get("/api/orders")).json()["orders"]) == 1
    assert (await market.client.get("/api/cart")).json()["items"] == []
    page = await market.client.get("/orders", headers=PAGE)
    assert "Received" in page.text
    assert await _led_elsewhere(market)
    await market.agree()


async def _led_elsewhere(market: Market) -> bool:
    """A form of another site changes nothing."""
    refused: httpx2.Response = await market.client.post(
        "/cart", data={"form_token": "x"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    return refused.json()["code"] == "MJ-DOOR-002"

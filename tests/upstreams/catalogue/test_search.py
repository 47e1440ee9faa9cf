"""Search over the running service, and a way of selling that nobody shipped."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from config.clock import SystemClock
from config.connections import Valkey
from config.entropy import SystemEntropy
from config.envelope import Envelope
from config.settings import Settings
from jose.assertion import AssertionSigner
from jose.entrance import Entrance
from jose.storage.keys import SigningKeys
from tests.upstreams.catalogue.conftest import Ask, asking, somebody
from tests.upstreams.catalogue.test_products import said
from tests.upstreams.conftest import Client, Databases, Someone
from upstreams.commerce import app as commerce_app
from upstreams.commerce.catalogue.types import Strategies, Strategy
from upstreams.commerce.search import searching
from upstreams.commerce.search.asked import read
from upstreams.commerce.search.indexing import bring_up_to_date
from upstreams.commerce.storage.index import StoredIndex
from upstreams.commerce.storage.search import StoredDocuments, StoredWords
from upstreams.commerce.upkeep import Upkeep
from upstreams.trade.payments.provider import Provider

_CHANGED_TWICE = sa.text("INSERT INTO commerce.search_change (product) VALUES (:product), (:product)")


async def found(shop: Client, query: str) -> dict[str, Any]:
    answer = await shop.get(f"/api/search?{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def codes(results: dict[str, Any]) -> list[str]:
    return [one["code"] for one in results["products"]]


async def test_what_is_meant_is_found(shop: Client):
    for typed in ("녹차", "녹챠", "노차", "ㄴㅊ", "세작 녹차", "sejak", "sejka", "Green Tea", "TEA-SEJAK"):
        assert "sejak-tea" in codes(await found(shop, f"q={typed}")), typed
    assert codes(await found(shop, "q=귤")) == ["native-honey"], "inside a compound"
    assert (await found(shop, "q=녹챠"))["corrected"] == "녹차"
    assert (await found(shop, "q=녹차"))["corrected"] is None
    assert (await found(shop, "q=녹차 honey"))["total"] == 0, "every word is looked for"
    assert codes(await found(shop, "q=qqqqqqq")) == []
    for odd in ("q='", "q=%26|!:*", "q=\\", "q=a%00b"):
        assert (await shop.get(f"/api/search?{odd}")).status_code in (200, 422)
    suggested = (await shop.get("/api/search/suggestions?q=보성 ㄴㅊ")).json()["suggestions"]
    assert suggested == ["보성 녹차"]


async def test_facets_count_what_each_would_leave(shop: Client):
    everything = await found(shop, "limit=1")
    facets = {one["group"]: {v["value"]: v["count"] for v in one["values"]} for one in everything["facets"]}
    assert sum(facets["seller"].values()) == everything["total"] == sum(facets["price"].values())
    mine = await found(shop, "seller=boseong-tea&limit=50")
    assert mine["total"] == facets["seller"]["boseong-tea"] == len(mine["products"])
    sellers = next(one for one in mine["facets"] if one["group"] == "seller")
    assert {v["value"]: v["count"] for v in sellers["values"]} == facets["seller"], "alternatives stay in sight"
    assert [v["value"] for v in sellers["values"] if v["taken"]] == ["boseong-tea"]
    both = await found(shop, "seller=boseong-tea&seller=jeju-farm&limit=50")
    assert both["total"] == facets["seller"]["boseong-tea"] + facets["seller"]["jeju-farm"]


@pytest.mark.parametrize("order", ["best", "new", "cheap", "dear"])
@pytest.mark.parametrize("cap", [2, 1000])
async def test_pages_make_up_the_whole(shop: Client, monkeypatch: pytest.MonkeyPatch, order: str, cap: int):
    monkeypatch.setattr(searching, "CAP", cap)
    for words in ("q=", "q=demo&available=now", "available=now"):
        search = f"{words}&order={order}"
        whole = codes(await found(shop, f"{search}&limit=100"))
        paged: list[str] = []
        after = ""
        while True:
            page = await found(shop, f"{search}&limit=3{after}")
            paged += codes(page)
            if page["next"] is None:
                break
            after = f"&after={page['next']}"
        assert paged == whole
    prices = [one["offers"][0]["price"] for one in (await found(shop, f"order={order}&limit=100"))["products"]]
    if order in ("cheap", "dear"):
        assert prices == sorted(prices, reverse=order == "dear")
    stale = await shop.get(f"/api/search?q=tea{after}")
    assert after == "" or stale.json()["code"] == "MJ-COM-107"


async def test_the_last_piece_leaves_the_facet(shop: Client, administrator: Ask, upkeep: Upkeep):
    place = "stock/SEA-GAMTAE/jeju"
    tag = (await administrator("GET", place)).headers["etag"]
    assert "gamtae" in codes(await found(shop, "q=gamtae&available=now"))
    await administrator("PUT", place, tag=tag, json={"on_hand": 2, "reason": "counted"})
    assert await upkeep.index() == 0, "some are left: search has nothing to hear"
    tag = (await administrator("GET", place)).headers["etag"]
    await administrator("PUT", place, tag=tag, json={"on_hand": 0, "reason": "counted"})
    assert await upkeep.index() == 1
    assert "gamtae" not in codes(await found(shop, "q=gamtae&available=now"))
    assert "gamtae" in codes(await found(shop, "q=gamtae"))


async def test_a_word_is_forgotten_with_its_last_document(shop: Client, database: Databases):
    async with database("commerce").begin() as tx:
        index = StoredIndex()
        product = (await StoredDocuments().hits(tx, read([]), "'sejak'", "'sejak'", cap=10)).page[0].product
        assert await StoredWords().beginning(tx, "sejak", limit=5) == ["sejak"]
        await index.write(tx, [product], [])
        assert await StoredWords().beginning(tx, "sejak", limit=5) == []
        await tx.execute(_CHANGED_TWICE, {"product": product})
        assert await bring_up_to_date(tx, index, limit=10) == 1
        assert await bring_up_to_date(tx, index, limit=10) == 0
        assert await StoredWords().beginning(tx, "sejak", limit=5) == ["sejak"]


async def test_what_is_left_is_asked_cheaply(shop: Client):
    offer = (await found(shop, "q=sejak"))["products"][0]["offers"][0]["id"]
    first = await shop.get(f"/api/availability?offer={offer}")
    assert first.json() == {"offers": [{"id": offer, "available": 80}]}
    known = {"If-None-Match": first.headers["etag"]}
    assert (await shop.get(f"/api/availability?offer={offer}", headers=known)).status_code == 304
    assert (await shop.get("/api/availability?offer=x")).status_code == 422


async def test_the_pages_search_without_a_script(shop: Client):
    page = await shop.get("/?q=녹챠&locale=ko", headers={"Accept": "text/html"})
    assert "보성 세작 녹차" in page.text
    assert "비슷한 말로 찾았어요" in page.text
    page = await shop.get("/?seller=jeju-farm&order=cheap&locale=en", headers={"Accept": "text/html"})
    assert 'name="seller" value="jeju-farm" checked' in page.text
    assert "Boseong sejak" not in page.text
    assert (await shop.get("/?order=odd", headers={"Accept": "text/html"})).status_code == 422


async def test_a_third_way_of_selling_is_no_migration(
    database: Databases,
    shop_data: None,
    envelope: Envelope,
    signer: AssertionSigner,
    valkey: Valkey,
    provider: Provider,
    settings: Settings,
) -> None:
    voucher = Strategy(
        "voucher",
        said("상품권", "Voucher"),
        act="order",
        counted="nowhere",
        attributes={"properties": {"valid_days": {"type": "integer", "minimum": 1}}, "required": ["valid_days"]},
    )
    strategies, clock = Strategies([*Strategies(), voucher]), SystemClock()
    entrance = await Entrance.open("commerce", database("commerce"), SigningKeys(envelope).assertion_keys, clock)
    app = commerce_app.application(
        database("commerce"), valkey, envelope, clock, SystemEntropy(), provider, settings, strategies=strategies
    )
    transport = httpx2.ASGITransport(app=entrance.around(app))
    async with httpx2.AsyncClient(transport=transport, base_url="http://shop.localhost:8080") as http:
        shop = Client(http, "commerce", signer, Someone.new(), envelope)
        administrator = asking(shop.of(somebody("administrator")))
        kind = {"strategy": "voucher", "name": said("선물 카드", "Gift card")}
        assert (await administrator("PUT", "types/gift_card", json=kind)).status_code == 200
        card = {
            "code": "card",
            "type": "gift_card",
            "name": said("선물 카드", "Gift card"),
            "description": said("마음을 전해요.", "It says it."),
            "base_price": 50_000,
        }
        refused = await administrator("POST", "products", json=card)
        assert refused.json()["detail"] == "valid_days: it is needed"
        card["attributes"] = {"valid_days": 365}
        assert (await administrator("POST", "products", json=card)).status_code == 201
        assert (await administrator("PUT", "products/card/skus/CARD-50", tag="*", json={})).status_code == 200
        assert (await administrator("PUT", "products/card/offers/CARD-50", json={})).status_code == 200
        assert (await administrator("POST", "products/card/versions", json={"number": "1"})).status_code == 201
        for state in ("development", "testing", "ready", "on_sale"):
            moved = await administrator("POST", "products/card/transitions", json={"to": state})
            assert moved.status_code == 200
        shown = (await shop.get("/api/products/card")).json()
        assert (shown["type"], shown["offers"][0]["available"]) == ("gift_card", None)
        page = await shop.get("/products/card", headers={"Accept": "text/html"})
        assert "Available" in page.text
        async with database("commerce").begin() as tx:
            assert await bring_up_to_date(tx, StoredIndex(strategies), limit=10)
        assert codes(await found(shop, "q=ㅅㅁ 카드&available=now")) == ["card"]
    # a process that does not know it sells everything else
    older = commerce_app.application(database("commerce"), valkey, envelope, clock, SystemEntropy(), provider, settings)
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=entrance.around(older)), base_url="http://shop.localhost:8080"
    ) as http:
        listed = (await Client(http, "commerce", signer, Someone.new(), envelope).get("/api/products")).json()
        assert "card" not in codes(listed)
        assert "sejak-tea" in codes(listed)

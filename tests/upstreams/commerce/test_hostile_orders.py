"""Whatever is sent, it is answered in the form of a problem, and never by 500."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.upstreams.commerce.market import SEJAK, TEA, Market, key
from upstreams.commerce.endpoints.order_description import OPERATIONS, described
from upstreams.commerce.storage.order_tables import seller_member
from upstreams.door.forms import FormTokens

values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.text(max_size=8)
    | st.sampled_from(["\x00", "ko", str(SEJAK), "card", "0" * 600, "9999-01-01", "2026-11-01", "approved", "done"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["lines", "ko", "x"]), inner, max_size=3)
    ),
    max_leaves=5,
)


def body(kind: type[msgspec.Struct] | None) -> st.SearchStrategy[Any]:
    """Mostly members that it has, with values of any kind."""
    if kind is None:
        return st.just({})
    names = [field.encode_name for field in msgspec.structs.fields(kind)]
    return st.dictionaries(st.sampled_from(names), values, max_size=len(names))


@pytest.mark.proof
async def test_nothing_that_is_sent_is_answered_by_500(market: Market) -> None:
    boss = market.administrator()
    async with market.database.begin() as tx:
        await tx.execute(sa.insert(seller_member).values(seller=TEA, person=boss.someone.id, since=market.clock.now()))
    order = await market.placed(client=boss, tea=1)
    known = {"id": order["id"], "part": order["orders"][0]["id"], "offer": str(SEJAK)}
    sent: list[tuple[str, str, Any]] = []

    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(st.data())
    def choose(data: st.DataObject) -> None:
        for one in OPERATIONS:
            path = re.sub(
                r"\{(\w+)\}",
                lambda found: data.draw(st.sampled_from([known.get(found[1], ""), str(uuid4())])),
                one.path,
            )
            sent.append((one.method, path, data.draw(body(one.asks))))

    choose()
    for method, path, content in sent:
        answer = await boss.request(
            method,
            path,
            content=msgspec.json.encode(content),
            headers={"Content-Type": "application/json", **key()},
        )
        assert answer.status_code < 500, (method, path, content, answer.text)
    await market.agree()


async def test_forms_and_queries_that_make_no_sense_are_refused(market: Market) -> None:
    token = FormTokens(market.client.envelope, market.clock).issue(market.client.someone.subject.sid)
    order = await market.placed(tea=1)
    part = order["orders"][0]["id"]
    forms: list[tuple[str, dict[str, str]]] = [
        ("/cart", {"quantity.x": "1"}),
        ("/cart/items", {"offer": str(SEJAK), "quantity": "-1", "key": "k" * 8}),
        ("/checkout/place", {"key": "k" * 8, "agreed": "1", f"item.{SEJAK}": "0"}),
        ("/checkout/place", {"key": "k" * 8, "agreed": "x"}),
        ("/checkout/review", {"paying": "gold"}),
        (f"/orders/{order['id']}/cancel", {"part": part, "quantity.TEA-SEJAK": "-1", "key": "k" * 8}),
        (f"/orders/{order['id']}/cancel", {"part": part, "quantity.TEA-SEJAK": "1", "key": "k" * 8, "reason": "\x00"}),
        (f"/orders/{order['id']}/feedback", {"part": part, "stars": "6"}),
        (f"/vendor/orders/{part}", {"act": "track:gone"}),
    ]
    for path, form in forms:
        answer = await market.client.post(path, data={"form_token": token, **form})
        assert 400 <= answer.status_code < 500, (path, form, answer.status_code)
    for path in ("/api/cart?postcode=%00", "/api/orders?before=x", "/api/orders?limit=x", f"/api/orders/{uuid4()}"):
        assert 400 <= (await market.client.get(path)).status_code < 500


def test_every_operation_is_described_with_its_problems() -> None:
    document = described()
    assert document["openapi"] == "3.1.0"
    assert sum(len(methods) for methods in document["paths"].values()) == len(OPERATIONS)

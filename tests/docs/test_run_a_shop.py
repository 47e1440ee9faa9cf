"""What `docs/how-to/run-a-shop.md` says of requests, addresses, codes and times."""

from __future__ import annotations

import re
from datetime import timedelta

import msgspec
import pytest

from tests.docs.test_examples import PROJECT, blocks
from upstreams.commerce.endpoints import asked
from upstreams.commerce.endpoints.order_description import described
from upstreams.commerce.ordering.placing import DEPOSIT_WITHIN, HELD_FOR
from upstreams.commerce.ordering.withdrawal import RETURN_WITHIN
from upstreams.commerce.sellers.application import checksum_holds
from upstreams.commerce.shipping.rates import Rule, checked

PAGE = PROJECT / "docs" / "how-to" / "run-a-shop.md"
KINDS = {
    "/api/seller-applications": asked.AskedApplication,
    "/api/selling/applications/ID/decision": asked.AskedDecision,
    "/api/vendor/shipping-methods": asked.AskedMethods,
    "/api/orders": asked.AskedOrder,
    "/api/selling/deposits": asked.AskedDeposit,
    "/api/selling/settlements": asked.AskedSettlement,
}


def test_its_requests_are_understood_and_described() -> None:
    paths = {re.sub(r"\{\w+\}", "ID", path): methods for path, methods in described()["paths"].items()}
    found = {}
    for _, request in blocks(PAGE, "http"):
        method, path = request.split("\n", 1)[0].split()
        found[path] = msgspec.json.decode(request.rpartition("\n\n")[2], type=KINDS[path])
        assert method.lower() in paths[path]
    assert set(found) == set(KINDS)
    application, methods = found["/api/seller-applications"], found["/api/vendor/shipping-methods"]
    assert isinstance(application, asked.AskedApplication)
    assert checksum_holds(application.business_number)
    assert isinstance(methods, asked.AskedMethods)
    assert checked([Rule(one.region, one.from_grams, one.fee, one.free_from) for one in methods.methods[0].rules])


def test_its_times_are_those_of_orders() -> None:
    assert (timedelta(minutes=30), timedelta(days=3), timedelta(days=7)) == (HELD_FOR, DEPOSIT_WITHIN, RETURN_WITHIN)


@pytest.mark.parametrize("code", re.findall(r"`(MJ-COM-\d{3})`", PAGE.read_text(encoding="utf-8")))
def test_its_codes_are_told(code: str) -> None:
    assert code in {
        kind.code
        for name in ("purchase", "states", "withdrawal")
        for kind in vars(__import__(f"upstreams.commerce.ordering.{name}", fromlist=[name])).values()
        if hasattr(kind, "code")
    } | {"MJ-COM-214", "MJ-COM-241", "MJ-COM-251"}

"""The API of the catalogue, by the description that it gives of itself, asked by an administrator of the shop."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import pytest

from config.settings import Settings
from jose.keys import KeyRing
from tests.fuzz.conformance import ask_everything
from tests.fuzz.serving import served
from tests.fuzz.test_admin_apis import Administrator, _assertion_keys
from upstreams.commerce import app as commerce
from upstreams.commerce import demo
from upstreams.commerce.endpoints.description import described
from upstreams.door.demo_shop import ident

ORIGIN = "http://shop.localhost:8080"


@pytest.fixture
async def ring(settings: Settings) -> KeyRing:
    await demo.load(settings)
    return await _assertion_keys(settings)


@pytest.mark.proof
def test_every_operation_keeps_to_its_description(settings: Settings, ring: KeyRing) -> None:
    asserted = Administrator(ring, "commerce", str(ident("person", "an administrator")), "")
    numbers = itertools.count()

    def headers(path: str) -> Mapping[str, str]:
        return {**asserted(path), "Idempotency-Key": f"fuzz-{next(numbers):08d}", "If-Match": "*"}

    known = {
        "code": "moon-jar",
        "sku": "JAR-WHITE",
        "warehouse": "icheon",
        "to": "suspended",
        "number": "2.0",
        "offer": str(ident("offer", "dalbit:JAR-WHITE")),
        "q": "달항아리",
        "quantity": 1,
        "type": "sale",
        "attributes": {},
        "category": "craft",
    }
    socket = settings.upstream_socket("commerce")
    with served(commerce.serve, settings, socket, ORIGIN) as client:
        assert ask_everything(described(), client, known, headers, 40) > 200

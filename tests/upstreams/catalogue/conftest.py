"""Those who look after products, and the worker beside them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
import sqlalchemy as sa

from config.clock import SystemClock
from config.entropy import SystemEntropy
from config.envelope import Envelope
from jose.assertion import Subject
from tests.upstreams.conftest import Client, Databases, Someone
from upstreams.commerce.storage.tables import seller
from upstreams.commerce.upkeep import Upkeep, build
from upstreams.door.demo_shop import ident

BASE = "/api/administration"
Ask = Callable[..., Awaitable[httpx2.Response]]


def somebody(*roles: str, organisation: UUID | None = None) -> Someone:
    """Somebody with these roles."""
    id_ = uuid4()
    org = str(organisation) if organisation else ""
    return Someone(
        id_, Subject(sid=id_.hex[:22], sub=str(id_), name="", locale="en", roles=roles, **({"org": org} if org else {}))
    )


def asking(client: Client) -> Ask:
    """Ask the administration: paths below its base, a fresh key with every POST, `tag` as If-Match."""

    async def ask(method: str, path: str, *, tag: str | None = None, **options: Any) -> httpx2.Response:
        headers = {**options.pop("headers", {}), **({"If-Match": tag} if tag else {})}
        if method == "POST":
            headers.setdefault("Idempotency-Key", uuid4().hex)
        return await client.request(
            method, path if path.startswith("/") else f"{BASE}/{path}", headers=headers, **options
        )

    return ask


@pytest.fixture
def administrator(shop: Client) -> Ask:
    return asking(shop.of(somebody("administrator")))


@pytest.fixture
async def vendor(shop: Client, database: Databases) -> Ask:
    """Somebody of the tea garden."""
    organisation = uuid4()
    async with database("commerce").begin() as tx:
        mine = sa.update(seller).where(seller.c.id == ident("seller", "boseong-tea"))
        await tx.execute(mine.values(organisation=organisation))
    return asking(shop.of(somebody("vendor", organisation=organisation)))


@pytest.fixture
def upkeep(database: Databases, envelope: Envelope) -> Upkeep:
    """The worker, which does not run by itself."""
    return build(database("commerce"), envelope, SystemClock(), SystemEntropy())

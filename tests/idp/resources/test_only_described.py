"""Registration where only what is described may be had: whole or not at all, and with the member that is wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import text

from config.connections import Valkey
from config.settings import Settings
from idp.directory.account import Organisation
from idp.storage import directory, resource_servers
from tests.clock import FakeClock
from tests.idp.administration.conftest import House, house
from tests.idp.conftest import OpenDatabase
from tests.idp.people import BEGUN, HOUSE
from tests.idp.provider import CALLBACK, Provider, running_provider
from tests.idp.resources.described import NOBODYS, ORDERS, STOCK, describe, orders, scope, server

__all__ = ["house"]
OTHER = UUID("00000000-0000-4000-8000-0000000000bb")
ASKED = {"redirect_uris": [CALLBACK], "client_name": "The App"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Everybody may register, and only what is described."""
    changed = {"require_described_resources": True, "registration": "open"}
    return settings.model_copy(update={"idp": settings.idp.model_copy(update=changed)})


@pytest.fixture
async def provider(
    settings: Settings, database: OpenDatabase, valkey: Valkey, clock: FakeClock
) -> AsyncIterator[Provider]:
    async with running_provider(settings, database("idp"), valkey, clock) as running:
        yield running


async def register(provider: Provider, **changed: object) -> httpx2.Response:
    async with provider.client() as http:
        return await http.post("/register", json={**ASKED, **changed})


@pytest.mark.parametrize(
    ("member", "said"),
    [
        ({"scope": "openid nobodys"}, "scope: 'nobodys' may not be had"),
        ({"scope": "openid orders.read"}, "scope: 'orders.read' may not be had"),
        ({"resources": [ORDERS]}, "resources are granted by an administrator alone"),
    ],
)
async def test_a_stranger_is_told_what_may_not_be_had(
    provider: Provider, database: OpenDatabase, member: dict[str, object], said: str
) -> None:
    await describe(provider, orders())
    refused = await register(provider, **member)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_client_metadata")
    assert refused.json()["error_description"] == said
    async with database("idp").connect() as tx:
        assert (await tx.execute(text("SELECT count(*) FROM idp.client"))).scalar() == 0
    made = await register(provider, scope="openid email")
    assert (made.status_code, made.json()["scope"]) == (201, "openid email")


async def test_an_administrator_names_what_is_described_for_the_organisation(house: House) -> None:
    async with house.database("idp").begin() as tx:
        other = Organisation(id=OTHER, name="Other", time_zone="Asia/Seoul", duplicate_login=None)
        await directory.put_organisation(tx, other, BEGUN)
        theirs = server(STOCK, scope("stock"), organisation_id=OTHER)
        for one in (orders(), theirs):
            assert await resource_servers.add(tx, one)
            await resource_servers.put_scopes(tx, one)

    async def add(**metadata: Any) -> httpx2.Response:
        asked = {"why": "a partner", "organisation_id": str(HOUSE), "client_id": "shop"}
        return await house("POST", "/clients", {**asked, "metadata": {**ASKED, **metadata}})

    for metadata, said in (
        ({"scope": "openid nobodys"}, "scope: nobody has described nobodys"),
        ({"resources": [ORDERS, NOBODYS]}, f"resources: nobody has described {NOBODYS}"),
        ({"scope": "openid stock"}, "scope: nobody has described stock"),
        ({"resources": [STOCK]}, f"resources: nobody has described {STOCK}"),
    ):
        refused = await add(**metadata)
        assert (refused.status_code, refused.json()["code"]) == (422, "MJ-IDENTITY-020")
        assert refused.json()["detail"] == said
    assert await house.rows("SELECT * FROM idp.client") == []
    made = await add(scope="openid orders.read", resources=[ORDERS])
    assert made.status_code == 201, made.text
    version, metadata = made.json()["client"]["version"], made.json()["client"]["metadata"]
    changed = {"why": "more", "version": version, "metadata": {**metadata, "scope": "openid nobodys"}}
    refused = await house("PUT", "/clients/shop", changed)
    assert (refused.status_code, refused.json()["detail"]) == (422, "scope: nobody has described nobodys")
    another = await house("POST", "/clients/shop/secret", {"why": "lost", "version": version})
    assert another.status_code == 200, "what is only switched or proven otherwise is not asked again"

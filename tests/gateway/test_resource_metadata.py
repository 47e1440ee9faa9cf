"""RFC 9728: what each host says of itself as a protected resource, and where a challenge points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from sqlalchemy import text

from config.connections import Database, open_database
from config.recollection import UNVOUCHED
from config.sections.engines import Role
from config.settings import Settings
from gateway.exchange import Answer, Forward
from gateway.resource_metadata import ResourceMetadata
from gateway.storage.described_hosts import DescribedHosts
from tests.gateway.rig import ISSUER, Rig, bearer, head

SHOP, CONSOLE = "http://shop.localhost:8080", "http://console.localhost:8080"
WELL_KNOWN = "/.well-known/oauth-protected-resource"
PERSON = "1f3c8a54-90b4-4a5b-8f3e-2b6d3a1e4c01"
Databases = Callable[[Role], Database]


async def describe(database: Databases, identifier: str, *scopes: str, organisation_id: UUID | None = None) -> None:
    """Keep it as the identity provider does."""
    name = {"ko": "달빛상점", "en": "Dalbit Shop"}
    async with database("owner").begin() as tx:
        if organisation_id is not None:
            await tx.execute(
                text("INSERT INTO idp.organisation (id, name, created_at) VALUES (:id, 'Other', now())"),
                {"id": organisation_id},
            )
        made = await tx.execute(
            text(
                "INSERT INTO idp.resource_server (id, identifier, name, organisation_id, created_at, updated_at) "
                "VALUES (:id, :identifier, :name, :organisation_id, now(), now()) RETURNING id"
            ),
            {
                "id": uuid4(),
                "identifier": identifier,
                "name": msgspec.json.encode(name).decode(),
                "organisation_id": organisation_id,
            },
        )
        ident = made.scalar_one()
        await tx.execute(
            text("INSERT INTO idp.resource_scope (name, resource_id, words) VALUES (:name, :id, '{}')"),
            [{"name": one, "id": ident} for one in scopes],
        )


async def document(rig: Rig, host: str = "shop.localhost") -> dict[str, Any]:
    answer = await rig.ask(head(WELL_KNOWN, host=host))
    assert isinstance(answer, Answer)
    assert answer.status == 200
    read: dict[str, Any] = msgspec.json.decode(answer.body)
    return read


async def test_each_host_says_who_issues_its_tokens(rig: Rig) -> None:
    answer = await rig.ask(head(WELL_KNOWN))
    assert isinstance(answer, Answer)
    assert answer.status == 200
    assert msgspec.json.decode(answer.body) == {
        "resource": SHOP,
        "authorization_servers": ["http://localhost:9000"],
        "scopes_supported": ["openid", "profile", "email"],
        "bearer_methods_supported": ["header"],
    }
    elsewhere = await rig.ask(head(WELL_KNOWN, host="unknown.localhost"))
    assert isinstance(elsewhere, Answer)
    assert elsewhere.status == 404


@pytest.mark.parametrize(
    ("host", "said"),
    [
        (b"shop.localhost:8080", f', resource_metadata="{SHOP}/.well-known/oauth-protected-resource"'),
        (b'shop.localhost:"x', ""),
        (b"shop.localhost/..", ""),
    ],
)
async def test_a_challenge_says_where_that_is(rig: Rig, host: bytes, said: str) -> None:
    asked = await rig.ask(head("/cart", headers=[(b"host", host)]))
    assert isinstance(asked, Answer)
    assert dict(asked.headers)[b"www-authenticate"].decode() == f'Bearer realm="munjigi"{said}'
    refused = await rig.ask(head("/cart", headers=[(b"host", host), bearer("a.b.c")]))
    assert isinstance(refused, Answer)
    challenge = dict(refused.headers)[b"www-authenticate"].decode()
    assert 'error="invalid_token"' in challenge
    assert challenge.partition(", resource_metadata")[2] == said.partition(", resource_metadata")[2]


async def test_a_token_for_another_resource_alone_opens_nothing(rig: Rig) -> None:
    await rig.project()
    for audience, status in (("https://api.example/", 401), (["https://api.example/", "urn:munjigi:services"], None)):
        verdict = await rig.ask(head("/products", headers=[bearer(rig.token(aud=audience))]))
        assert (verdict.status if isinstance(verdict, Answer) else None) == status


async def test_a_host_that_the_house_describes_names_its_scopes(rig: Rig, database: Databases) -> None:
    assert (await document(rig))["scopes_supported"] == ["openid", "profile", "email"]
    await describe(database, SHOP, "orders.write", "orders.read")
    assert (await document(rig))["scopes_supported"] == ["openid", "profile", "email"], "it is remembered"
    rig.metadata.changed()
    said = await document(rig)
    assert said["scopes_supported"] == ["openid", "profile", "email", "orders.read", "orders.write"]
    assert (said["resource_name"], said["resource_name#ko"]) == ("Dalbit Shop", "달빛상점")
    assert "orders.read" not in (await document(rig, "console.localhost"))["scopes_supported"]


async def test_while_nobody_vouches_that_changes_are_told_it_is_asked_anew(rig: Rig, database: Databases) -> None:
    await document(rig)
    await describe(database, SHOP, "orders.read")  # and the event is lost
    rig.clock.advance(UNVOUCHED)
    rig.beat()
    assert (await document(rig))["scopes_supported"] == ["openid", "profile", "email"], "by the lease it is believed"
    rig.clock.advance(UNVOUCHED)
    assert (await document(rig))["scopes_supported"] == ["openid", "profile", "email", "orders.read"]


async def test_what_an_organisation_says_of_a_host_of_ours_is_not_published(rig: Rig, database: Databases) -> None:
    await describe(database, SHOP, "anything", organisation_id=uuid4())
    assert (await document(rig))["scopes_supported"] == ["openid", "profile", "email"]


async def test_without_its_database_it_says_what_it_knows(rig: Rig, settings: Settings) -> None:
    away = open_database(
        settings.model_copy(
            update={"database": settings.database.model_copy(update={"url": "postgresql+asyncpg://x@/x?host=/nowhere"})}
        ),
        "gateway",
    )
    metadata = ResourceMetadata(
        hosts=DescribedHosts(),
        database=away,
        clock=rig.clock,
        scheme="http",
        issuer=ISSUER,
        lease=rig.sessions.lease,
    )
    answer = await metadata.document("shop.localhost:8080")
    said = msgspec.json.decode(answer.body)
    assert (said["resource"], said["authorization_servers"]) == (SHOP, [ISSUER])
    assert "scopes_supported" not in said
    assert dict(answer.headers)[b"cache-control"] == b"no-store"
    await away.dispose()


async def test_a_token_for_a_host_alone_is_good_there_alone(rig: Rig) -> None:
    """What the document names is what a client asks a token for (RFC 9728, section 7.4; RFC 8707)."""
    await rig.project()

    async def at(host: str, path: str, token: str) -> int | None:
        verdict = await rig.ask(head(path, host=host, headers=[bearer(token)]))
        assert isinstance(verdict, Answer | Forward)
        return verdict.status if isinstance(verdict, Answer) else None

    shop = rig.token(aud=SHOP, sub=PERSON)
    for _ in range(2):
        assert await at("shop.localhost", "/products", shop) is None
        assert await at("console.localhost", "/api/policy/versions", shop) == 401
    administrator = {"sub": PERSON, "roles": ["administrator"], "acr": "urn:munjigi:acr:2"}
    both = rig.token(aud=[CONSOLE, SHOP], **{**administrator, "roles": ["administrator", "customer"]})
    for _ in range(2):
        assert await at("console.localhost", "/api/policy/versions", both) is None
        assert await at("shop.localhost", "/products", both) is None
    for elsewhere in ("https://shop.localhost:8080", "http://shop.localhost", f"{SHOP}/", "shop.localhost:8080"):
        assert await at("shop.localhost", "/products", rig.token(aud=elsewhere, sub=PERSON)) == 401


async def test_a_token_that_calls_people_otherwise_is_good_at_no_host(rig: Rig) -> None:
    await rig.project()
    pairwise = rig.token(aud=SHOP, sub="oYl0Zq0p1FQ8hZ8qVQ3l1oYl0Zq0p1FQ8hZ8qVQ3l1A", client_id="app")
    verdict = await rig.ask(head("/products", headers=[bearer(pairwise)]))
    assert isinstance(verdict, Answer)
    assert verdict.status == 401

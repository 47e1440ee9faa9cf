"""People see every scope that is asked for: in words that may be believed, otherwise by its bare name."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import inspect
from sqlalchemy.dialects import postgresql

from idp.clients.metadata import ClientMetadata
from idp.directory.account import Organisation
from idp.grants.ciba import CIBA
from idp.grants.device_code import DEVICE_CODE
from idp.resources.resource_server import ResourceScope, ResourceServer
from idp.storage import clients, directory, resource_servers
from idp.storage.resource_tables import metadata
from tests.idp.account.conftest import Arrive
from tests.idp.conftest import OpenDatabase
from tests.idp.grants.backchannel import begin, till_of
from tests.idp.grants.programs import change
from tests.idp.login_pages.test_consent import answer, asked
from tests.idp.login_pages.test_sign_in import person
from tests.idp.people import BEGUN
from tests.idp.provider import App, Provider

OTHER = UUID("00000000-0000-4000-8000-0000000000bb")
SERVER = ResourceServer(
    id=UUID(int=7),
    identifier="https://orders.example/api",
    name={"ko": "주문", "en": "Orders"},
    organisation_id=None,
    scopes=(ResourceScope("orders.read", {"ko": "내 <주문> 보기", "en": "see your <orders>"}),),
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    updated_at=datetime(2026, 1, 1, tzinfo=UTC),
)


async def describe(provider: Provider, server: ResourceServer) -> None:
    async with provider.parts.database.begin() as tx:
        assert await resource_servers.add(tx, server)
        assert not await resource_servers.put_scopes(tx, server)
    provider.parts.described.on_event("resource", {"resource_id": str(server.id)})


async def shop(provider: Provider) -> App:
    """An app of others that asks for an API's scopes, too."""
    app = await provider.register(metadata=ClientMetadata(consent_required=True, resources=(SERVER.identifier,)))
    client = await provider.parts.clients.find(app.client_id)
    assert client is not None
    async with provider.parts.database.begin() as tx:
        await clients.put(tx, replace(client, scopes=(*client.scopes, "orders.read", "orders.write")), BEGUN)
    provider.parts.clients.on_event("client", {"client_id": app.client_id})
    return app


async def test_the_consent_page_and_the_account_show_every_scope(provider: Provider) -> None:
    app = await shop(provider)
    await person(provider)
    browser = provider.browser("10.0.0.1")
    scope = "openid orders.write orders.read"
    page = await asked(provider, browser, app, scope=scope)
    assert "what the app calls “orders.read”" in page.text
    await describe(provider, SERVER)
    page = await asked(provider, browser, app, scope=scope)
    assert "see your &lt;orders&gt;" in page.text
    assert "what the app calls “orders.write”" in page.text
    assert "orders.read" not in page.text
    korean = await asked(provider, browser, app, scope=scope, ui_locales="ko")
    assert "내 &lt;주문&gt; 보기" in korean.text
    await answer(browser, page, "allow")


async def test_the_pages_of_another_screen_show_every_scope(provider: Provider, arrive: Arrive) -> None:
    """The page of a device's code, and the one where an app asks a person who is elsewhere."""
    await describe(provider, SERVER)
    till = await till_of(provider, resources=(SERVER.identifier,))
    scopes = ("openid", "orders.read", "orders.write")
    await change(provider, till, scopes=scopes, grant_types=(DEVICE_CODE, CIBA))
    mina, scope = await arrive(), " ".join(scopes)
    form = {"scope": scope, "resource": SERVER.identifier}
    begun = (await provider.post("/device_authorization", form, provider.basic(till))).json()
    await begin(provider, till, **form)
    device = await mina.get(f"/device?user_code={begun['user_code']}")
    for page in (device, await mina.get("/account/requests")):
        assert "see your &lt;orders&gt;" in page.text
        assert "what the app calls “orders.write”" in page.text


async def test_words_of_another_organisation_are_not_believed(provider: Provider) -> None:
    app = await shop(provider)
    async with provider.parts.database.begin() as tx:
        await directory.put_organisation(
            tx,
            Organisation(id=OTHER, name="Other", time_zone="Asia/Seoul", duplicate_login=None),
            BEGUN,
        )
    await describe(provider, replace(SERVER, organisation_id=OTHER))
    client = await provider.parts.clients.find(app.client_id)
    assert client is not None
    words = provider.parts.scope_words
    [theirs] = await words.lines(["orders.read"], client)
    [nobodys] = await words.lines(["orders.read"], None)
    [own] = await words.lines(["orders.read"], replace(client, organisation_id=OTHER))
    assert (theirs.words, nobodys.words, own.words) == ({}, {}, SERVER.scopes[0].words)


async def test_a_node_forgets_when_it_is_told_so(provider: Provider) -> None:
    words = provider.parts.scope_words
    [before] = await words.lines(["orders.read"], None)
    async with provider.parts.database.begin() as tx:
        await resource_servers.add(tx, SERVER)
        await resource_servers.put_scopes(tx, SERVER)
    [remembered] = await words.lines(["orders.read"], None)
    provider.parts.described.on_event("client", {})
    [still] = await words.lines(["orders.read"], None)
    provider.parts.described.on_event("resource", {})
    [after] = await words.lines(["orders.read"], None)
    assert [bool(one.words) for one in (before, remembered, still, after)] == [False, False, False, True]


async def test_columns(database: OpenDatabase) -> None:
    dialect = postgresql.dialect()
    async with database("owner").connect() as tx:
        found = {
            table.name: await tx.run_sync(
                lambda connection, name=table.name: {
                    (column["name"], column["type"].compile(dialect), column["nullable"])
                    for column in inspect(connection).get_columns(name, schema="idp")
                }
            )
            for table in metadata.tables.values()
        }
    for table in metadata.tables.values():
        assert {(c.name, c.type.compile(dialect), bool(c.nullable)) for c in table.c} == found[table.name]

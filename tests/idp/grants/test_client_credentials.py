"""Client credentials (RFC 6749, section 4.4): whom they are given to, what is in the token, and how it dies."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from events.storage import outbox
from idp.clients.metadata import ClientMetadata
from idp.storage import machine_sessions
from tests.clock import FakeClock
from tests.idp.grants.programs import change, claims, program
from tests.idp.login_pages.test_sign_in import kinds
from tests.idp.provider import App, Provider
from tests.idp.waiting import OpenDatabase

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


async def ask(provider: Provider, app: App, **form: str) -> httpx2.Response:
    return await provider.token(app, grant_type="client_credentials", **form)


async def active(provider: Provider, app: App, token: str) -> bool:
    auth = httpx2.BasicAuth(app.client_id, app.secret or "")
    return bool((await provider.post("/introspect", {"token": token}, auth)).json()["active"])


async def revoke(provider: Provider, app: App, token: str) -> httpx2.Response:
    return await provider.post("/revoke", {"token": token}, httpx2.BasicAuth(app.client_id, app.secret or ""))


async def told(database: OpenDatabase) -> list[dict[str, Any]]:
    """The session events that wait in the outbox."""
    async with database("worker").begin() as tx:
        rows = await tx.execute(text("SELECT payload FROM events.outbox WHERE topic = 'session' ORDER BY id"))
        return [row.payload for row in rows]


async def end(provider: Provider, app: App, reason: Any = "administrator") -> None:
    async with provider.parts.database.begin() as tx:
        await provider.parts.machines.end_machine_sessions(tx, app.client_id, reason, correlation_id="test")


async def test_a_program_is_its_own_subject(provider: Provider, database: OpenDatabase) -> None:
    app = await program(provider)
    answer = await ask(provider, app)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body.keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert body["scope"] == "reports"
    said = claims(provider, body["access_token"])
    assert said.keys() == {"iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope", "sid"}
    assert said["sub"] == said["client_id"] == "reporter"
    assert (await kinds(provider, database))[-2:] == ["machine_session_began", "token_issued"]
    assert await active(provider, app, body["access_token"])


async def test_all_its_tokens_belong_to_one_session(provider: Provider, database: OpenDatabase) -> None:
    app = await program(provider)
    answers = await asyncio.gather(*(ask(provider, app) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    tokens = [claims(provider, answer.json()["access_token"]) for answer in answers]
    assert len({token["sid"] for token in tokens}) == 1
    assert len({token["jti"] for token in tokens}) == 8
    assert [event["state"] for event in await told(database)] == ["live"]


@pytest.mark.parametrize("scope", ["reports openid", "more"])
async def test_what_is_not_its_own_is_refused(provider: Provider, database: OpenDatabase, scope: str) -> None:
    app = await program(provider)
    refused = await ask(provider, app, scope=scope)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")
    assert await told(database) == []


async def test_less_than_all_may_be_asked_for(provider: Provider) -> None:
    app = await program(provider, scopes=("reports", "stock"))
    assert (await ask(provider, app, scope="stock")).json()["scope"] == "stock"


async def test_a_public_client_gets_nothing_for_itself(provider: Provider) -> None:
    app = await provider.register("spa", auth_method="none")
    await change(provider, app, grant_types=("client_credentials",))
    refused = await ask(provider, app)
    assert (refused.status_code, refused.json()["error"]) == (400, "unauthorized_client")


async def test_the_grant_must_be_registered(provider: Provider, database: OpenDatabase) -> None:
    app = await provider.register()
    refused = await ask(provider, app)
    assert (refused.status_code, refused.json()["error"]) == (400, "unauthorized_client")
    assert await told(database) == []


async def test_a_wrong_secret_begins_nothing(provider: Provider, database: OpenDatabase) -> None:
    app = await program(provider)
    app.secret = "another"
    assert (await ask(provider, app)).status_code == 401
    assert await told(database) == []


async def test_the_end_kills_every_token_and_the_next_session_is_another(
    provider: Provider, database: OpenDatabase
) -> None:
    app = await program(provider)
    first = (await ask(provider, app)).json()["access_token"]
    await end(provider, app)
    assert not await active(provider, app, first)
    second = (await ask(provider, app)).json()["access_token"]
    assert claims(provider, second)["sid"] != claims(provider, first)["sid"]
    assert not await active(provider, app, first)
    assert [(event["state"], event["version"], event["reason"]) for event in await told(database)] == [
        ("live", 1, None),
        ("ended", 2, "administrator"),
        ("live", 1, None),
    ]


async def test_an_end_stays_the_end_in_the_database_itself(provider: Provider, database: OpenDatabase) -> None:
    app = await program(provider)
    await ask(provider, app)
    await end(provider, app)
    with pytest.raises(Exception, match="stays ended"):
        async with database("owner").begin() as tx:
            await tx.execute(text("UPDATE idp.machine_session SET ended_at = NULL, end_reason = NULL, version = 9"))


async def test_a_client_that_is_switched_off_begins_nothing_even_where_it_is_remembered(provider: Provider) -> None:
    app = await program(provider)
    await ask(provider, app)
    parts = provider.parts
    async with parts.database.begin() as tx:  # this node has not heard of it yet
        await tx.execute(text("UPDATE idp.client SET enabled = false WHERE client_id = 'reporter'"))
        await parts.machines.end_machine_sessions(tx, "reporter", "client_disabled", correlation_id="test")
    refused = await ask(provider, app)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")


async def test_it_is_over_at_its_absolute_limit_and_no_token_outlives_it(
    provider: Provider, database: OpenDatabase, clock: FakeClock
) -> None:
    app = await program(provider)
    first = claims(provider, (await ask(provider, app)).json()["access_token"])
    clock.advance(12 * 3600 - 100)  # without a single request: there is no idle clock
    answer = (await ask(provider, app)).json()
    last = claims(provider, answer["access_token"])
    assert answer["expires_in"] == 100
    assert (last["sid"], last["exp"]) == (first["sid"], last["iat"] + 100)
    clock.advance(99.9)
    assert await active(provider, app, answer["access_token"])
    clock.advance(0.1)
    after = claims(provider, (await ask(provider, app)).json()["access_token"])
    assert after["sid"] != first["sid"]
    assert [event["reason"] for event in await told(database)] == [None, "absolute", None]


async def test_one_token_is_revoked_alone(provider: Provider, database: OpenDatabase) -> None:
    app = await program(provider)
    one, other = [(await ask(provider, app)).json()["access_token"] for _ in range(2)]
    for _ in range(2):
        assert (await revoke(provider, app, one)).status_code == 200
    assert not await active(provider, app, one)
    assert await active(provider, app, other)
    assert (await kinds(provider, database))[-1] == "token_revoked"
    jti = claims(provider, one)["jti"]
    assert [(event["version"], event["revoked"]) for event in await told(database)] == [(1, []), (2, [jti])]


async def test_a_token_for_another_resource_is_revoked_as_well(provider: Provider) -> None:
    metadata = ClientMetadata(resources=("https://api.example",))
    app, thief = await program(provider, metadata=metadata), await program(provider, "thief")
    token = (await ask(provider, app, resource="https://api.example")).json()["access_token"]
    assert claims(provider, token)["aud"] == "https://api.example"
    assert (await revoke(provider, thief, token)).status_code == 200
    assert await active(provider, app, token)
    assert (await revoke(provider, app, token)).status_code == 200
    assert not await active(provider, app, token)


async def test_nobody_revokes_the_token_of_another(provider: Provider) -> None:
    app, thief = await program(provider), await program(provider, "thief")
    token = (await ask(provider, app)).json()["access_token"]
    assert (await revoke(provider, thief, token)).status_code == 200
    assert await active(provider, app, token)


async def test_a_token_that_is_over_need_not_be_remembered_as_revoked(
    provider: Provider, database: OpenDatabase, clock: FakeClock
) -> None:
    app = await program(provider)
    one = (await ask(provider, app)).json()["access_token"]
    await revoke(provider, app, one)
    clock.advance(300)
    other = (await ask(provider, app)).json()["access_token"]
    await revoke(provider, app, other)
    assert (await told(database))[-1]["revoked"] == [claims(provider, other)["jti"]]


async def test_whoever_revokes_too_many_one_by_one_loses_all(
    provider: Provider, database: OpenDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idp.sessions.revoked_tokens.MOST_REVOKED", 2)
    app = await program(provider)
    tokens = [(await ask(provider, app)).json()["access_token"] for _ in range(4)]
    for token in tokens[:3]:
        await revoke(provider, app, token)
    assert [await active(provider, app, token) for token in tokens] == [False] * 4
    assert (await told(database))[-1]["reason"] == "revoked"


async def test_a_program_is_nobody_at_userinfo(provider: Provider) -> None:
    app = await program(provider)
    token = (await ask(provider, app)).json()["access_token"]
    async with provider.client() as client:
        answer = await client.get("/userinfo", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 403  # `insufficient_scope`: it can have none of a person's


async def test_what_valkey_lost_is_projected_anew(provider: Provider, database: OpenDatabase) -> None:
    """The rebuild knows the sessions of programs too, live with their revoked tokens, and ended (S7)."""
    app, gone = await program(provider), await program(provider, "gone")
    token = (await ask(provider, app)).json()["access_token"]
    await revoke(provider, app, token)
    dead = claims(provider, (await ask(provider, gone)).json()["access_token"])
    await end(provider, gone)
    said = claims(provider, token)
    async with database("worker").connect() as connection:
        live = [state async for page in outbox.live_sessions(connection) for state in page]
        ended = [state async for page in outbox.ended_sessions(connection, LONG_AGO) for state in page]
    assert [(state.sid, state.sub, state.version, state.revoked) for state in live] == [
        (said["sid"], "reporter", 2, (said["jti"],))
    ]
    assert [(state.sid, state.sub, state.reason) for state in ended] == [(dead["sid"], "gone", "administrator")]


async def test_the_sweeper_ends_and_forgets_them(provider: Provider, clock: FakeClock) -> None:
    app = await program(provider)
    sid = claims(provider, (await ask(provider, app)).json()["access_token"])["sid"]
    clock.advance(12 * 3600)
    async with provider.parts.database.begin() as tx:
        assert await provider.parts.machines.sweep(tx, limit=10) == 1
        found = await machine_sessions.find(tx, sid)
        assert found is not None
        assert found.end_reason == "absolute"
        assert await machine_sessions.forget_ended(tx, clock.now(), 10) == 0
    clock.advance(1)
    async with provider.parts.database.begin() as tx:
        assert await machine_sessions.forget_ended(tx, clock.now(), 10) == 1

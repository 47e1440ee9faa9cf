"""Revocation of a person's tokens (RFC 7009): one access token alone, and with a refresh token all that came of it."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

from events.storage import outbox
from idp.clients.metadata import NOTHING_MORE, ClientMetadata
from idp.grants.token_exchange import TOKEN_EXCHANGE
from idp.storage import sessions
from tests.clock import FakeClock
from tests.idp.grants.programs import change, claims
from tests.idp.grants.test_client_credentials import active, revoke, told
from tests.idp.grants.test_token_exchange import exchange, own
from tests.idp.login_pages.test_sign_in import kinds
from tests.idp.provider import App, Provider
from tests.idp.waiting import OpenDatabase


async def tokens(provider: Provider, app: App, name: str = "mina") -> dict[str, Any]:
    browser = provider.browser()
    return (await provider.redeem(app, await provider.sign_in(browser, app, await provider.person(name)))).json()


async def userinfo(provider: Provider, token: str) -> httpx2.Response:
    async with provider.client() as client:
        return await client.get("/userinfo", headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize(
    "metadata", [NOTHING_MORE, ClientMetadata(subject_type="pairwise")], ids=["public", "pairwise"]
)
async def test_one_access_token_is_revoked_alone(
    provider: Provider, database: OpenDatabase, metadata: ClientMetadata
) -> None:
    app = await provider.register(metadata=metadata)
    first = await tokens(provider, app)
    second = (await provider.refresh(app, first["refresh_token"])).json()
    one, other = first["access_token"], second["access_token"]
    for _ in range(2):
        assert (await revoke(provider, app, one)).status_code == 200
    assert [await active(provider, app, token) for token in (one, other)] == [False, True]
    refused = await userinfo(provider, one)
    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]
    assert (await userinfo(provider, other)).status_code == 200
    assert (await kinds(provider, database)).count("token_revoked") == 1
    event = (await told(database))[-1]
    assert (event["state"], event["revoked"]) == ("live", [claims(provider, one)["jti"]])
    assert (await provider.refresh(app, second["refresh_token"])).status_code == 200, "the grant lives on"


async def test_nobody_revokes_what_was_issued_to_another(provider: Provider, database: OpenDatabase) -> None:
    """RFC 7009, section 2.1; and nobody learns by it whether there is such a token (section 2.2)."""
    app, thief = await provider.register(), await provider.register("thief")
    given = await tokens(provider, app)
    events = await told(database)
    for token in (given["access_token"], given["refresh_token"], given["id_token"], "never heard of"):
        answer = await revoke(provider, thief, token)
        assert (answer.status_code, answer.json()) == (200, {})
    assert await told(database) == events
    assert await active(provider, app, given["access_token"])
    assert await active(provider, app, given["refresh_token"])
    assert (await provider.post("/revoke", {}, provider.basic(app))).json()["error"] == "invalid_request"


async def test_a_public_client_revokes_its_own(provider: Provider) -> None:
    app, witness = await provider.register("public", auth_method="none"), await provider.register("witness")
    given = await tokens(provider, app)
    answer = await provider.post("/revoke", {"client_id": "public", "token": given["access_token"]})
    assert answer.status_code == 200
    assert not await active(provider, witness, given["access_token"])


async def test_with_a_refresh_token_goes_every_access_token_that_came_of_it(
    provider: Provider, database: OpenDatabase
) -> None:
    """RFC 7009, section 2.1; what came of another code of the same session does not, nor does the session."""
    app = await provider.register()
    browser = provider.browser()
    first = (await provider.redeem(app, await provider.sign_in(browser, app, await provider.person()))).json()
    second = (await provider.refresh(app, first["refresh_token"])).json()
    await browser.follow(await browser.get(app.request()))
    elsewhere = (await provider.redeem(app, browser.query()["code"])).json()
    assert claims(provider, elsewhere["access_token"])["sid"] == claims(provider, first["access_token"])["sid"]
    service = await exchanging(provider)
    exchanged = (await exchange(provider, service, first["access_token"], await own(provider, service))).json()
    assert (await revoke(provider, app, second["refresh_token"])).status_code == 200
    came_of_it = (first, second, exchanged)
    assert [await active(provider, app, given["access_token"]) for given in came_of_it] == [False] * 3
    assert (await userinfo(provider, first["access_token"])).status_code == 401
    assert (await provider.refresh(app, second["refresh_token"])).json()["error"] == "invalid_grant"
    assert await active(provider, app, elsewhere["access_token"])
    assert (await provider.refresh(app, elsewhere["refresh_token"])).status_code == 200
    assert (await kinds(provider, database)).count("token_revoked") == 1


async def test_a_refresh_in_flight_leaves_no_token_alive(provider: Provider) -> None:
    """Whichever comes first: the family is waited for, and what the other issued is of the same grant."""
    app = await provider.register()
    for number in range(4):
        given = await tokens(provider, app, f"mina-{number}")
        answer, _ = await asyncio.gather(
            provider.refresh(app, given["refresh_token"]), revoke(provider, app, given["refresh_token"])
        )
        issued = [given, *([answer.json()] if answer.status_code == 200 else [])]
        assert not any([await active(provider, app, one["access_token"]) for one in issued])


async def exchanging(provider: Provider) -> App:
    service = await provider.register("service")
    await change(provider, service, grant_types=("client_credentials", TOKEN_EXCHANGE), scopes=("openid", "profile"))
    return service


async def test_a_revoked_token_is_exchanged_for_nothing(provider: Provider) -> None:
    app = await provider.register()
    given = await tokens(provider, app)
    service = await exchanging(provider)
    actor = await own(provider, service)
    exchanged = (await exchange(provider, service, given["access_token"], actor)).json()["access_token"]
    await revoke(provider, app, given["access_token"])
    answer = await exchange(provider, service, given["access_token"], actor)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert await active(provider, service, exchanged), "it is another token, of another client"
    await revoke(provider, app, exchanged)
    assert await active(provider, service, exchanged)
    await revoke(provider, service, exchanged)
    assert not await active(provider, service, exchanged)


async def test_a_token_for_another_resource_is_revoked_as_well(provider: Provider) -> None:
    app = await provider.register(metadata=ClientMetadata(resources=("https://api.example",)))
    user = await provider.person()
    code = await provider.sign_in(provider.browser(), app, user, resource="https://api.example")
    there = (await provider.redeem(app, code)).json()["access_token"]
    assert claims(provider, there)["aud"] == "https://api.example"
    assert await active(provider, app, there)
    await revoke(provider, app, there)
    assert not await active(provider, app, there)


async def test_what_is_over_is_forgotten(provider: Provider, database: OpenDatabase, clock: FakeClock) -> None:
    """With the next activity, and when another is revoked; a revoked grant once the last token of it is over."""
    app = await provider.register()
    given = await tokens(provider, app)
    sid = claims(provider, given["access_token"])["sid"]
    await revoke(provider, app, given["access_token"])
    clock.advance(299)
    last = (await provider.refresh(app, given["refresh_token"])).json()
    await revoke(provider, app, last["refresh_token"])
    assert len((await told(database))[-1]["revoked"]) == 2
    clock.advance(299)
    assert not await active(provider, app, last["access_token"])
    async with provider.parts.database.begin() as tx:
        assert await provider.parts.one_session.touch(tx, sid, clock.now()) == "extended"
    assert len((await told(database))[-1]["revoked"]) == 1, "the grant, by a minute longer than its last token"
    clock.advance(61)
    async with provider.parts.database.begin() as tx:
        await provider.parts.one_session.touch(tx, sid, clock.now())
        assert (await sessions.find(tx, sid)).revoked_tokens == {}  # type: ignore[union-attr] # it is there
    assert (await told(database))[-1]["revoked"] == []


async def test_where_more_is_revoked_than_is_kept_the_session_ends(
    provider: Provider, database: OpenDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idp.sessions.revoked_tokens.MOST_REVOKED", 2)
    app = await provider.register()
    given = [await tokens(provider, app)]
    for _ in range(3):
        given.append((await provider.refresh(app, given[-1]["refresh_token"])).json())
    for one in given[:3]:
        await revoke(provider, app, one["access_token"])
    assert not any([await active(provider, app, one["access_token"]) for one in given])
    event = (await told(database))[-1]
    assert (event["state"], event["reason"]) == ("ended", "response")


async def test_what_valkey_lost_is_projected_anew(provider: Provider, database: OpenDatabase) -> None:
    """S7: what is revoked is in PostgreSQL, and the first that an empty Valkey learns."""
    app = await provider.register()
    given = await tokens(provider, app)
    await revoke(provider, app, given["access_token"])
    said = claims(provider, given["access_token"])
    async with database("worker").connect() as connection:
        for pages in (outbox.revoking_sessions(connection), outbox.live_sessions(connection)):
            (found,) = [state async for page in pages for state in page]
            assert (found.sid, found.state, found.version, found.revoked) == (said["sid"], "live", 2, (said["jti"],))

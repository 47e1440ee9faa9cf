"""The subscriber of `docs/how-to/receive-shared-signals.md` hears of every end, once, and reads who ended what."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, get_args

import httpx2
import msgspec
import pytest
from joserfc import jws
from joserfc.jwk import KeySet
from sqlalchemy import text

from idp.sessions.one_session import Began
from idp.sessions.session import EndReason
from idp.sessions.signals.changes import CREDENTIAL_CHANGE, ChangeType, CredentialChange, CredentialType
from idp.sessions.signals.stream import POLL, PUSH
from idp.storage import clients
from tests.docs.test_examples import PROJECT, blocks, defined_by
from tests.idp.conftest import OpenDatabase, provider
from tests.idp.people import HOUSE, add_person, beginning
from tests.idp.provider import Provider
from tests.idp.sessions.receiver import receiving, saying
from tests.idp.signals.test_transmitter import Subscriber, subscriber

__all__ = ["provider", "subscriber"]

PAGE = PROJECT / "docs" / "how-to" / "receive-shared-signals.md"


@pytest.fixture
def page() -> dict[str, Any]:
    """What the page's blocks define."""
    return defined_by(PAGE)


async def stream(subscriber: Subscriber, body: str) -> dict[str, Any]:
    """Ask for a stream by one of the page's bodies."""
    made = await subscriber.ask("POST", "streams", msgspec.json.decode(body))
    assert made.status_code == 201, made.text
    configuration: dict[str, Any] = made.json()
    return configuration


def http(subscriber: Subscriber) -> httpx2.AsyncClient:
    """A client that makes every call with its own credentials."""
    client = subscriber.provider.client()
    client.auth = httpx2.BasicAuth(subscriber.client.client_id, subscriber.secret)
    return client


async def verified(provider: Provider, token: str) -> dict[str, Any]:
    """The claims of an event, by the keys and the type that the page names."""
    async with provider.client() as anybody:
        keys = KeySet.import_key_set((await anybody.get("/jwks")).json())
    found = jws.deserialize_compact(token, keys, algorithms=["ES256"])
    assert found.headers()["typ"] == "secevent+jwt"
    return msgspec.json.decode(found.payload, type=dict[str, Any])


async def test_an_end_comes_until_it_is_acknowledged(
    page: dict[str, Any], subscriber: Subscriber, provider: Provider, database: OpenDatabase
) -> None:
    (_, polled), _ = blocks(PAGE, "json")
    made = await stream(subscriber, polled)
    assert (made["delivery"]["method"], made["description"]) == (POLL, "the watchtower")
    user, sid = await subscriber.end_one()
    async with http(subscriber) as watchtower:
        ((jti, token),) = (await page["new_events"](watchtower, made["stream_id"], [])).items()
        assert (await page["new_events"](watchtower, made["stream_id"], [])).keys() == {jti}
        assert await page["new_events"](watchtower, made["stream_id"], [jti]) == {}
        assert await page["new_events"](watchtower, made["stream_id"], []) == {}
    claims = await verified(provider, token)
    assert page["ended"](claims) == (sid, str(user), "admin")
    assert (claims["aud"], claims["jti"], "exp" in claims) == (subscriber.client.client_id, jti, False)
    assert claims["sub_id"]["tenant"]["id"] == str(HOUSE)
    async with database("owner").connect() as tx:
        record = text("SELECT correlation_id FROM audit.record WHERE kind = 'session_ended' AND sid = :sid")
        assert claims["txn"] == (await tx.execute(record, {"sid": sid})).scalar_one()


async def test_whatever_ends_a_session_it_says_who(
    page: dict[str, Any], subscriber: Subscriber, provider: Provider
) -> None:
    (_, polled), _ = blocks(PAGE, "json")
    stream_id = (await stream(subscriber, polled))["stream_id"]
    parts, ends = provider.parts, {}
    for reason in get_args(EndReason):
        async with parts.database.begin() as tx:
            person = await add_person(tx, reason)
            begun = await parts.one_session.begin(tx, beginning(person.id, subscriber.clock))
            assert isinstance(begun, Began)
            assert await parts.one_session.end(tx, begun.session.sid, reason, correlation_id="c-1") is not None
        ends[begun.session.sid] = reason
    async with http(subscriber) as watchtower:
        events = await page["new_events"](watchtower, stream_id, [])
    heard = [page["ended"](await verified(provider, token)) for token in events.values()]
    assert {sid for sid, _, _ in heard} == set(ends)
    named = re.findall(r"`(\w+)`", page["ended"].__doc__)
    assert {who for _, _, who in heard} == set(named)


async def test_a_credential_that_changed_is_read(
    page: dict[str, Any], subscriber: Subscriber, provider: Provider
) -> None:
    made = await subscriber.stream(events_requested=[CREDENTIAL_CHANGE])
    mina = await provider.person()
    async with provider.parts.database.begin() as tx:
        change = CredentialChange("password", "update", "password_changed")
        await provider.parts.signals.credential_changed(tx, mina, change, "c-1")
    async with http(subscriber) as watchtower:
        [token] = (await page["new_events"](watchtower, made["stream_id"], [])).values()
    assert page["changed"](await verified(provider, token)) == (str(mina), "password", "update")
    rows = re.findall(r"^\| [^|]+ \| ([^|]+) \| ([^|]+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    named = {name for kinds, changes in rows for name in re.findall(r"`([a-z0-9-]+)`", kinds + changes)}
    assert set(get_args(CredentialType)) | set(get_args(ChangeType)) <= named


async def test_it_is_pushed_with_what_the_receiver_wants_to_see(
    page: dict[str, Any], subscriber: Subscriber, provider: Provider
) -> None:
    _, (_, pushed) = blocks(PAGE, "json")
    shown = await stream(subscriber, pushed)
    assert shown["delivery"] == {"method": PUSH, "endpoint_url": "https://siem.example/events"}
    async with receiving(saying(202)) as receiver:
        here = replace(subscriber.client, redirect_uris=(f"http://127.0.0.1:{receiver.port}/callback",))
        async with provider.parts.database.begin() as tx:
            await clients.put(tx, here, subscriber.clock.now())
        provider.parts.clients.on_reset()
        change = {"stream_id": shown["stream_id"], **msgspec.json.decode(pushed)}
        change["delivery"]["endpoint_url"] = receiver.address
        assert (await subscriber.ask("PUT", "streams", change)).status_code == 200
        user, sid = await subscriber.end_one()
        assert await subscriber.carry() == 1
    assert [headers["authorization"] for headers in receiver.headers] == ["Bearer what-you-want-to-see"]
    [token] = receiver.bodies
    assert page["ended"](await verified(provider, token.decode())) == (sid, str(user), "admin")

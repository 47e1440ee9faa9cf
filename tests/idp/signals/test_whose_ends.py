"""Whose ends a receiver hears of: its own organisation's, and everybody's only where it was given that (S8)."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import text

from idp.directory.account import ClientHome, Organisation
from idp.sessions.one_session import Began
from idp.sessions.signals.stream import POLL, PUSH, SCOPE, SCOPE_OF_ALL
from idp.storage import clients, directory
from tests.idp.conftest import OpenDatabase
from tests.idp.people import BEGUN, HOUSE, add_person, beginning, one_session
from tests.idp.sessions.receiver import receiving, saying
from tests.idp.signals.test_transmitter import Subscriber, subscriber

__all__ = ["subscriber"]

OTHER = UUID("00000000-0000-4000-8000-0000000000bb")


@pytest.fixture(autouse=True)
async def other_organisation(subscriber: Subscriber) -> None:
    async with subscriber.provider.parts.database.begin() as tx:
        other = Organisation(id=OTHER, name="Other", time_zone="Asia/Seoul", duplicate_login=None)
        await directory.put_organisation(tx, other, BEGUN)


async def register(subscriber: Subscriber, home: UUID | None, *scopes: str, redirect: str | None = None) -> None:
    """Register the client anew: with this home, and these scopes."""
    client = replace(subscriber.client, scopes=("openid", *scopes))
    if redirect is not None:
        client = replace(client, redirect_uris=(redirect,))
    async with subscriber.provider.parts.database.begin() as tx:
        await clients.put(tx, client, subscriber.clock.now())
        await directory.put_client_home(tx, client.client_id, ClientHome(organisation_id=home))
    subscriber.provider.parts.clients.on_event("client", {"client_id": client.client_id})


async def end_of(subscriber: Subscriber, name: str, *organisations: UUID, session_in: UUID) -> str:
    """The session of a member of these organisations ends."""
    parts = subscriber.provider.parts
    async with parts.database.begin() as tx:
        person = (await add_person(tx, name)).id
        await tx.execute(text("DELETE FROM idp.membership WHERE user_id = :id"), {"id": person})
        for organisation in organisations:
            await directory.put_membership(tx, person, organisation, ("customer",), BEGUN)
        asked = replace(beginning(person, subscriber.clock), organisation_id=session_in)
        begun = await parts.one_session.begin(tx, asked)
        assert isinstance(begun, Began)
        await parts.one_session.end(tx, begun.session.sid, "administrator", correlation_id="c-1")
    return begun.session.sid


async def heard(subscriber: Subscriber, stream_id: str) -> set[str]:
    polled = await subscriber.poll(stream_id)
    claims = [subscriber.claims(token) for token in polled["sets"].values()]
    return {one["sub_id"]["session"]["id"] for one in claims}


async def test_an_organisation_s_client_hears_of_its_own_people_and_sessions(subscriber: Subscriber) -> None:
    await register(subscriber, OTHER, SCOPE)
    stream_id = (await subscriber.stream(delivery={"method": POLL}))["stream_id"]
    theirs = await end_of(subscriber, "theirs", OTHER, session_in=OTHER)
    both = await end_of(subscriber, "both", OTHER, HOUSE, session_in=HOUSE)
    guest = await end_of(subscriber, "guest", HOUSE, session_in=OTHER)
    await end_of(subscriber, "stranger", HOUSE, session_in=HOUSE)
    assert await heard(subscriber, stream_id) == {theirs, both, guest}
    rows = await subscriber.deliveries()
    assert len(rows) == 3  # of others nothing is even kept


@pytest.mark.parametrize(
    ("home", "scopes", "hears"),
    [
        (None, (SCOPE,), False),
        (None, (SCOPE, SCOPE_OF_ALL), True),
        (OTHER, (SCOPE, SCOPE_OF_ALL), False),  # whoever belongs to one organisation hears of no other
        (HOUSE, (SCOPE,), True),
    ],
)
async def test_of_everybody_hears_only_who_was_given_that(
    subscriber: Subscriber, home: UUID | None, scopes: tuple[str, ...], hears: bool
) -> None:
    await register(subscriber, home, *scopes)
    stream_id = (await subscriber.stream(delivery={"method": POLL}))["stream_id"]
    sid = await end_of(subscriber, "somebody-else", HOUSE, session_in=HOUSE)
    assert await heard(subscriber, stream_id) == ({sid} if hears else set())


async def test_a_client_that_lost_the_scope_gets_nothing_that_waited(subscriber: Subscriber) -> None:
    async with receiving(saying(202)) as receiver:
        await register(subscriber, HOUSE, SCOPE, redirect=receiver.address)
        delivery = {"method": PUSH, "endpoint_url": receiver.address}
        await subscriber.stream(delivery=delivery)
        await end_of(subscriber, "one", HOUSE, session_in=HOUSE)
        await register(subscriber, HOUSE, redirect=receiver.address)
        await end_of(subscriber, "two", HOUSE, session_in=HOUSE)
        assert len(await subscriber.deliveries()) == 1
        assert await subscriber.carry() == 0
        await register(subscriber, OTHER, SCOPE, redirect=receiver.address)
        assert await subscriber.carry() == 0
        assert receiver.bodies == []
        await register(subscriber, HOUSE, SCOPE, redirect=receiver.address)
        assert await subscriber.carry() == 1
        assert len(receiver.bodies) == 1


async def test_a_client_that_moved_polls_nothing_that_waited(subscriber: Subscriber) -> None:
    stream_id = (await subscriber.stream(delivery={"method": POLL}))["stream_id"]
    sid = await end_of(subscriber, "one", HOUSE, session_in=HOUSE)
    await register(subscriber, OTHER, SCOPE)
    assert await heard(subscriber, stream_id) == set()
    await register(subscriber, HOUSE, SCOPE)
    assert await heard(subscriber, stream_id) == {sid}


async def test_the_sweeper_s_role_decides_it_too(subscriber: Subscriber, database: OpenDatabase) -> None:
    await register(subscriber, OTHER, SCOPE)
    await subscriber.stream(delivery={"method": POLL})
    sessions = one_session(subscriber.clock)
    async with database("idp").begin() as tx:
        for name, organisation in (("theirs", OTHER), ("stranger", HOUSE)):
            person = (await add_person(tx, name)).id
            asked = replace(beginning(person, subscriber.clock), organisation_id=organisation)
            begun = await sessions.begin(tx, asked)
            assert isinstance(begun, Began)
    async with database("worker").begin() as tx:
        for sid in (await tx.execute(text("SELECT sid FROM idp.session"))).scalars().all():
            await sessions.end(tx, sid, "idle", correlation_id="test")
    assert len(await subscriber.deliveries()) == 1

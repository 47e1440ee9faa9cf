"""Keys on their way, in PostgreSQL: one process moves them, the record says so, and everybody is told."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from audit import key_trail
from config.envelope import Envelope
from jose.key_keeper import KeyKeeper, Order, watch
from jose.keys import ES256, RS256, SigningKey
from jose.rotation import Make, Schedule
from jose.storage.keys import SigningKeys
from tests.events.listening import until
from tests.keys import rsa_key, seed_rsa_key

SCHEDULE = Schedule(rotate_every=timedelta(days=30), publish_ahead=timedelta(days=1), keep=timedelta(hours=13))
ORDER = Order(who="gateway", why="schedule")
OWNERS = {"idp": "token", "gateway": "assertion", "policy": "policy"}
DAY = 86_400


@pytest.fixture
def keys(settings):
    return SigningKeys(Envelope.load(settings))


@pytest.fixture
def keeper(keys):
    return KeyKeeper("assertion", keys, SCHEDULE, key_trail.tell)


async def turn(database, keeper, clock, how="keep", role="gateway", order=ORDER):
    async with database(role).begin() as tx:
        changes = await getattr(keeper, how)(tx, order, clock.now())
    return [(change.kid, change.state) for change in changes]


async def states(database, purpose="assertion"):
    query = "SELECT kid, state FROM jose.signing_key WHERE purpose = :purpose"
    async with database("owner").connect() as tx:
        found = await tx.execute(text(query), {"purpose": purpose})
        return {row.kid: row.state for row in found}


async def told(database):
    async with database("owner").connect() as tx:
        rows = await tx.execute(text("SELECT key, payload FROM events.outbox WHERE topic = 'key' ORDER BY id"))
        return [(key, payload["purpose"], set(payload["published"])) for key, payload in rows]


async def test_a_key_goes_through_its_life(database, keys, keeper, clock):
    [(first, state)] = await turn(database, keeper, clock)
    assert state == "active"
    clock.advance(29 * DAY)
    [(second, state)] = await turn(database, keeper, clock)
    assert state == "next"
    assert await told(database) == [
        ("assertion", "assertion", {first}),
        ("assertion", "assertion", {first, second}),
    ]
    async with database("commerce").connect() as tx:
        assert set(await keys.public_keys(tx, "assertion")) == {first, second}
    async with database("gateway").connect() as tx:
        assert (await keys.load_ring(tx, "assertion")).active.kid == first
    clock.advance(DAY)
    assert await turn(database, keeper, clock) == [(first, "retiring"), (second, "active")]
    async with database("gateway").connect() as tx:
        ring = await keys.load_ring(tx, "assertion")
    assert (ring.active.kid, set(ring.public)) == (second, {first, second})
    clock.advance(13 * 3600 - 1)
    assert await turn(database, keeper, clock) == []
    clock.advance(1)
    assert await turn(database, keeper, clock) == [(first, "retired")]
    async with database("commerce").connect() as tx:
        assert set(await keys.public_keys(tx, "assertion")) == {second}


async def test_a_key_that_signs_no_more_has_no_private_half(database, keeper, clock):
    await turn(database, keeper, clock)
    await turn(database, keeper, clock, "rotate")
    clock.advance(DAY)
    await turn(database, keeper, clock)
    async with database("owner").connect() as tx:
        query = "SELECT state, sealed IS NULL FROM jose.signing_key ORDER BY created_at"
        assert [tuple(row) for row in await tx.execute(text(query))] == [("retiring", True), ("active", False)]


async def test_of_many_who_look_one_moves_the_keys(database, keeper, clock):
    for how in ("keep", "rotate", "keep"):
        moved = await asyncio.gather(*(turn(database, keeper, clock, how) for _ in range(5)))
        assert sum(map(bool, moved)) == 1
        clock.advance(DAY)
    assert sorted((await states(database)).values()) == ["active", "retiring"]


async def test_by_command_a_rotation_is_begun_once(database, keeper, clock):
    [(first, _)] = await turn(database, keeper, clock)
    [(second, _)] = await turn(database, keeper, clock, "rotate")
    assert await turn(database, keeper, clock, "rotate") == []
    clock.advance(DAY)
    assert await turn(database, keeper, clock) == [(first, "retiring"), (second, "active")]


async def test_a_key_that_was_published_for_long_enough_signs_at_the_command(database, keeper, keys, clock):
    [(first, _)] = await turn(database, keeper, clock)
    async with database("gateway").begin() as tx:
        made = SigningKey.generate()
        await keys.move(tx, "assertion", Make(ES256, clock.now() + timedelta(days=9)), made, clock.now())
    clock.advance(DAY)
    assert await turn(database, keeper, clock) == []
    assert await turn(database, keeper, clock, "rotate") == [
        (made.kid, "next"),
        (first, "retiring"),
        (made.kid, "active"),
    ]


async def test_after_a_leak_nothing_is_believed_that_was_signed_before(database, keys, keeper, clock):
    [(first, _)] = await turn(database, keeper, clock)
    [(second, _)] = await turn(database, keeper, clock, "rotate")
    changed = await turn(database, keeper, clock, "replace", order=Order(who="operator", why="a laptop was stolen"))
    *gone, (third, state) = changed
    assert sorted(gone) == sorted([(first, "retired"), (second, "retired")])
    assert state == "active"
    async with database("commerce").connect() as tx:
        assert set(await keys.public_keys(tx, "assertion")) == {third}
    assert (await told(database))[-1] == ("assertion", "assertion", {third})


async def test_the_record_says_what_became_of_each_key_who_did_it_and_why(database, keeper, clock):
    [(first, _)] = await turn(database, keeper, clock)
    [(second, _)] = await turn(database, keeper, clock, "rotate", order=Order(who="operator", why="every spring"))
    clock.advance(DAY)
    await turn(database, keeper, clock)
    async with database("owner").connect() as tx:
        query = "SELECT kind, subject, actor, details ->> 'why', details ->> 'purpose' FROM audit.record ORDER BY id"
        found = [tuple(row) for row in await tx.execute(text(query))]
    assert found == [
        ("key_activated", first, "gateway", "schedule", "assertion"),
        ("key_published", second, "operator", "every spring", "assertion"),
        ("key_retiring", first, "gateway", "schedule", "assertion"),
        ("key_activated", second, "gateway", "schedule", "assertion"),
    ]


async def test_nothing_is_changed_that_cannot_be_told(database, keys, clock):
    async def fail(*_args):
        raise RuntimeError("no record, no change")

    keeper = KeyKeeper("assertion", keys, SCHEDULE, fail)
    with pytest.raises(RuntimeError):
        await turn(database, keeper, clock)
    assert await states(database) == {}


@pytest.mark.parametrize("role", OWNERS)
async def test_each_role_moves_its_own_keys_alone(database, keys, settings, clock, role):
    await seed_rsa_key(database("idp"), settings, clock.now())
    for purpose in OWNERS.values():
        keeper = KeyKeeper(purpose, keys, SCHEDULE, key_trail.tell)
        if OWNERS[role] == purpose:
            assert await turn(database, keeper, clock, role=role)
            continue
        with pytest.raises(DBAPIError, match="row-level security"):
            await turn(database, keeper, clock, role=role)
    others = {purpose: await states(database, purpose) for purpose in OWNERS.values()}
    for purpose in set(OWNERS.values()) - {OWNERS[role]}:
        assert set(others[purpose]) <= {rsa_key().kid}


async def test_the_owner_moves_all_of_them(database, keys, settings, clock):
    for purpose, algorithms in (("token", 2), ("assertion", 1), ("policy", 1)):
        keeper = KeyKeeper(purpose, keys, SCHEDULE, key_trail.tell)
        assert len(await turn(database, keeper, clock, role="owner")) == algorithms


async def test_the_database_itself_holds_one_of_each(database, keys, clock):
    async with database("idp").begin() as tx:
        await keys.move(tx, "token", Make(RS256, None), rsa_key(), clock.now())

    async def two(activates_at):
        async with database("idp").begin() as tx:
            for _ in range(2):
                await keys.move(tx, "token", Make(ES256, activates_at), SigningKey.generate(), clock.now())

    for activates_at in (None, clock.now()):
        with pytest.raises(IntegrityError):
            await two(activates_at)


async def test_a_process_keeps_looking_whatever_goes_wrong(database, keys, keeper, clock, monkeypatch):
    monkeypatch.setattr("jose.key_keeper.LOOK_EVERY", 0.001)
    asked, poked, stop = [], asyncio.Event(), asyncio.Event()
    records = keys.records

    async def failing(tx, purpose):
        asked.append(purpose)
        if len(asked) < 3:
            raise [OSError("away"), ValueError("odd")][len(asked) - 1]
        return await records(tx, purpose)

    async def poke():
        poked.set()

    keys.records = failing
    watching = asyncio.create_task(watch(keeper, database("gateway"), clock, who="gateway", poke=poke, stop=stop))
    await until(poked.is_set)
    stop.set()
    await watching
    assert list((await states(database)).values()) == ["active"]

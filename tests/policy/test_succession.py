"""The policy's key rotates, and the policy stays in force: at gateways that run, and at those that start."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from audit import key_trail
from config.connections import Valkey
from config.envelope import Envelope
from config.settings import Settings
from jose.key_keeper import Change, KeyKeeper, Order
from jose.rotation import Schedule
from jose.storage.keys import SigningKeys
from policy import demo, versions
from policy.admin.release_desk import ReleaseDesk
from policy.storage.shadows import PolicyShadows
from policy.storage.versions import PolicyVersions
from policy.succession import Succession
from tests.clock import FakeClock
from tests.policy.test_versions import ACT, STORED, Databases, live, with_rule

SCHEDULE = Schedule(rotate_every=timedelta(days=30), publish_ahead=timedelta(days=1), keep=timedelta(hours=13))
ORDER = Order(who="policy", why="a test")
DAY = 86_400.0


def keeper(settings: Settings) -> KeyKeeper:
    keys = SigningKeys(Envelope.load(settings))
    return KeyKeeper("policy", keys, SCHEDULE, key_trail.tell, succession=Succession(PolicyVersions()))


async def turn(database: Databases, settings: Settings, clock: FakeClock, how: str = "keep") -> list[Change]:
    async with database("policy").begin() as tx:
        return list(await getattr(keeper(settings), how)(tx, ORDER, clock.now()))


async def rotated(database: Databases, settings: Settings, clock: FakeClock) -> None:
    """Until the former key is gone."""
    assert [change.state for change in await turn(database, settings, clock, "rotate")] == ["next"]
    clock.advance(DAY)
    assert [change.state for change in await turn(database, settings, clock)] == ["retiring", "active"]
    clock.advance(DAY)
    assert [change.state for change in await turn(database, settings, clock)] == ["retired"]


async def somebody_waits(database: Databases) -> bool:
    """For whoever publishes."""
    query = "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database"
    query += " WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()"
    async with database("owner").connect() as tx:
        return bool((await tx.execute(text(query))).scalar_one())


async def test_a_gateway_that_starts_when_the_former_key_is_gone_believes_the_policy(
    settings: Settings, database: Databases, clock: FakeClock
) -> None:
    await demo.load(settings, clock)
    running = live(database, settings, clock)
    assert await running.refresh()
    before = running.snapshot
    for _ in range(3):
        await rotated(database, settings, clock)
        assert await running.refresh()
        assert running.snapshot is before, "it is the same version"
        started = live(database, settings, clock)
        assert await started.refresh()
        assert started.snapshot.version == before.version


async def test_after_a_leak_it_is_signed_by_the_new_key_alone(
    settings: Settings, database: Databases, clock: FakeClock
) -> None:
    await demo.load(settings, clock)
    await turn(database, settings, clock, "replace")
    started = live(database, settings, clock)
    assert await started.refresh()


async def test_what_was_not_trusted_is_not_signed_anew(
    settings: Settings, database: Databases, clock: FakeClock
) -> None:
    """Whoever has the database puts another policy there, and waits for the key to rotate."""
    await demo.load(settings, clock)
    async with database("owner").begin() as tx:
        await tx.execute(
            text(
                "UPDATE policy.version SET artefact = artefact || ' '::bytea,"
                " sha256 = encode(sha256(artefact || ' '::bytea), 'hex')"
            )
        )
    await rotated(database, settings, clock)
    started = live(database, settings, clock)
    assert not await started.refresh()
    assert started.snapshot.version == 0


async def test_without_a_policy_there_is_nothing_to_sign(
    settings: Settings, database: Databases, clock: FakeClock
) -> None:
    assert [change.state for change in await turn(database, settings, clock)] == ["active"]


@pytest.mark.parametrize("first", ["publisher", "rotation"])
async def test_who_publishes_while_the_key_rotates_leaves_no_stale_signature(
    settings: Settings, database: Databases, valkey: Valkey, clock: FakeClock, first: str
) -> None:
    """Both come at once, in either order, held up at the point where each waits for the other."""
    await demo.load(settings, clock)
    keys = SigningKeys(Envelope.load(settings))
    desk = ReleaseDesk(database("policy"), valkey, keys, STORED, PolicyShadows(), clock, approvals=1)
    await turn(database, settings, clock, "rotate")
    clock.advance(DAY)
    async with database("policy").begin() as tx:
        made, _ = await versions.draft(STORED, tx, with_rule("extra"), ACT)

    async def publish(go_on: asyncio.Event, holds: asyncio.Event) -> None:
        async with database("policy").begin() as tx:
            ring = await desk._ring(tx)
            holds.set()
            await go_on.wait()
            await versions.publish(STORED, tx, made.number, ring.active, ACT)

    async def rotate(go_on: asyncio.Event, holds: asyncio.Event) -> None:
        async with database("policy").begin() as tx:
            await keeper(settings).keep(tx, ORDER, clock.now())
            holds.set()
            await go_on.wait()

    one, other = (publish, rotate) if first == "publisher" else (rotate, publish)
    go_on, holds, at_once = asyncio.Event(), asyncio.Event(), asyncio.Event()
    at_once.set()
    going = [asyncio.create_task(one(go_on, holds))]
    async with asyncio.timeout(20):
        await holds.wait()
    going.append(asyncio.create_task(other(at_once, asyncio.Event())))
    async with asyncio.timeout(20):
        while not await somebody_waits(database):  # noqa: ASYNC110 - the database knows it, no event does
            await asyncio.sleep(0.01)
    go_on.set()
    await asyncio.gather(*going)
    clock.advance(DAY)
    assert [change.state for change in await turn(database, settings, clock)] == ["retired"]
    started = live(database, settings, clock)
    assert await started.refresh()
    assert started.snapshot.version == made.number

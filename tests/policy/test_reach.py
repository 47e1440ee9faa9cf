"""A published policy reaches every gateway: through the outbox, the relay, the stream and the subscription (P5)."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from unittest.mock import Mock

import pytest
from sqlalchemy import text

from cli.policies.exits import TooLong, status_of
from cli.policies.reach import wait_for
from config.clock import SystemClock
from config.connections import Valkey
from config.envelope import Envelope
from config.settings import Settings
from events import outbox
from events.subscription import Subscription
from jose.storage.keys import SigningKeys
from policy import demo, versions
from policy.admin.content_messages import GatewayEntry, ReachDocument
from policy.client import PolicyClient
from policy.live import LivePolicy
from policy.reach import FORGOTTEN, SILENT, Telling, reached
from policy.snapshot import Snapshot
from policy.storage.reach import Reports
from policy.storage.versions import PolicyVersions
from tests.events.listening import running_relay
from tests.policy.test_versions import Databases, with_rule

GATEWAYS = 4


@contextlib.asynccontextmanager
async def following(database: Databases, valkey: Valkey, settings: Settings) -> AsyncIterator[asyncio.Queue[Snapshot]]:
    """What one gateway takes up, as it comes."""
    taken_up: asyncio.Queue[Snapshot] = asyncio.Queue()
    keys = SigningKeys(Envelope.load(settings))
    live = LivePolicy(
        database("gateway"),
        PolicyVersions(),
        lambda tx: keys.public_keys(tx, "policy"),
        SystemClock(),
        taken_up=taken_up.put_nowait,
    )
    subscription = Subscription(
        valkey,
        SystemClock(),
        on_event=lambda topic, payload: live.changed() if topic == "policy" else None,
        on_heartbeat=lambda t: None,
        on_reset=live.changed,
    )
    stop = asyncio.Event()
    tasks = [asyncio.create_task(live.follow(stop)), asyncio.create_task(subscription.run(stop))]
    try:
        yield taken_up
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def test_every_gateway_decides_by_it_within_a_second(
    settings: Settings, database: Databases, valkey: Valkey
) -> None:
    await demo.load(settings)
    keys = SigningKeys(Envelope.load(settings))
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(running_relay(database("worker"), valkey))
        gateways = [await stack.enter_async_context(following(database, valkey, settings)) for _ in range(GATEWAYS)]
        for taken_up in gateways:
            assert (await asyncio.wait_for(taken_up.get(), 10)).version == 1
        act = versions.Act("u-admin", "a test", SystemClock().now(), "correlation-1")
        async with database("policy").begin() as tx:
            ring = await keys.load_ring(tx, "policy")
            made, _ = await versions.draft(PolicyVersions(), tx, with_rule("one"), act)
            await versions.publish(PolicyVersions(), tx, made.number, ring.active, act)
        committed = time.monotonic()
        await outbox.poke(valkey)
        for taken_up in gateways:
            assert (await asyncio.wait_for(taken_up.get(), 10)).version == made.number
        assert time.monotonic() - committed < 1.0


async def test_who_is_not_heard_is_named(database: Databases) -> None:
    """One that cannot say anything, or was killed, holds up whoever waits, by name, until it is forgotten."""
    one, other = (Telling(name, database("gateway"), Reports()) for name in ("one", "other"))
    one.taken_up(3)
    await one.tell()
    await other.tell()
    assert await told(database) == ({"one": 3, "other": 0}, {})
    await silent(database, "other", SILENT + 1)
    assert await told(database) == ({"one": 3}, {"other": 0})
    other.taken_up(3)
    await other.tell()
    assert await told(database) == ({"one": 3, "other": 3}, {})
    await silent(database, "other", FORGOTTEN + 1)
    assert await told(database) == ({"one": 3}, {})
    await one.tell()
    await one.leave()
    assert await told(database) == ({}, {})
    async with database("owner").begin() as tx:
        assert await tx.scalar(text("SELECT count(*) FROM policy.gateway_report")) == 0


async def told(database: Databases) -> tuple[dict[str, int], dict[str, int]]:
    """Which version each gateway decides by: of those that are heard, and of the others."""
    async with database("policy").begin() as tx:
        reach = await reached(Reports(), tx)
    return {one.gateway: one.version for one in reach.heard}, {one.gateway: one.version for one in reach.unheard}


async def silent(database: Databases, gateway: str, seconds: float) -> None:
    async with database("owner").begin() as tx:
        age = {"seconds": seconds, "gateway": gateway}
        await tx.execute(
            text(
                "UPDATE policy.gateway_report SET at = now() - make_interval(secs => :seconds) WHERE gateway = :gateway"
            ),
            age,
        )


def test_the_wait_names_who_is_not_there_yet_and_who_is_not_heard() -> None:
    now = [0.0]
    answers = [
        ReachDocument(4, False, (GatewayEntry("one", 3, 0.0),), ()),
        ReachDocument(4, False, (GatewayEntry("one", 4, 0.0),), (GatewayEntry("other", 3, 3661.0),)),
        ReachDocument(4, True, (GatewayEntry("one", 4, 0.0),), ()),
    ]
    client = Mock(spec=PolicyClient)

    def wait(*told: ReachDocument, seconds: float = 0.3) -> None:
        now[0], client.versions = 0.0, Mock(reach=Mock(side_effect=told))
        wait_for(client, 4, seconds, monotonic=lambda: now[0], sleep=lambda pause: now.__setitem__(0, now[0] + pause))

    wait(*answers, seconds=10)
    with pytest.raises(TooLong, match=r"after 0\.3 s: one by 3"):
        wait(*answers[:1] * 3)
    with pytest.raises(TooLong, match="other is not heard since 01:01:01Z, then by 3"):
        wait(*answers[1:2] * 3)
    assert status_of(TooLong()) == 75

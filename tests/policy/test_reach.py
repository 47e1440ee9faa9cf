"""A published policy reaches every gateway: through the outbox, the relay, the stream and the subscription (P5)."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from config.clock import SystemClock
from config.connections import Valkey
from config.envelope import Envelope
from config.settings import Settings
from events import outbox
from events.subscription import Subscription
from jose.storage.keys import SigningKeys
from policy import demo, versions
from policy.live import LivePolicy
from policy.snapshot import Snapshot
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

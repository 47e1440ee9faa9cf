"""What reservation measures says what happened."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import uuid4

from prometheus_client import REGISTRY
from sqlalchemy import text, update

from config import key_space
from config.connections import Valkey
from config.settings import Settings
from tests.upstreams.conftest import Client, Databases, Someone, open_wide
from tests.upstreams.test_recovery import ticks
from tests.upstreams.test_reservations import CLASS, SEAT, ask, asking, drain
from upstreams.reservation.metrics import HOTTEST, REMEMBERED, Heat
from upstreams.reservation.queue import RequestQueue, shard_of_first
from upstreams.reservation.storage.tables import trade
from upstreams.reservation.worker import Worker

Since = Callable[..., float]


def since() -> Since:
    """By how much a series has grown from here on."""
    before: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in REGISTRY.collect()
        for sample in family.samples
    }

    def grown(name: str, **labels: str) -> float:
        now = REGISTRY.get_sample_value(name, labels) or 0.0
        return now - before.get((name, tuple(sorted(labels.items()))), 0.0)

    return grown


def now(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


async def test_batches_outcomes_lag_and_refusals(
    slots: Client, worker: Worker, valkey: Valkey, settings: Settings
) -> None:
    await open_wide(valkey, SEAT)
    for _ in range(12):
        await ask(slots.of(Someone.new()), (SEAT, 1))
    grown = since()
    assert await drain(worker, RequestQueue(valkey), settings) == 12
    assert grown("munjigi_reservation_batch_requests_count") == 1
    assert grown("munjigi_reservation_batch_requests_sum") == 12
    assert grown("munjigi_reservation_batch_seconds_count") == 1
    assert grown("munjigi_reservation_lag_seconds_count") == 12
    assert 0 < grown("munjigi_reservation_lag_seconds_sum") < 12 * 60
    assert grown("munjigi_reservation_decided_total", outcome="granted") == 10
    assert grown("munjigi_reservation_decided_total", outcome="sold_out") == 2
    assert worker._batches._heat.hottest() == {SEAT: 12}
    # the gate knows by now; and whoever asks too often is told so before it is asked
    await worker._reconciler.count_gates()
    assert (await slots.of(Someone.new()).post("/reservations", **asking((SEAT, 1)))).status_code == 409
    assert grown("munjigi_reservation_gate_refusals_total", why="sold_out") == 1
    hasty = slots.of(Someone.new()).reduced("read_only:no")
    statuses = [(await hasty.post("/reservations", **asking((CLASS, 1)))).status_code for _ in range(3)]
    assert statuses == [202, 202, 429]
    assert grown("munjigi_reservation_gate_refusals_total", why="too_fast") == 1


async def test_how_long_a_line_is_and_how_far_off_the_gates_were(
    slots: Client, worker: Worker, valkey: Valkey, settings: Settings
) -> None:
    shard, queue = shard_of_first(SEAT, settings.reservation.shards), RequestQueue(valkey)
    await queue.open(shard)
    await worker._reconciler.count_gates()
    assert now("munjigi_reservation_gate_drift_units") is not None
    for _ in range(3):
        await ask(slots.of(Someone.new()), (SEAT, 1))
    await worker._reconciler.round({shard})
    assert now("munjigi_reservation_waiting_requests", shard=str(shard)) == 3
    await drain(worker, queue, settings)
    await worker._reconciler.round({shard})
    assert now("munjigi_reservation_waiting_requests", shard=str(shard)) == 0
    await worker._reconciler.count_gates()
    assert now("munjigi_reservation_gate_drift_units") == 0
    # somebody died after the gate let them in
    await valkey.hincrby(key_space.reservation_gate(SEAT), "a", -4)
    await worker._reconciler.count_gates()
    assert now("munjigi_reservation_gate_drift_units") == 4
    await worker._reconciler.count_gates()
    assert now("munjigi_reservation_gate_drift_units") == 0
    assert now("munjigi_reservation_gates") == 6


async def test_the_guard_counts_what_a_constraint_had_to_refuse(
    slots: Client, worker: Worker, valkey: Valkey, settings: Settings, database: Databases
) -> None:
    """Were a decision ever wrong, the row's CHECK refuses it, and this counts by its name."""
    async with database("owner").begin() as tx:
        await tx.execute(text("ALTER TABLE reservation.stock ADD CONSTRAINT no_such_luck CHECK (held < 1) NOT VALID"))
    try:
        asked = await ask(slots, (SEAT, 1))
        grown = since()
        await drain(worker, RequestQueue(valkey), settings)
        assert grown("munjigi_reservation_guard_total", constraint="no_such_luck") >= 1
        assert grown("munjigi_reservation_buried_total") == 1
        assert (await slots.get(f"/reservations/{asked['id']}")).json()["state"] == "FAILED"
    finally:
        async with database("owner").begin() as tx:
            await tx.execute(text("ALTER TABLE reservation.stock DROP CONSTRAINT no_such_luck"))


async def test_what_the_reconciler_did(
    slots: Client, worker: Worker, valkey: Valkey, settings: Settings, database: Databases
) -> None:
    held = await ask(slots, (SEAT, 1))
    await drain(worker, RequestQueue(valkey), settings)
    async with database("owner").begin() as tx:
        await tx.execute(update(trade.hold).values(expires_at=text("created_at + interval '1 millisecond'")))
    lost = await ask(slots.of(Someone.new()), (CLASS, 1))
    await valkey.delete(key_space.reservation_shard(shard_of_first(CLASS, settings.reservation.shards)))
    async with database("owner").begin() as tx:
        await tx.execute(text("UPDATE reservation.waiting SET enqueued_at = enqueued_at - interval '1 minute'"))
    grown = since()
    await worker._reconciler.round(frozenset())
    assert grown("munjigi_reservation_expired_total") == 1
    assert grown("munjigi_reservation_put_in_again_total") == 1
    assert (await slots.get(f"/reservations/{held['id']}")).json()["state"] == "EXPIRED"
    assert await drain(worker, RequestQueue(valkey), settings) == 1
    assert lost["id"]


async def test_lines_that_a_process_serves(worker: Worker, settings: Settings, slots: Client) -> None:
    del slots  # its things are there
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run(stop))
    async with asyncio.timeout(10):
        async for _ in ticks():
            if now("munjigi_reservation_leases") == settings.reservation.shards:
                break
    stop.set()
    await running
    assert now("munjigi_reservation_leases") == 0


def test_heat_rises_cools_and_names_the_hottest_alone() -> None:
    heat = Heat()
    heat.warm(["A"] * 8 + ["B"])
    heat.cool()
    assert heat.hottest() == {"A": 4.0, "B": 0.5}
    for _ in range(4):
        heat.cool()
    assert heat.hottest() == {}
    heat.warm([f"SKU-{n}" for n in range(HOTTEST * 2)] + ["SKU-1"] * 3)
    (family,) = heat.collect()
    assert len(family.samples) == HOTTEST
    assert family.samples[0].labels == {"sku": "SKU-1"}
    assert family.samples[0].value == 4.0
    heat.warm(uuid4().hex for _ in range(REMEMBERED + 1))
    assert len(heat._heat) <= REMEMBERED // 2
    assert "SKU-1" in heat.hottest()

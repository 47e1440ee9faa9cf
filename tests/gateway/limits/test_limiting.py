"""What runs beside the way: the settlement, and the look at how late the event loop is. And what is measured of it."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from prometheus_client import CollectorRegistry

from config.connections import Valkey
from gateway.exchange import Forward, RequestHead, Verdict
from gateway.limits.limiting import Limiting
from gateway.limits.metrics import LimitMetrics
from gateway.limits.overload import Priority, State
from gateway.proxy.client_connection import ClientConnection, Phase
from gateway.routes.route_table import Mode, Route, Zone
from tests.clock import FakeClock
from tests.gateway.limits.test_rates import ADDRESS, overload, statuses, table
from tests.gateway.proxy.rig import Answered, holds, rigged
from tests.gateway.rig import Rig

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
HIGH = GET.replace(b"/ ", b"/high ")
ROUTE = Route("a", "/", Zone("shop"), "origin", Mode.API, websocket=False, public=True, act=False)


@asynccontextmanager
async def running(limiting: Limiting) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(limiting.run(stop))
    yield
    stop.set()
    await task


async def test_a_late_event_loop_is_noticed_and_one_that_keeps_up_again_too(valkey: Valkey, clock: FakeClock) -> None:
    limiting = Limiting(valkey=valkey, clock=clock, busy=lambda _: 1.0)

    def later(seconds: float, state: State) -> bool:
        clock.advance(seconds)
        return limiting.overload.state is state

    async with running(limiting):
        await holds(lambda: later(0.2, State.SHEDDING))
        assert limiting.alert
        await holds(lambda: later(0.0015, State.CALM))
        assert not limiting.alert


async def test_it_is_off_by_setting(valkey: Valkey, clock: FakeClock) -> None:
    limiting = Limiting(valkey=valkey, clock=clock, sheds=False)
    async with running(limiting):
        for _ in range(50):
            clock.advance(0.5)
            await asyncio.sleep(0)
        assert limiting.overload.wait == 0
        assert limiting.overload.state is State.CALM


async def test_what_was_taken_is_settled_while_it_runs_and_at_its_end(rig: Rig, valkey: Valkey, tmp_path: Path) -> None:
    rig.pipeline.use_table(table(tmp_path, '{ per = "address", requests = 10, seconds = 3600, burst = 3 }'))

    async def known() -> int:
        return len([key async for key in valkey.scan_iter("munjigi:{rates:*")])

    async with running(rig.limiting):
        await statuses(rig, 1, client="192.0.2.1")
        async with asyncio.timeout(10):
            while not await known():  # noqa: ASYNC110 - what Valkey knows has no event
                await asyncio.sleep(0.005)
        await statuses(rig, 1, client="192.0.2.2")
    assert await known() == 2


async def test_what_is_refused_and_shed_is_counted(rig: Rig, tmp_path: Path) -> None:
    rig.pipeline.use_table(table(tmp_path, ADDRESS))
    await statuses(rig, 5)
    rig.limiting.overload.shed[Priority.LOW] = 7
    with tempfile.TemporaryDirectory(prefix="mj-") as folder:
        async with rigged(Path(folder)) as proxy:
            registry = CollectorRegistry()
            registry.register(LimitMetrics(limiting=rig.limiting, door=proxy.door))
            labels = {"per": "address", "declared_for": "zone shop"}
            assert registry.get_sample_value("munjigi_rate_refusals_total", labels) == 2
            assert registry.get_sample_value("munjigi_rate_subjects", labels) == 1
            assert registry.get_sample_value("munjigi_rates_alone") == 0
            assert registry.get_sample_value("munjigi_shed_requests_total", {"priority": "low"}) == 7
            assert registry.get_sample_value("munjigi_shedding") == 0
            proceed = asyncio.Event()

            async def wait(*_: object) -> None:
                await proceed.wait()

            proxy.origin.behaviour = wait
            (await proxy.client()).send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            await holds(lambda: registry.get_sample_value("munjigi_exchanges_in_flight") == 1)
            proceed.set()


def by_priority(limiting: Limiting) -> Callable[[RequestHead], Verdict]:
    """A pipeline that limits alone; `/high` is of the highest priority."""
    low, high = (msgspec.structs.replace(ROUTE, priority=priority) for priority in (Priority.NORMAL, Priority.HIGH))

    def pipeline(asked: RequestHead) -> Verdict:
        asked.route = high if asked.path == b"/high" else low
        return limiting.before(asked, asked.route) or Forward("origin")

    return pipeline


async def test_whoever_waited_too_long_is_turned_away_unread_where_nothing_is_new(
    valkey: Valkey, clock: FakeClock
) -> None:
    limiting = Limiting(valkey=valkey, clock=clock, busy=lambda _: 1.0)
    with tempfile.TemporaryDirectory(prefix="mj-") as folder:
        async with rigged(Path(folder), limiting=limiting, pipeline=by_priority(limiting)) as rig:
            client = await rig.client()
            read = 0

            async def late(path: bytes, more: bytes = b"", method: bytes = b"GET") -> Answered:
                nonlocal read
                rig.door.turns.left = 0
                read = len(rig.heads)
                answer = await client.ask(b"%b %b HTTP/1.1\r\nHost: a\r\n%b\r\n" % (method, path, more))
                read = len(rig.heads) - read
                return answer

            assert (await late(b"/")).status == 200, "nobody is late while nothing is shed"
            overload(limiting)
            limiting.overload.level = 0.0
            unread = limiting.overload.unread
            limiting.overload.patience = -1.0
            turned_away = await late(b"/else")
            assert (turned_away.status, read) == (503, 0)
            assert turned_away.values(b"retry-after")[0] in (b"1", b"2", b"3")
            told = json.loads(turned_away.body)
            assert told["code"] == "MJ-GATEWAY-152"
            assert told["correlation_id"].encode() == turned_away.values(b"munjigi-correlation-id")[0]
            assert limiting.overload.unread == unread + 1
            assert (await late(b"/", b"X: 1\r\n")).status == 503
            assert read == 1, "what is new is read: its priority may be a higher one"
            assert ((await late(b"/high", b"X: 2\r\n")).status, read) == (200, 1)
            assert ((await late(b"/high", b"X: 2\r\n")).status, read) == (200, 1)
            assert (await client.ask(GET)).status == 200, "that one did not wait"
            assert ((await late(b"/.munjigi/sign-out")).status, read) == (503, 1), "here it is no page of the gateway's"
            assert ((await late(b"/", b"Content-Length: 0\r\n", b"POST")).status, read) == (503, 1)
            limiting.overload.patience = 60.0
            assert (await late(b"/")).status == 200


async def test_whoever_finds_the_queue_full_is_told_at_once(valkey: Valkey, clock: FakeClock) -> None:
    limiting = Limiting(valkey=valkey, clock=clock, busy=lambda _: 1.0)
    with tempfile.TemporaryDirectory(prefix="mj-") as folder:
        async with rigged(Path(folder), limiting=limiting, pipeline=by_priority(limiting)) as rig:
            client, important, new = [await rig.client() for _ in range(3)]
            assert (await client.ask(GET)).status == 200
            assert (await important.ask(HIGH)).status == 200
            overload(limiting)
            limiting.overload.level = 0.0
            limiting.overload.patience = 60.0
            rig.door.turns._room = 0
            rig.door.turns.left = 0
            read, unread = len(rig.heads), limiting.overload.unread
            assert (await client.ask(GET)).status == 503
            assert rig.door.turns.left == 0, "no turn was taken for it"
            assert (len(rig.heads), limiting.overload.unread) == (read, unread + 1)
            assert (await important.ask(HIGH)).status == 200, "the highest priority waits, as long as it takes"
            rig.door.turns.left = 0
            assert (await new.ask(GET)).status == 200, "what is new is read, for its priority may be a higher one"
            rig.door.turns.left = 0
            client.send(GET[:9])
            there = [one for one in rig.door.watch.watched if isinstance(one, ClientConnection)]
            await holds(lambda: any(one._phase == Phase.HEAD for one in there))
            rig.door.turns.left = 0
            client.send(GET[9:])
            assert (await client.answer()).status == 200, "a head that comes in parts is read"

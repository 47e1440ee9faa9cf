"""The subscription: it tells everything in order, and says so when it may have missed something."""

from __future__ import annotations

import asyncio
import json

from config import key_space
from config.clock import SystemClock
from config.connections import open_valkey
from events.storage.stream import EventStream
from events.subscription import Subscription
from tests.events.listening import listening, until


async def beat(stream: EventStream, epoch: int, sequence: int, *numbers: int) -> int:
    return await stream.append(epoch, sequence, [("policy", json.dumps({"n": number})) for number in numbers])


async def test_it_begins_with_a_reset_at_the_newest_entry(valkey):
    stream = EventStream(valkey)
    await stream.claim(1)
    await beat(stream, 1, 0, 1, 2)
    async with listening(valkey) as listener:
        await beat(stream, 1, 2, 3)
        await until(lambda: listener.numbers() == [3])
        assert listener.resets == 1


async def test_heartbeats_are_told_apart(valkey):
    stream = EventStream(valkey)
    await stream.claim(1)
    async with listening(valkey) as listener:
        await stream.append(1, 0, [("heartbeat", '{"t": 12.5}')])
        await until(lambda: listener.heartbeats == [12.5])
        assert listener.events == []


async def test_a_new_epoch_resets_before_its_first_event(valkey):
    stream = EventStream(valkey)
    await stream.claim(1)
    await beat(stream, 1, 0, 1)
    async with listening(valkey) as listener:
        await beat(stream, 1, 1, 2)
        await stream.claim(2)
        await beat(stream, 2, 0, 3)
        await until(lambda: listener.numbers() == [2, 3])
        assert listener.resets == 2


async def test_a_gap_resets(valkey):
    stream = EventStream(valkey)
    await stream.claim(1)
    await beat(stream, 1, 0, 1)
    async with listening(valkey) as listener:
        await valkey.hset(key_space.EVENT_HEAD, "s", 5)
        await beat(stream, 1, 5, 6)
        await until(lambda: listener.numbers() == [6])
        assert listener.resets == 2
        await beat(stream, 1, 6, 7)
        await until(lambda: listener.numbers() == [6, 7])
        assert listener.resets == 2


async def test_a_stream_that_began_anew_below_the_cursor_is_noticed(valkey):
    stream = EventStream(valkey)
    await valkey.xadd(key_space.EVENT_STREAM, {"e": 1, "s": 1, "k": "policy", "p": "{}"}, id="9999999999999-0")
    async with listening(valkey) as listener:
        await valkey.flushall()
        await stream.claim(2)
        await beat(stream, 2, 0, 1, 2)
        await until(lambda: listener.numbers() == [1, 2])
        assert listener.resets >= 2


async def test_an_emptied_store_is_noticed_without_a_relay(valkey):
    stream = EventStream(valkey)
    await stream.claim(1)
    await beat(stream, 1, 0, 1)
    async with listening(valkey) as listener:
        await valkey.flushall()
        await until(lambda: listener.resets == 2)


async def test_losing_the_connection_resets_nothing_and_misses_nothing(valkey, settings):
    stream = EventStream(valkey)
    await stream.claim(1)
    await beat(stream, 1, 0, 1)
    followed = open_valkey(settings)
    async with listening(followed) as listener:
        last = 1
        for number in range(2, 8):
            last = await beat(stream, 1, last, number)
            await valkey.client_kill_filter(_type="normal", skipme=True)
            await asyncio.sleep(0.01)
        await until(lambda: listener.numbers() == [2, 3, 4, 5, 6, 7])
        assert listener.resets == 1
    await followed.aclose()


async def test_it_stops_when_told(valkey):
    stop = asyncio.Event()
    nothing = Subscription(
        valkey, SystemClock(), on_event=lambda *_: None, on_heartbeat=lambda _: None, on_reset=lambda: None
    )
    running = asyncio.create_task(nothing.run(stop))
    stop.set()
    async with asyncio.timeout(2):
        await running


async def test_an_entry_that_cannot_be_read_counts_as_missed(valkey):
    stream = EventStream(valkey)
    await stream.claim(1)
    await beat(stream, 1, 0, 1)
    async with listening(valkey) as listener:
        await valkey.xadd(key_space.EVENT_STREAM, {"e": "one", "x": "?"})
        await valkey.xadd(key_space.EVENT_STREAM, {"e": "1", "s": "2", "k": "policy", "p": "{"})
        await beat(stream, 1, 1, 3)
        await until(lambda: listener.numbers() == [3])
        assert listener.resets > 1

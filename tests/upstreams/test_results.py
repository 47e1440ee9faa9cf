"""Results on their way to open pages."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from redis.asyncio.client import PubSub

from config.connections import Valkey
from upstreams.reservation.results import Hub


async def test_a_cancellation_that_the_driver_hides_ends_the_listening(
    valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribed, whole = asyncio.Event(), PubSub.subscribe

    async def hiding(channel: PubSub, *names: str) -> None:
        await whole(channel, *names)
        subscribed.set()
        with suppress(asyncio.CancelledError):  # as `asyncio.wait_for` does below Python 3.12, by which redis-py writes
            await asyncio.Event().wait()

    monkeypatch.setattr(PubSub, "subscribe", hiding)
    listening = asyncio.create_task(Hub(valkey).listen())
    await subscribed.wait()
    listening.cancel()
    done, _ = await asyncio.wait([listening], timeout=2)
    assert done == {listening}

"""What may be used once is used once, by however many nodes; what Valkey lost counts as used (S7)."""

from __future__ import annotations

import asyncio

import pytest
from redis.exceptions import RedisError

from config.connections import Valkey, open_valkey
from config.replays import AHEAD, SPREAD, NotRemembered, Replays
from config.settings import Settings
from jose import foreign

NOW = 1_800_000_000.0


def test_nothing_is_let_that_the_memory_may_have_lost() -> None:
    assert AHEAD >= foreign.AHEAD


async def test_once_over_two_nodes(valkey: Valkey, settings: Settings) -> None:
    other = open_valkey(settings)
    nodes = [Replays(valkey, "test"), Replays(other, "test")]
    try:
        await nodes[0].begin(NOW - 60)
        first = await asyncio.gather(
            *(nodes[turn % 2].is_first("a", made_at=NOW, good_until=NOW + 60, now=NOW) for turn in range(12))
        )
    finally:
        await other.aclose()
    assert sorted(first) == [False] * 11 + [True]
    assert await nodes[0].is_first("b", made_at=NOW, good_until=NOW + 60, now=NOW)
    assert await Replays(valkey, "elsewhere").is_first("a", made_at=NOW + 50, good_until=NOW + 60, now=NOW)


async def test_it_is_remembered_for_as_long_as_it_is_good(valkey: Valkey) -> None:
    replays = Replays(valkey, "test")
    await replays.begin(NOW - 60)
    await replays.is_first("a", made_at=NOW, good_until=NOW + 60, now=NOW)
    (key,) = [name async for name in valkey.scan_iter("munjigi:{replay:test}:*") if not name.endswith(":since")]
    assert 60 + SPREAD - 5 < await valkey.ttl(key) <= 60 + SPREAD


async def test_what_was_lost_may_have_been_used(valkey: Valkey) -> None:
    replays = Replays(valkey, "test")
    await replays.begin(NOW - 60)
    for made_at in (NOW, NOW + AHEAD):
        assert await replays.is_first(f"{made_at}", made_at=made_at, good_until=NOW + 60, now=NOW)
    await valkey.flushdb()
    # the newest of them was taken by a node whose clock is ahead of the one that begins anew
    for made_at in (NOW, NOW + AHEAD, NOW + SPREAD + AHEAD):
        with pytest.raises(NotRemembered) as told:
            await replays.is_first(f"{made_at}", made_at=made_at, good_until=NOW + 60, now=NOW)
        assert made_at + told.value.wait == NOW + SPREAD + AHEAD + 1
    later = NOW + SPREAD + AHEAD + 1
    assert await replays.is_first("later", made_at=later, good_until=later + 60, now=later)
    assert not await replays.is_first("later", made_at=later, good_until=later + 60, now=later)


async def test_where_valkey_does_not_answer_nothing_is_taken(settings: Settings) -> None:
    away = open_valkey(
        settings.model_copy(update={"valkey": settings.valkey.model_copy(update={"url": "unix:///gone"})})
    )
    replays = Replays(away, "test")
    await replays.begin(NOW)
    with pytest.raises((RedisError, OSError)):
        await replays.is_first("a", made_at=NOW, good_until=NOW + 60, now=NOW)
    await away.aclose()

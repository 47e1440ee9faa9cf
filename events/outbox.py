"""Telling: a row in the caller's own transaction, so that what happened is told exactly if it happened."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Literal

import msgspec
from redis.exceptions import RedisError
from sqlalchemy import text

from config import key_space
from config.connections import Transaction, Valkey

Topic = Literal[
    "session", "attempt", "organisation", "policy", "key", "client", "resource", "request", "elevation", "measure",
    "reservation", "programme", "order",
]  # fmt: skip
"""The topics there are; their payloads stand in docs/house.md."""

_POKE_TIMEOUT = 0.25
_INSERT = text("INSERT INTO events.outbox (topic, key, payload) VALUES (:topic, :key, CAST(:payload AS jsonb))")


async def append(tx: Transaction, topic: Topic, key: str, payload: Mapping[str, object]) -> None:
    """Put an event into the outbox within `tx`. Call `poke` after the commit, so that it goes out at once."""
    encoded = msgspec.json.encode(payload).decode()
    await tx.execute(_INSERT, {"topic": topic, "key": key, "payload": encoded})


async def poke(valkey: Valkey) -> None:
    """Wake the relay; call it after the commit. It never fails: a lost poke costs one poll of the relay (50 ms)."""
    try:
        async with asyncio.timeout(_POKE_TIMEOUT):
            await valkey.publish(key_space.OUTBOX_POKE, "")
    except (RedisError, OSError, TimeoutError):
        return

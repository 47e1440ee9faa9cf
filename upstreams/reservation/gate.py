"""A cheap refusal of what cannot be had: what the last decision left of each thing, in Valkey.

The gate never grants. A count that is too high lets a request through to PostgreSQL, which refuses it there; one that
is too low can only under-sell, for at most `KEPT` seconds. Counts carry the version of their row, so a late writer
cannot put an old one over a new one.
"""

from __future__ import annotations

from collections.abc import Mapping

import structlog
from redis.exceptions import RedisError

from config import key_space
from config.connections import Valkey
from upstreams.trade.allocation import Basket
from upstreams.trade.stock import Level

KEPT = 10.0
"""Seconds after which a count that nobody renewed is forgotten."""

_SHOW = """
local known = redis.call('HGET', KEYS[1], 'v')
if not known or tonumber(known) <= tonumber(ARGV[2]) then
    redis.call('HSET', KEYS[1], 'a', ARGV[1], 'v', ARGV[2])
    redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
"""
_log = structlog.get_logger(__name__)


class Gate:
    """What may still be asked for."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey

    async def show(self, levels: Mapping[str, Level]) -> None:
        """What a committed decision left. Without Valkey nothing is shown, and the gate stands open."""
        try:
            async with self._valkey.pipeline(transaction=False) as pipeline:
                for sku, level in levels.items():
                    pipeline.eval(
                        _SHOW,
                        1,
                        key_space.reservation_gate(sku),
                        str(level.available),
                        str(level.version),
                        str(int(KEPT * 1000)),
                    )
                await pipeline.execute()
        except RedisError as error:
            _log.warning("gate_not_shown", error=type(error).__name__)

    async def refuses(self, basket: Basket) -> bool:
        """Whether the last decision left less of something than this basket asks for."""
        try:
            async with self._valkey.pipeline(transaction=False) as pipeline:
                for line in basket.lines:
                    pipeline.hget(key_space.reservation_gate(line.sku), "a")
                left = await pipeline.execute()
        except RedisError as error:
            _log.warning("gate_not_asked", error=type(error).__name__)
            return False
        return any(
            known is not None and int(known) < line.quantity for known, line in zip(left, basket.lines, strict=True)
        )

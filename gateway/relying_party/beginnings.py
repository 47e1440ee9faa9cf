"""How many sign-ins one address may begin: each leaves a row behind, and anybody may begin one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import cast

from redis.exceptions import RedisError

from config import key_space
from config.connections import Valkey
from config.problem import Problem
from config.subscriber import subscriber
from gateway.relying_party.problems import PROVIDER_AWAY, TOO_MANY_SIGN_INS

ATTEMPTS = 2000
"""As many as the identity provider lets one address begin: a whole company may stand behind it."""
SECONDS = 600
"""As long as a sign-in may take, so that no more rows than `ATTEMPTS` wait for one address."""
PATIENCE = 1.0
"""Seconds that Valkey may take."""

# KEYS[1] the counter. ARGV: seconds it lives. Answers the count and the milliseconds until it begins anew.
_COUNT = """
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return {count, redis.call('PTTL', KEYS[1])}
"""


class Beginnings:
    """Counted in Valkey for all gateways together; closed where it cannot count."""

    def __init__(self, valkey: Valkey, *, attempts: int = ATTEMPTS) -> None:
        self.attempts = attempts
        self._valkey = valkey

    async def count(self, address: str) -> None:
        """Count one. Raises `TOO_MANY_SIGN_INS` with Retry-After, `PROVIDER_AWAY` where Valkey does not answer."""
        try:
            async with asyncio.timeout(PATIENCE):
                begun, left = await self._counted(key_space.throttle("gateway-sign-in", subscriber(address)))
        except (RedisError, OSError) as error:  # a TimeoutError is an OSError
            raise Problem(PROVIDER_AWAY, private=f"sign-ins not counted: {type(error).__name__}") from error
        if begun > self.attempts:
            raise Problem(TOO_MANY_SIGN_INS, headers={"Retry-After": str(max(1, -(-left // 1000)))})

    async def _counted(self, key: str) -> tuple[int, int]:
        begun, left = await cast("Awaitable[list[int]]", self._valkey.eval(_COUNT, 1, key, str(SECONDS)))
        return begun, left

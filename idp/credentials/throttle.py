"""How often somebody may guess: counted in Valkey before the guess is looked at, and closed where it cannot count (S7).

An attempt is counted first and given back when it was right, so that a thousand guesses fired together are counted like
a thousand in a row. A device that the person signed in with before has a count of its own: whoever locks an account
out by guessing does not lock its owner out.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from uuid import UUID

from redis.exceptions import RedisError

from config import key_space
from config.connections import Valkey
from config.problem import Problem, ProblemType

TOO_MANY = ProblemType(
    "MJ-IDP-102",
    HTTPStatus.TOO_MANY_REQUESTS,
    "There were too many attempts",
    "Wait a little, then try again, or use another way to sign in.",
)
CANNOT_COUNT = ProblemType(
    "MJ-IDP-103",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "Signing in does not work for a moment",
    "Try again in a few seconds; whoever is signed in stays signed in.",
)


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many attempts in so many seconds, counted from the first."""

    scope: str
    attempts: int
    seconds: int


PASSWORD_OF_ACCOUNT: Final = Allowance("password-account", 20, 900)
PASSWORD_OF_ADDRESS: Final = Allowance("password-address", 300, 900)
FACTOR_OF_ACCOUNT: Final = Allowance("factor-account", 10, 900)

# KEYS[1] the counter; ARGV: attempts, seconds. Answers {1, 0}, or {0, milliseconds to wait}.
_COUNT = """
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
if count > tonumber(ARGV[1]) then
  redis.call('DECR', KEYS[1])
  return {0, redis.call('PTTL', KEYS[1])}
end
return {1, 0}
"""
# KEYS[1] the counter. An attempt that was right does not count; a counter that has expired stays away.
_GIVE_BACK = """
if redis.call('EXISTS', KEYS[1]) == 1 and redis.call('DECR', KEYS[1]) <= 0 then redis.call('DEL', KEYS[1]) end
return 1
"""


class Throttle:
    """Counts attempts of a subject (an account's name, an address) within an allowance."""

    def __init__(self, valkey: Valkey) -> None:
        self._count = valkey.register_script(_COUNT)
        self._return = valkey.register_script(_GIVE_BACK)

    async def attempt(self, allowance: Allowance, subject: str) -> None:
        """Count one attempt. Raises `TOO_MANY` with Retry-After, and `CANNOT_COUNT` where Valkey does not answer."""
        key = _key(allowance, subject)
        try:
            allowed, wait = await self._count(keys=[key], args=[allowance.attempts, allowance.seconds])
        except (RedisError, OSError) as error:
            raise Problem(CANNOT_COUNT, private=f"throttle: {error}", headers={"Retry-After": "2"}) from error
        if not allowed:
            seconds = max(1, -(-wait // 1000))
            raise Problem(TOO_MANY, private=f"throttle of {allowance.scope}", headers={"Retry-After": str(seconds)})

    async def was_right(self, allowance: Allowance, subject: str) -> None:
        """Give an attempt back. Raises `CANNOT_COUNT` where Valkey does not answer."""
        try:
            await self._return(keys=[_key(allowance, subject)])
        except (RedisError, OSError) as error:
            raise Problem(CANNOT_COUNT, private=f"throttle: {error}", headers={"Retry-After": "2"}) from error


def account_subject(login_name: str, known_device: UUID | None) -> str:
    """Whose attempts at an account are counted together: everybody's, or those of one device that the person knows."""
    return f"{login_name}\0{known_device or ''}"


def _key(allowance: Allowance, subject: str) -> str:
    digest = hashlib.sha256(subject.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return key_space.throttle(allowance.scope, digest)

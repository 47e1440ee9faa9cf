"""How often somebody may guess: counted in Valkey before the guess is looked at, and closed where it cannot count (S7).

An attempt is counted first and given back when it was right, so that a thousand guesses fired together are counted like
a thousand in a row. A device that the person signed in with before has a count of its own: whoever locks an account
out by guessing does not lock its owner out.
"""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from uuid import UUID

import structlog
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


_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many attempts in so many seconds, counted from the first."""

    scope: str
    attempts: int
    seconds: int


PASSWORD_OF_ACCOUNT: Final = Allowance("password-account", 20, 900)
PASSWORD_OF_ADDRESS: Final = Allowance("password-address", 300, 900)
FACTOR_OF_ACCOUNT: Final = Allowance("factor-account", 10, 900)
REFUSALS_OF_ADDRESS: Final = Allowance("refusal-address", 300, 900)
"""Refusals at the endpoints of clients that are recorded one by one."""


def logins_of_address(lifetime: float) -> Allowance:
    """Logins that one address may have begun and not brought to an end; `lifetime` of a login in seconds."""
    return Allowance("login-address", 2000, max(1, round(lifetime)))


# KEYS[1] the counter: `n` counted, `t` a refusal was told. ARGV: attempts, seconds.
# Answers {1, 0, 0}, or {0, milliseconds to wait, 1 for the first refusal until the counter goes}.
_COUNT = """
local count = redis.call('HINCRBY', KEYS[1], 'n', 1)
if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
if count > tonumber(ARGV[1]) then
  redis.call('HINCRBY', KEYS[1], 'n', -1)
  return {0, redis.call('PTTL', KEYS[1]), redis.call('HSETNX', KEYS[1], 't', 1)}
end
return {1, 0, 0}
"""
# KEYS[1] the counter. An attempt that was right does not count; a counter that has expired stays away.
_GIVE_BACK = """
if redis.call('EXISTS', KEYS[1]) == 1 and redis.call('HINCRBY', KEYS[1], 'n', -1) <= 0 then
  redis.call('DEL', KEYS[1])
end
return 1
"""


class TooMany(Problem):
    """`TOO_MANY`, with what its record depends on."""

    def __init__(self, allowance: Allowance, seconds: int, *, first: bool) -> None:
        super().__init__(TOO_MANY, private=f"throttle of {allowance.scope}", headers={"Retry-After": str(seconds)})
        self.first = first
        """The first refusal of this subject for a while: whoever records each one lets strangers fill the trail."""


class Throttle:
    """Counts attempts of a subject (an account's name, an address) within an allowance."""

    def __init__(self, valkey: Valkey) -> None:
        self._count = valkey.register_script(_COUNT)
        self._return = valkey.register_script(_GIVE_BACK)

    async def attempt(self, allowance: Allowance, subject: str) -> None:
        """Count one attempt. Raises `TooMany` with Retry-After, and `CANNOT_COUNT` where Valkey does not answer."""
        key = _key(allowance, subject)
        try:
            allowed, wait, first = await self._count(keys=[key], args=[allowance.attempts, allowance.seconds])
        except (RedisError, OSError) as error:
            raise Problem(CANNOT_COUNT, private=f"throttle: {error}", headers={"Retry-After": "2"}) from error
        if not allowed:
            raise TooMany(allowance, max(1, -(-wait // 1000)), first=bool(first))

    async def was_right(self, allowance: Allowance, subject: str) -> None:
        """Give an attempt back. Where Valkey does not answer it stays counted: what was right is not undone by that."""
        try:
            await self._return(keys=[_key(allowance, subject)])
        except (RedisError, OSError) as error:
            _log.warning("attempt_not_given_back", scope=allowance.scope, error=type(error).__name__)


def address_subject(ip: str) -> str:
    """Whose attempts are counted together by address: one IPv4 address, or the /64 that one IPv6 subscriber has."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ip
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))
    return str(address)


def account_subject(login_name: str, known_device: UUID | None) -> str:
    """Whose attempts at an account are counted together: everybody's, or those of one device that the person knows."""
    return f"{login_name}\0{known_device or ''}"


def _key(allowance: Allowance, subject: str) -> str:
    digest = hashlib.sha256(subject.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return key_space.throttle(allowance.scope, digest)

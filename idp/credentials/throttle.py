"""How often somebody may try: counted in Valkey before the attempt is looked at, and closed where it cannot count (S7).

An attempt is counted first and given back when it was right, so that a thousand guesses fired together are counted like
a thousand in a row. `guesses` says what is counted of a guess at a password:

- from a device where the person got a session before: that device's own count, and nothing else. Whoever guesses from
  elsewhere, however much, slows the person's own devices down by nothing;
- from anywhere else: the account from this address, the account from all strange addresses, and the address.

After so many failures each further one must wait, longer each time up to a bound. Nothing locks an account: passkeys
and recovery by mail are not counted here, and a browser that recovery let in is a known one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

import structlog
from redis.exceptions import RedisError

from config import key_space
from config.connections import Valkey
from config.problem import Problem, ProblemType
from config.subscriber import subscriber

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


@dataclass(frozen=True, slots=True)
class Slowdown:
    """So many failures at any pace; after each further one a wait, twice as long each time."""

    scope: str
    free: int
    """Failures that nobody waits for."""
    first: int
    """Seconds of the first wait."""
    longest: int
    """Seconds of the longest."""
    memory: int
    """Seconds without an attempt after which all is forgotten."""


Limit = Allowance | Slowdown

PASSWORD_OF_KNOWN_DEVICE: Final = Slowdown("password-device", free=10, first=5, longest=900, memory=3600)
PASSWORD_OF_ACCOUNT_HERE: Final = Slowdown("password-account-here", free=5, first=5, longest=900, memory=3600)
PASSWORD_OF_ACCOUNT: Final = Slowdown("password-account", free=100, first=5, longest=900, memory=86400)
"""NIST SP 800-63B-4, section 3.2.2: at most 100 failures in a row, or delays."""
PASSWORD_OF_ADDRESS: Final = Slowdown("password-address", free=100, first=1, longest=60, memory=3600)
"""Many people may share an address, so its waits stay short."""
PASSKEY_OF_ADDRESS: Final = Allowance("passkey-address", 300, 900)
UPSTREAM_OF_ADDRESS: Final = Allowance("upstream-address", 300, 900)
"""Answers of upstreams that came to nothing."""
REFUSALS_OF_ADDRESS: Final = Allowance("refusal-address", 300, 900)
"""Refusals at the endpoints of clients that are recorded one by one."""
RECOVERY_OF_ADDRESS: Final = Allowance("recovery-address", 30, 900)
RECOVERY_OF_ACCOUNT: Final = Allowance("recovery-account", 3, 1800)
"""Mails with a link, in the half hour for which each is good: there is always one in the inbox that works."""
WAITS_OF_ACCOUNT: Final = Allowance("recovery-wait-account", 3, 7 * 24 * 3600)
"""Recoveries that wait: whoever stopped two of them is not to be worn down by more."""
RESET_CODES_OF_ADDRESS: Final = Allowance("reset-code-address", 30, 900)
RESET_CODES_OF_NAME: Final = Allowance("reset-code-name", 10, 900)
"""Codes that administrators tell by phone, as they are typed; of names that nobody has likewise."""
DEVICES_OF_ADDRESS: Final = Allowance("device-address", 100, 900)
"""Codes that devices at one address ask for."""
USER_CODES_OF_ADDRESS: Final = Allowance("user-code-address", 30, 900)
USER_CODES_OF_SESSION: Final = Allowance("user-code-session", 10, 900)
"""Codes of devices that somebody types and that nobody shows (RFC 8628, section 5.1)."""
BACKCHANNEL_OF_CLIENT: Final = Allowance("backchannel-client", 600, 60)
"""Requests behind people's backs that one client makes for all of its people."""
BACKCHANNEL_OF_PERSON: Final = Allowance("backchannel-person", 30, 900)
BACKCHANNEL_OF_PERSON_BY_CLIENT: Final = Allowance("backchannel-person-client", 10, 900)
"""Of those the ones about one person: nobody is worn down until they allow one."""
WRONG_AT_BROWSER: Final = Allowance("wrong-browser", 1_000_000, 3600)
"""What went wrong at a sign-in of one browser: nothing waits for it, it decides what help is offered."""
VOUCHED: Final = 24 * 3600
"""Seconds for which a browser that recovery let in is a known one."""


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
# KEYS[1] the counter: `n` counted, `u` until when to wait (milliseconds of the store's clock), `t` a refusal was told.
# ARGV: free, first, longest, memory (seconds). Whoever is let in holds the next one off at once: of many attempts fired
# together after the free ones, one is looked at. Answers as above.
_SLOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local hold = tonumber(redis.call('HGET', KEYS[1], 'u') or 0)
if now < hold then return {0, hold - now, redis.call('HSETNX', KEYS[1], 't', 1)} end
local over = redis.call('HINCRBY', KEYS[1], 'n', 1) - tonumber(ARGV[1])
if over >= 0 then
  local wait = math.min(ARGV[2] * 2 ^ math.min(over, 32), tonumber(ARGV[3])) * 1000
  redis.call('HSET', KEYS[1], 'u', string.format('%d', now + wait))
end
redis.call('EXPIRE', KEYS[1], ARGV[4])
return {1, 0, 0}
"""
# KEYS[1] the counter. An attempt that was right does not count, nor does the wait that it set; a counter that has
# expired stays away.
_GIVE_BACK = """
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('HDEL', KEYS[1], 'u')
  if redis.call('HINCRBY', KEYS[1], 'n', -1) <= 0 then redis.call('DEL', KEYS[1]) end
end
return 1
"""


class TooMany(Problem):
    """`TOO_MANY`, with what its record and its words depend on."""

    def __init__(self, limit: Limit, seconds: int, *, first: bool) -> None:
        super().__init__(TOO_MANY, private=f"throttle of {limit.scope}", headers={"Retry-After": str(seconds)})
        self.limit = limit
        self.first = first
        """The first refusal of this subject for a while: whoever records each one lets strangers fill the trail."""
        self.seconds = seconds
        """How long to wait."""


class Throttle:
    """Counts attempts of a subject (an account's name, an address) within a limit."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey
        self._count = valkey.register_script(_COUNT)
        self._slow = valkey.register_script(_SLOW)
        self._return = valkey.register_script(_GIVE_BACK)

    async def attempt(self, limit: Limit, subject: str) -> None:
        """Count one attempt. Raises `TooMany` with Retry-After, and `CANNOT_COUNT` where Valkey does not answer."""
        script, arguments = self._script(limit)
        try:
            allowed, wait, first = await script(keys=[_key(limit, subject)], args=arguments)
        except (RedisError, OSError) as error:
            raise Problem(CANNOT_COUNT, private=f"throttle: {error}", headers={"Retry-After": "2"}) from error
        if not allowed:
            raise TooMany(limit, max(1, -(-wait // 1000)), first=bool(first))

    async def attempt_all(self, subjects: Sequence[tuple[Limit, str]]) -> None:
        """Count one attempt of several subjects, or, where one of them must wait, of none. Raises as `attempt`."""
        counted: list[tuple[Limit, str]] = []
        try:
            for limit, subject in subjects:
                await self.attempt(limit, subject)
                counted.append((limit, subject))
        except Problem:
            await self.all_right(counted)
            raise

    async def counted(self, subjects: Sequence[tuple[Limit, str]]) -> int:
        """How many attempts stand against the one of these subjects that has most. Raises `CANNOT_COUNT`."""
        try:
            found = [await self._valkey.hget(_key(limit, subject), "n") for limit, subject in subjects]
        except (RedisError, OSError) as error:
            raise Problem(CANNOT_COUNT, private=f"throttle: {error}", headers={"Retry-After": "2"}) from error
        return max((int(number) for number in found if number is not None), default=0)

    async def vouch(self, person: str, browser: bytes) -> None:
        """A browser that recovery by mail just let in counts as known for a while, whoever else tries that person.

        `browser` is the hash of its device cookie. Where Valkey does not answer it stays a strange one.
        """
        try:
            await self._valkey.set(_vouched_key(person, browser), "1", ex=VOUCHED)
        except (RedisError, OSError) as error:
            _log.warning("browser_not_vouched_for", error=type(error).__name__)

    async def vouched(self, person: str, browser: bytes) -> bool:
        """Whether recovery let this person in at this browser. Raises `CANNOT_COUNT`."""
        try:
            return bool(await self._valkey.exists(_vouched_key(person, browser)))
        except (RedisError, OSError) as error:
            raise Problem(CANNOT_COUNT, private=f"throttle: {error}", headers={"Retry-After": "2"}) from error

    async def was_right(self, limit: Limit, subject: str) -> None:
        """Give an attempt back. Where Valkey does not answer it stays counted: what was right is not undone by that."""
        try:
            await self._return(keys=[_key(limit, subject)])
        except (RedisError, OSError) as error:
            _log.warning("attempt_not_given_back", scope=limit.scope, error=type(error).__name__)

    async def all_right(self, subjects: Sequence[tuple[Limit, str]]) -> None:
        """`was_right` for what `attempt_all` counted."""
        for limit, subject in subjects:
            await self.was_right(limit, subject)

    def _script(self, limit: Limit) -> tuple[Any, list[int]]:
        if isinstance(limit, Allowance):
            return self._count, [limit.attempts, limit.seconds]
        return self._slow, [limit.free, limit.first, limit.longest, limit.memory]


def guesses(login_name: str, ip: str, known_device: UUID | None) -> list[tuple[Limit, str]]:
    """What is counted of a guess at a password.

    `known_device` is the device of the person of this name where they got a session before. A name that nobody has is
    counted like any other.
    """
    if known_device is not None:
        return [(PASSWORD_OF_KNOWN_DEVICE, account_subject(login_name, known_device))]
    address = address_subject(ip)
    return [
        (PASSWORD_OF_ACCOUNT_HERE, f"{login_name}\0{address}"),
        (PASSWORD_OF_ADDRESS, address),
        (PASSWORD_OF_ACCOUNT, account_subject(login_name, None)),
    ]


def address_subject(ip: str) -> str:
    """Whose attempts are counted together by address: one IPv4 address, or the /64 that one IPv6 subscriber has."""
    return subscriber(ip, ip)


def account_subject(login_name: str, known_device: UUID | None) -> str:
    """Whose attempts at an account are counted together: everybody's, or those of one device that the person knows."""
    return f"{login_name}\0{known_device or ''}"


def _vouched_key(person: str, browser: bytes) -> str:
    digest = hashlib.sha256(person.encode("utf-8", "surrogatepass") + b"\0" + browser).hexdigest()[:32]
    return key_space.throttle("vouched", digest)


def _key(limit: Limit, subject: str) -> str:
    digest = hashlib.sha256(subject.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return key_space.throttle(limit.scope, digest)

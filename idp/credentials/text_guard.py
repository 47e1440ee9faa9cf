"""Whether a code may go out by text: every text costs money, and somebody earns from each.

"SMS pumping" has codes sent, by the thousand, to ranges of numbers whose carrier shares the fee with whoever asks. So
texts go to the countries that were named and nowhere else; they are counted by person, number, address, block of
numbers and country, and all together by day; and codes that are sent are weighed against codes that are typed: where
nobody types any, nothing is sent for a while. All of it is counted in Valkey before anything is sent, and nothing is
sent where it cannot be counted (S7).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

import structlog
from prometheus_client import Counter
from redis.exceptions import RedisError

from config import key_space
from config.connections import Valkey
from config.problem import Problem
from idp.credentials.throttle import CANNOT_COUNT, Allowance, Limit, Throttle, TooMany, address_subject

HOUR: Final = 3600
DAY: Final = 86_400
TEXTS_OF_PERSON: Final = Allowance("text-person", 10, HOUR)
TEXTS_OF_PERSON_A_DAY: Final = Allowance("text-person-day", 20, DAY)
TEXTS_OF_NUMBER: Final = Allowance("text-number", 5, HOUR)
"""Of one number, whoever asks: nobody's phone is made to ring all night."""
TEXTS_OF_NUMBER_A_DAY: Final = Allowance("text-number-day", 15, DAY)
TEXTS_OF_ADDRESS: Final = Allowance("text-address", 60, HOUR)
"""Many people may share an address."""
TEXTS_OF_BLOCK: Final = Allowance("text-block", 30, HOUR)
"""Ten thousand numbers that stand in a row."""
COUNTRY_SHARE: Final = 4
"""One country gets a fourth of a day's texts in one hour at most."""
ALARM_AT: Final = 0.8
"""Of a day's texts, when somebody is told that they go."""

Refusal = Literal["unavailable", "country", "limits", "paused", "budget"]
"""Why no text goes out: nobody carries any; none go to that country; there were too many for whoever asks; nobody
there types the codes; or the day's are used up."""
Alarm = Literal["block_paused", "country_paused", "budget_low", "budget_spent"]
REFUSED: Final = Counter("munjigi_text_codes_refused", "Codes by text that were not sent", ["reason"])
ALLOWED: Final = Counter("munjigi_text_codes_allowed", "Codes by text that were sent", ["country"])
USED: Final = Counter("munjigi_text_codes_used", "Codes by text that were typed", ["country"])
ALARMS: Final = Counter("munjigi_text_codes_alarms", "What somebody should look at", ["alarm"])

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Watch:
    """How codes that are sent are weighed against codes that are typed."""

    scope: Literal["block", "country"]
    enough: int
    """Codes before which nothing is concluded."""
    least: int
    """Of a hundred that were sent so many are typed, or nothing more is sent."""
    window: int = 6 * HOUR
    """Seconds for which they are counted, from the first."""
    pause: int = DAY
    """Seconds for which nothing is sent then."""


WATCHES: Final = (Watch("block", enough=10, least=5), Watch("country", enough=100, least=20))


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a text would go."""

    number: str
    """E.164."""
    block: str
    country: str
    """ISO 3166-1."""


@dataclass(frozen=True, slots=True)
class Permit:
    """What is said of one text."""

    refusal: Refusal | None
    alarm: Alarm | None = None
    """What is to be recorded of it; told once."""


# KEYS[1] the counter of a block or a country: `s` sent, `u` typed, `p` once it is paused.
# ARGV: enough, least of a hundred, window, pause. Answers {1, 0}, or {0, 1 for the first refusal}.
_SENT = """
if redis.call('HEXISTS', KEYS[1], 'p') == 1 then return {0, 0} end
local sent = tonumber(redis.call('HGET', KEYS[1], 's') or '0')
local used = tonumber(redis.call('HGET', KEYS[1], 'u') or '0')
if sent >= tonumber(ARGV[1]) and used * 100 < sent * tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], 'p', '1')
  redis.call('EXPIRE', KEYS[1], ARGV[4])
  return {0, 1}
end
if redis.call('HINCRBY', KEYS[1], 's', 1) == 1 then redis.call('EXPIRE', KEYS[1], ARGV[3]) end
return {1, 0}
"""
_USED = """
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HINCRBY', KEYS[1], 'u', 1) end
return 1
"""


class TextGuard:
    """Says whether a text may go out, and counts it."""

    def __init__(self, throttle: Throttle, valkey: Valkey, *, a_day: int, available: bool) -> None:
        """`a_day`: how many go out in a day at most. `available`: whether anybody carries them."""
        self._throttle = throttle
        self._sent = valkey.register_script(_SENT)
        self._used = valkey.register_script(_USED)
        self._a_day = Allowance("text-day", a_day, DAY)
        self._of_country = Allowance("text-country", max(1, a_day // COUNTRY_SHARE), HOUR)
        self._available = available

    @property
    def available(self) -> bool:
        """Whether anybody carries texts."""
        return self._available

    async def may_send(self, to: Destination, *, person: UUID, address: str, countries: Collection[str]) -> Permit:
        """Count a text that is about to be sent, or say why none goes. Raises `CANNOT_COUNT`.

        `address`: where whoever asks comes from. Call it while no transaction is open: a store that stalls holds it up.
        """
        permit = await self._judge(to, person, address, countries)
        if permit.refusal is not None:
            REFUSED.labels(permit.refusal).inc()
        else:
            ALLOWED.labels(to.country).inc()
        if permit.alarm is not None:
            ALARMS.labels(permit.alarm).inc()
            _log.error("texts_alarm", alarm=permit.alarm, country=to.country, block=to.block)
        return permit

    async def was_used(self, to: Destination) -> None:
        """A code that went there was typed; after the commit. It never fails."""
        USED.labels(to.country).inc()
        try:
            for watch in WATCHES:
                await self._used(keys=[_key(watch, to)])
        except (RedisError, OSError) as error:
            _log.warning("text_code_use_not_counted", error=type(error).__name__)

    async def _judge(self, to: Destination, person: UUID, address: str, countries: Collection[str]) -> Permit:
        if not self._available:
            return Permit("unavailable")
        if to.country not in countries:
            return Permit("country")
        counted = self._counted(to, person, address)
        try:
            await self._throttle.attempt_all(counted)
        except TooMany:
            return Permit("limits")
        try:
            await self._throttle.attempt(self._a_day, "all")
        except TooMany as spent:
            await self._throttle.all_right(counted)
            return Permit("budget", "budget_spent" if spent.first else None)
        counted = [*counted, (self._a_day, "all")]
        for watch in WATCHES:
            allowed, first = await self._weigh(watch, to)
            if not allowed:
                await self._throttle.all_right(counted)
                paused: Alarm = "block_paused" if watch.scope == "block" else "country_paused"
                return Permit("paused", paused if first else None)
        low = await self._throttle.counted([(self._a_day, "all")]) == int(self._a_day.attempts * ALARM_AT)
        return Permit(None, "budget_low" if low else None)

    async def _weigh(self, watch: Watch, to: Destination) -> tuple[bool, bool]:
        try:
            allowed, first = await self._sent(
                keys=[_key(watch, to)], args=[watch.enough, watch.least, watch.window, watch.pause]
            )
        except (RedisError, OSError) as error:
            raise Problem(CANNOT_COUNT, private=f"texts: {error}", headers={"Retry-After": "2"}) from error
        return bool(allowed), bool(first)

    def _counted(self, to: Destination, person: UUID, address: str) -> Sequence[tuple[Limit, str]]:
        return [
            (TEXTS_OF_ADDRESS, address_subject(address)),
            (TEXTS_OF_PERSON, str(person)),
            (TEXTS_OF_PERSON_A_DAY, str(person)),
            (TEXTS_OF_NUMBER, to.number),
            (TEXTS_OF_NUMBER_A_DAY, to.number),
            (TEXTS_OF_BLOCK, to.block),
            (self._of_country, to.country),
        ]


def _key(watch: Watch, to: Destination) -> str:
    subject = to.block if watch.scope == "block" else to.country
    return key_space.text_watch(watch.scope, hashlib.sha256(subject.encode()).hexdigest()[:32])

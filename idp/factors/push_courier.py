"""Carries questions to people's devices, by their push services.

A push holds the id of a question and a language, nothing else: what is asked is on the page, which the device alone is
shown. Claim under a lease, commit, post, settle: no transaction is open while a push service is waited for, and one
that does not answer holds up nobody else's devices.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

import msgspec
import prometheus_client
import structlog
from redis.exceptions import RedisError

from config import key_space
from config.clock import Clock
from config.connections import Database, Transaction, Valkey
from config.envelope import Envelope, EnvelopeError
from config.outbound import Outbound
from notifications.web_push.post import Posted, Push, post
from notifications.web_push.subscription import Subscription
from notifications.web_push.vapid import Vapid

LEASE: Final = timedelta(seconds=20)
"""So long a claimed push is nobody else's; longer than a post may take."""
MOST: Final = 64
"""Pushes under way at once, in one process."""
EACH: Final = 8
"""Of those at most so many to one push service."""
FIRST_WAIT: Final = timedelta(seconds=1)
LONGEST_WAIT: Final = timedelta(seconds=30)
_POKE_TIMEOUT: Final = 0.25

_log = structlog.get_logger(__name__)
_pushes = prometheus_client.Counter(
    "munjigi_pushes_total", "Posts to push services, by what became of them", ["outcome"]
)


def context(approval_device_id: UUID) -> str:
    """The place that a subscription is sealed for."""
    return f"idp.approval_device:{approval_device_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedPush:
    """A push that is this worker's until its lease ends."""

    id: UUID
    request_id: UUID
    approval_device_id: UUID
    sealed_subscription: bytes
    host: str
    locale: str
    attempts: int
    """This one included."""
    expires_at: datetime
    leased_until: datetime


class Pushes(Protocol):
    """Where pushes wait."""

    async def claim(
        self, tx: Transaction, now: datetime, lease: datetime, leaving_out: Collection[str], limit: int
    ) -> list[ClaimedPush]:
        """Those that are due, but to these push services."""

    async def put_off(self, tx: Transaction, push: ClaimedPush, until: datetime) -> None:
        """A claimed one is tried again later, if it is still ours."""

    async def settle(self, tx: Transaction, push: ClaimedPush, *, gone: bool) -> None:
        """A claimed one is done with; where its subscription is `gone`, its device gets no more."""

    async def forget_late(self, tx: Transaction, now: datetime) -> int:
        """Forget those whose question is over. Returns how many."""


@dataclass(slots=True)
class PushCourier:
    """`step` claims what is due and starts its posts; `drain` waits until none is under way."""

    pushes: Pushes
    database: Database
    envelope: Envelope
    vapid: Vapid
    outbound: Outbound
    clock: Clock
    chance: random.Random = field(default_factory=random.SystemRandom)
    _under_way: Counter[str] = field(default_factory=Counter)
    _posts: set[asyncio.Task[None]] = field(default_factory=set)

    async def step(self) -> int:
        """Claim what is due and begin to deliver it. Returns how much that was."""
        room = MOST - len(self._posts)
        if room <= 0:
            return 0
        now = self.clock.now()
        busy = [host for host, count in self._under_way.items() if count >= EACH]
        async with self.database.begin() as tx:
            late = await self.pushes.forget_late(tx, now)
            claimed = await self.pushes.claim(tx, now, now + LEASE, busy, room)
        if late:
            _pushes.labels("late").inc(late)
        for one in claimed:
            self._under_way[one.host] += 1
            carrying = asyncio.create_task(self._carry(one))
            self._posts.add(carrying)
            carrying.add_done_callback(self._posts.discard)
        return len(claimed)

    async def drain(self) -> None:
        """Wait until no post is under way."""
        while self._posts:
            await asyncio.gather(*self._posts, return_exceptions=True)

    async def _carry(self, push: ClaimedPush) -> None:
        try:
            await self._settle(push, await self._post(push))
        except Exception as error:  # the lease ends, and somebody tries again
            _log.warning("a push is held up", push=str(push.id), error=type(error).__name__)
        finally:
            self._under_way[push.host] -= 1
            self._under_way += Counter()  # forgets those at nought

    async def _post(self, push: ClaimedPush) -> Posted:
        try:
            opened = self.envelope.open(push.sealed_subscription, context(push.approval_device_id))
            subscription = msgspec.json.decode(opened, type=Subscription)
        except (EnvelopeError, msgspec.MsgspecError) as error:
            return Posted("gone", type(error).__name__)
        now = self.clock.now()
        message = Push(
            body=msgspec.json.encode({"id": str(push.request_id), "locale": push.locale}),
            ttl=max(0, int((push.expires_at - now).total_seconds())),
            urgency="high",
            topic=push.request_id.hex,
        )
        try:
            return await post(self.outbound, self.vapid, subscription, message, now.timestamp())
        except ValueError as error:  # no key of any browser: as wrong the next time
            return Posted("gone", type(error).__name__)

    async def _settle(self, push: ClaimedPush, posted: Posted) -> None:
        now = self.clock.now()
        until = now + (posted.after or self._wait(push.attempts))
        again = posted.verdict == "again" and until < push.expires_at
        async with self.database.begin() as tx:
            if again:
                await self.pushes.put_off(tx, push, until)
            else:
                await self.pushes.settle(tx, push, gone=posted.verdict == "gone")
        _pushes.labels(posted.verdict if again or posted.verdict != "again" else "dead").inc()
        if posted.verdict != "taken":
            _log.warning(
                "push_not_taken",
                push=str(push.id),
                host=push.host,
                said=posted.said,
                verdict=posted.verdict,
                attempts=push.attempts,
            )

    def _wait(self, attempts: int) -> timedelta:
        longest: timedelta = min(FIRST_WAIT * 2 ** min(attempts - 1, 16), LONGEST_WAIT)
        return longest * self.chance.uniform(0.5, 1.0)


async def poke(valkey: Valkey) -> None:
    """Wake the worker `push`; call it after the commit. It never fails: a lost poke costs one poll of the worker."""
    try:
        async with asyncio.timeout(_POKE_TIMEOUT):
            await valkey.publish(key_space.APPROVALS_POKE, "")
    except (RedisError, OSError, TimeoutError):
        return

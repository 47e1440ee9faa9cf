"""Attempts that changed nothing, told to the person whose session they met: in the open page, and by mail (S2).

Told is who, when and where; not more often than once in ten minutes for one session and one device, so that nobody can
flood a person with what they already know.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol
from uuid import UUID

from config.connections import Transaction
from config.subscriber import subscriber
from events import outbox
from idp.directory.account import Account
from notifications.notice import Notice, NoticeKind
from notifications.queue import Queue

EVERY = timedelta(minutes=10)
"""How often one session's person is told of one device's attempts, at most."""
WRONG_FACTORS_TOLD = 3
"""Wrong second factors in one login after which the person is told at once, not only when the login is over."""

Outcome = Literal["kept", "abandoned", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Whom a notice is for."""

    user_id: UUID
    email: str | None
    name: str
    locale: str

    @classmethod
    def of(cls, account: Account) -> Recipient:
        """A person of the directory."""
        return cls(user_id=account.id, email=account.email, name=account.display_name, locale=account.locale)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A login that met a live session and came to nothing."""

    faced: str
    """The live session (sid)."""
    outcome: Outcome
    came_from: Mapping[str, str]
    """`Login.came_from`."""
    recipient: Recipient
    at: datetime
    """When somebody was there."""
    correlation_id: str

    def event(self) -> dict[str, object]:
        """The payload of the event `attempt` (docs/house.md, "Attempt event")."""
        return {
            "sid": self.faced,
            "sub": str(self.recipient.user_id),
            "outcome": self.outcome,
            **{name: self.came_from.get(name, "") for name in ("device", "browser", "place", "network")},
            "at": self.at.timestamp(),
        }

    def device(self) -> str:
        """Whose attempts are told together: a device's that the person has used, or all of one kind from one network.

        A browser that was never used with this person can change its cookies at will, so they do not count.
        """
        known = self.came_from.get("device_id")
        if known:
            return known
        described = f"{self.came_from.get('device', '')}\0{subscriber(self.came_from.get('ip', ''), '')}"
        return hashlib.sha256(described.encode()).hexdigest()[:32]


class ToldAttempts(Protocol):
    """Where it is kept who was told."""

    async def may_tell(self, tx: Transaction, sid: str, device: str, now: datetime, every: timedelta) -> bool:
        """Note that a session's person is told of a device now. False: they were, less than `every` ago."""


class Wishes(Protocol):
    """Where it is known which notices a person wants."""

    async def wants(self, tx: Transaction, user_id: UUID, kind: NoticeKind) -> bool:
        """Whether they get this kind by mail."""


class NotMeAddresses(Protocol):
    """Makes the one-time link of "this wasn't me"."""

    async def link(
        self, tx: Transaction, user_id: UUID, sid: str | None, now: datetime, *, told: Mapping[str, str] | None = None
    ) -> str:
        """Its address."""


class Attempts:
    """Tells of attempts, within the transaction of the attempt."""

    def __init__(self, told: ToldAttempts, wishes: Wishes, addresses: NotMeAddresses, queue: Queue) -> None:
        self._told = told
        self._wishes = wishes
        self._addresses = addresses
        self._queue = queue

    async def tell(self, tx: Transaction, attempt: Attempt, now: datetime) -> bool:
        """Tell the person of the faced session, if it is time to. The caller pokes both queues after the commit."""
        if not await self._told.may_tell(tx, attempt.faced, attempt.device(), now, EVERY):
            return False
        await outbox.append(tx, "attempt", attempt.faced, attempt.event())
        person = attempt.recipient
        if person.email is None or not await self._wishes.wants(tx, person.user_id, NoticeKind.ATTEMPT):
            return True
        told = told_facts(attempt.came_from, attempt.at)
        notice = Notice(
            kind=NoticeKind.ATTEMPT,
            user_id=person.user_id,
            to=person.email,
            locale=person.locale,
            name=person.name,
            facts={
                **told,
                "outcome": attempt.outcome,
                "not_me": await self._addresses.link(tx, person.user_id, None, now, told=told),
            },
            correlation_id=attempt.correlation_id,
        )
        await self._queue.put(tx, notice)
        return True


def told_facts(came_from: Mapping[str, str], at: datetime) -> dict[str, str]:
    """Who, when and where, as a notice and a link of "this wasn't me" have it."""
    return {**{name: came_from.get(name, "") for name in ("device", "browser", "place")}, "at": at.isoformat()}

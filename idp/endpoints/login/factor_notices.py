"""What a person is told by mail of their second factor: that somebody guesses at it, that a recovery code was used,
that a passkey may have been copied."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID

from starlette.requests import Request

from config.connections import Transaction
from config.web import correlation_id
from idp.authorization.attempts import NotMeAddresses, Recipient, told_facts
from idp.endpoints.login.arrivals import visitor
from idp.endpoints.login.telling import came_from
from notifications.notice import Notice, NoticeKind
from notifications.queue import Queue


class NoticeWishes(Protocol):
    """Where it is known which notices a person wants, and by which clock."""

    async def wants(self, tx: Transaction, user_id: UUID, kind: NoticeKind) -> bool:
        """Whether they get this kind by mail."""

    async def time_zone(self, tx: Transaction, user_id: UUID) -> str:
        """The clock that they read."""


class FactorNotices:
    """Queues them in the transaction of what they tell of, each with a link of "this wasn't me"."""

    def __init__(self, queue: Queue, wishes: NoticeWishes, addresses: NotMeAddresses) -> None:
        self._queue = queue
        self._wishes = wishes
        self._addresses = addresses

    async def guessed(
        self, tx: Transaction, request: Request, person: Recipient, now: datetime, *, attempt_told: bool
    ) -> None:
        """Somebody who knows the password guesses at the second factor.

        `attempt_told`: the person's session was faced, of which the notice of an attempt tells whoever wants that one.
        """
        if attempt_told and await self._wishes.wants(tx, person.user_id, NoticeKind.ATTEMPT):
            return
        await self._put(tx, request, NoticeKind.FACTOR_GUESSED, person, now)

    async def recovery_code_used(
        self, tx: Transaction, request: Request, person: Recipient, now: datetime, *, left: int
    ) -> None:
        """One of the saved codes was used."""
        await self._put(tx, request, NoticeKind.RECOVERY_CODE_USED, person, now, left=str(left))

    async def passkey_copied(
        self, tx: Transaction, request: Request, person: Recipient, now: datetime, *, passkey: str
    ) -> None:
        """There may be two copies of a passkey."""
        await self._put(tx, request, NoticeKind.PASSKEY_COPIED, person, now, passkey=passkey)

    async def factor_enrolled(
        self, tx: Transaction, request: Request, person: Recipient, now: datetime, *, factor: str
    ) -> None:
        """A way to sign in was added in the middle of a login."""
        if await self._wishes.wants(tx, person.user_id, NoticeKind.FACTOR_CHANGED):
            await self._put(tx, request, NoticeKind.FACTOR_CHANGED, person, now, change="enrolled", factor=factor)

    async def _put(
        self, tx: Transaction, request: Request, kind: NoticeKind, person: Recipient, now: datetime, **facts: str
    ) -> None:
        if person.email is None:
            return
        told = told_facts(came_from(visitor(request, None)), now)
        facts |= told
        facts["time_zone"] = await self._wishes.time_zone(tx, person.user_id)
        facts["not_me"] = await self._addresses.link(tx, person.user_id, None, now, told=told)
        await self._queue.put(
            tx,
            Notice(
                kind=kind,
                user_id=person.user_id,
                to=person.email,
                locale=person.locale,
                name=person.name,
                facts=facts,
                correlation_id=correlation_id(request),
            ),
        )

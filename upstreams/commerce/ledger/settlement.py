"""Paying sellers what they have earned: once for each seller and month, with its booking in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from http import HTTPStatus
from uuid import UUID

from config.clock import Clock
from config.connections import Database
from config.entropy import Entropy
from config.problem import Problem, ProblemType
from upstreams.commerce.ledger.accounts import Accounts, Balance, Payout
from upstreams.commerce.ledger.booking import paid_out
from upstreams.commerce.ordering.planning import SEOUL

NOT_OVER = ProblemType(
    "MJ-COM-251",
    HTTPStatus.CONFLICT,
    "The month is not over",
    "Settle a month once it is over, in Seoul.",
)


class Settlement:
    """Settles months, and says what stands on the accounts."""

    def __init__(self, database: Database, ledger: Accounts, clock: Clock, entropy: Entropy) -> None:
        self._database = database
        self._ledger = ledger
        self._clock = clock
        self._entropy = entropy

    async def settle(self, period: date, by: UUID | None) -> Sequence[Payout]:
        """Pay every seller what it had earned by the end of a month; a seller that has its payout of it gets no other.

        `period`: the first day of the month. Raises `NOT_OVER`.
        """
        now, end = self._clock.now(), end_of(period)
        if now < end:
            raise Problem(NOT_OVER)
        made = []
        async with self._database.begin() as tx:
            for seller, amount in await self._ledger.owed(tx, end):
                payout = Payout(self._entropy.uuid(), seller, period, amount, now, by)
                if await self._ledger.pay_out(tx, payout):
                    await self._ledger.book(tx, paid_out(payout.id, seller, amount), now)
                    made.append(payout)
        return made

    async def payouts(self, seller: UUID | None = None) -> Sequence[Payout]:
        """Of one seller or of all, the newest first."""
        async with self._database.connect() as tx:
            return await self._ledger.payouts(tx, seller)

    async def balances(self, seller: UUID | None = None) -> Sequence[Balance]:
        """What stands on the accounts."""
        async with self._database.connect() as tx:
            return await self._ledger.balances(tx, seller)

    async def proof(self) -> Sequence[str]:
        """What does not agree in the books: nothing, or something wrote past them."""
        async with self._database.connect() as tx:
            return await self._ledger.unbalanced(tx)


def end_of(period: date) -> datetime:
    """The moment at which a month is over, in Seoul."""
    following = date(period.year + period.month // 12, period.month % 12 + 1, 1)
    return datetime.combine(following, time(), SEOUL)

"""Refunds in PostgreSQL: never more than was taken, each asked for once for each cause."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from config.connections import Transaction
from upstreams.trade.money import Money
from upstreams.trade.payments.books import MoreThanWasPaid
from upstreams.trade.payments.refund import Refund
from upstreams.trade.storage.payment_tables import PaymentTables


class StoredRefunds:
    """`trade.payments.books.Refunds` in one service's schema."""

    def __init__(self, tables: PaymentTables) -> None:
        self._tables = tables
        self._refund = tables.refund
        self._read = sa.select(tables.refund, tables.payment.c.currency).join(
            tables.payment, tables.payment.c.id == tables.refund.c.payment
        )

    async def request(self, tx: Transaction, refund: Refund, now: datetime) -> bool:
        """Write a refund of a locked payment; False where its cause asked for one before.

        Raises `MoreThanWasPaid`.
        """
        mine = await tx.scalar(
            insert(self._refund)
            .values(**_row(refund), requested_at=now)
            .on_conflict_do_nothing()
            .returning(self._refund.c.id)
        )
        if mine is None:
            return False
        payment = self._tables.payment.c
        kept = await tx.scalar(
            sa.update(self._tables.payment)
            .values(given_back=payment.given_back + refund.amount.minor)
            .where(payment.id == refund.payment, payment.given_back + refund.amount.minor <= payment.captured)
            .returning(payment.id)
        )
        if kept is None:
            raise MoreThanWasPaid
        await self._tell(tx, refund, None, now)
        return True

    async def of(self, tx: Transaction, payment: UUID) -> Sequence[Refund]:
        """All of one payment, the oldest first."""
        query = self._read.where(self._refund.c.payment == payment).order_by(
            self._refund.c.requested_at, self._refund.c.id
        )
        return [_refund(row) for row in await tx.execute(query)]

    async def stuck(self, tx: Transaction, *, limit: int) -> Sequence[Refund]:
        """Those that were refused, and those that nothing is tried about any more."""
        refund = self._refund.c
        stuck = self._read.where(sa.or_(refund.dead, refund.state == "failed"))
        return [_refund(row) for row in await tx.execute(stuck.order_by(refund.requested_at).limit(limit))]

    async def lock(self, tx: Transaction, ident: UUID) -> Refund | None:
        """One, locked until the transaction ends."""
        return await self._one(
            tx, self._read.where(self._refund.c.id == ident).with_for_update(of=self._refund, key_share=True)
        )

    async def due(self, tx: Transaction, provider: str, now: datetime) -> Refund | None:
        """One of this provider that there is something to do about, locked; what others have locked is theirs."""
        query = (
            self._read.where(self._refund.c.next_attempt_at <= now, self._tables.payment.c.provider == provider)
            .order_by(self._refund.c.next_attempt_at)
            .limit(1)
        )
        return await self._one(tx, query.with_for_update(of=self._refund, key_share=True, skip_locked=True))

    async def save(self, tx: Transaction, before: Refund, after: Refund, now: datetime) -> None:
        """Write a locked refund, its change of state with an event, and the money that was given back."""
        await tx.execute(sa.update(self._refund).values(**_row(after)).where(self._refund.c.id == after.id))
        if after.state == before.state:
            return
        await self._tell(tx, after, before.state, now)
        if after.state == "succeeded":
            await tx.execute(
                sa.insert(self._tables.money_movement).values(
                    payment=after.payment,
                    cause=after.id,
                    kind="refund",
                    amount=-after.amount.minor,
                    reference=after.reference,
                    at=now,
                )
            )

    async def _one(self, tx: Transaction, query: sa.Select[Any]) -> Refund | None:
        row = (await tx.execute(query)).one_or_none()
        return None if row is None else _refund(row)

    async def _tell(self, tx: Transaction, refund: Refund, before: str | None, now: datetime) -> None:
        await tx.execute(
            sa.insert(self._tables.payment_event).values(
                payment=refund.payment,
                refund=refund.id,
                from_state=before,
                to_state=refund.state,
                why=refund.failure,
                at=now,
            )
        )


def _row(refund: Refund) -> dict[str, Any]:
    return {
        "id": refund.id,
        "payment": refund.payment,
        "cause": refund.cause,
        "of": refund.of,
        "amount": refund.amount.minor,
        "state": refund.state,
        "reference": refund.reference,
        "failure": refund.failure,
        "attempts": refund.attempts,
        "dead": refund.dead,
        "next_attempt_at": refund.next_attempt_at,
    }


def _refund(row: sa.Row[Any]) -> Refund:
    return Refund(
        id=row.id,
        payment=row.payment,
        cause=row.cause,
        of=row.of,
        amount=Money(row.amount, row.currency),
        state=row.state,
        next_attempt_at=row.next_attempt_at,
        attempts=row.attempts,
        reference=row.reference,
        failure=row.failure,
        dead=row.dead,
    )

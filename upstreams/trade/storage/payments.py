"""Payments in PostgreSQL: one row each, every change of state with its event, every movement of money once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from config.connections import Transaction
from upstreams.trade.money import Money
from upstreams.trade.payments.payment import Payment
from upstreams.trade.storage.payment_tables import PaymentTables


class StoredPayments:
    """`trade.payments.books.Payments` in one service's schema."""

    def __init__(self, tables: PaymentTables) -> None:
        self._tables = tables
        self._payment = tables.payment

    async def open(self, tx: Transaction, payment: Payment, now: datetime) -> None:
        """Write a payment that its person may now authorise."""
        await tx.execute(sa.insert(self._payment).values(**_row(payment), given_back=0, created_at=now))
        await self._tell(tx, payment.id, None, payment, now)

    async def of(self, tx: Transaction, subject: UUID, *, locked: bool = True) -> Payment | None:
        """The newest of a subject, locked until the transaction ends unless it is only looked at."""
        query = (
            sa.select(self._payment)
            .where(self._payment.c.subject == subject)
            .order_by(self._payment.c.created_at.desc(), self._payment.c.id)
            .limit(1)
        )
        return await self._one(tx, query.with_for_update(key_share=True) if locked else query)

    async def find(self, tx: Transaction, ident: UUID, *, locked: bool = True) -> Payment | None:
        """One, locked until the transaction ends unless it is only looked at."""
        query = sa.select(self._payment).where(self._payment.c.id == ident)
        return await self._one(tx, query.with_for_update(key_share=True) if locked else query)

    async def due(self, tx: Transaction, provider: str, now: datetime) -> Payment | None:
        """One of this provider that there is something to do about, locked; what others have locked is theirs."""
        payment = self._payment.c
        query = (
            sa.select(self._payment)
            .where(payment.next_attempt_at <= now, payment.provider == provider)
            .order_by(payment.next_attempt_at)
            .limit(1)
        )
        return await self._one(tx, query.with_for_update(key_share=True, skip_locked=True))

    async def save(self, tx: Transaction, before: Payment, after: Payment, now: datetime) -> None:
        """Write a locked payment, its change of state with an event, and the money that was taken."""
        await tx.execute(sa.update(self._payment).values(**_row(after)).where(self._payment.c.id == after.id))
        if after.state == before.state:
            return
        await self._tell(tx, after.id, before.state, after, now)
        if after.state == "captured":
            await tx.execute(
                sa.insert(self._tables.money_movement).values(
                    payment=after.id,
                    cause=after.id,
                    kind="capture",
                    amount=after.captured,
                    reference=after.reference,
                    at=now,
                )
            )

    async def stuck(self, tx: Transaction, *, limit: int) -> Sequence[Payment]:
        """Those that nothing is tried about any more, and whose end nobody knows."""
        query = sa.select(self._payment).where(self._payment.c.dead).order_by(self._payment.c.created_at).limit(limit)
        return [_payment(row) for row in await tx.execute(query)]

    async def first_heard(self, tx: Transaction, provider: str, event: str, now: datetime) -> bool:
        """Whether this webhook comes for the first time; it is remembered."""
        mine = await tx.scalar(
            insert(self._tables.webhook)
            .values(provider=provider, event=event, at=now)
            .on_conflict_do_nothing()
            .returning(self._tables.webhook.c.event)
        )
        return mine is not None

    async def forget_webhooks(self, tx: Transaction, before: datetime) -> int:
        """Forget those that were heard before a moment. Answers how many."""
        return (await tx.execute(sa.delete(self._tables.webhook).where(self._tables.webhook.c.at < before))).rowcount

    async def _one(self, tx: Transaction, query: sa.Select[Any]) -> Payment | None:
        row = (await tx.execute(query)).one_or_none()
        return None if row is None else _payment(row)

    async def _tell(self, tx: Transaction, ident: UUID, before: str | None, after: Payment, now: datetime) -> None:
        await tx.execute(
            sa.insert(self._tables.payment_event).values(
                payment=ident, from_state=before, to_state=after.state, why=after.failure, at=now
            )
        )


def _row(payment: Payment) -> dict[str, Any]:
    return {
        "id": payment.id,
        "subject": payment.subject,
        "person": payment.person,
        "amount": payment.amount.minor,
        "currency": payment.amount.currency,
        "name": payment.name,
        "provider": payment.provider,
        "state": payment.state,
        "reference": payment.reference,
        "captured": payment.captured,
        "failure": payment.failure,
        "attempts": payment.attempts,
        "dead": payment.dead,
        "next_attempt_at": payment.next_attempt_at,
        "expires_at": payment.expires_at,
    }


def _payment(row: sa.Row[Any]) -> Payment:
    return Payment(
        id=row.id,
        subject=row.subject,
        person=row.person,
        amount=Money(row.amount, row.currency),
        name=row.name,
        provider=row.provider,
        state=row.state,
        expires_at=row.expires_at,
        next_attempt_at=row.next_attempt_at,
        attempts=row.attempts,
        reference=row.reference,
        captured=row.captured,
        failure=row.failure,
        dead=row.dead,
    )

"""What came and went by bank, as whoever reads the account wrote it down, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from config.connections import Transaction
from upstreams.commerce.paying.transfer import BankRefund, Deposit
from upstreams.commerce.storage.order_tables import bank_refund, deposit, payments


class StoredTransfers:
    """`commerce.paying.transfer.Transfers` in schema `commerce`."""

    async def note(self, tx: Transaction, made: Deposit) -> bool:
        """Write a deposit; False where its payment or its reference has one."""
        mine = await tx.scalar(
            insert(deposit)
            .values(
                payment=made.payment, amount=made.amount, reference=made.reference, noted_by=made.noted_by, at=made.at
            )
            .on_conflict_do_nothing()
            .returning(deposit.c.payment)
        )
        return mine is not None

    async def deposited(self, tx: Transaction, payment: UUID) -> Deposit | None:
        """What came for a payment."""
        row = (await tx.execute(sa.select(deposit).where(deposit.c.payment == payment))).one_or_none()
        return None if row is None else Deposit(row.payment, row.amount, row.reference, row.noted_by, row.at)

    async def known(self, tx: Transaction, payment: UUID) -> bool:
        """Whether there is such a payment."""
        return await tx.scalar(sa.select(payments.payment.c.id).where(payments.payment.c.id == payment)) is not None

    async def ask(self, tx: Transaction, key: UUID, payment: UUID, amount: int, now: datetime) -> None:
        """Have somebody send money back, once for each key."""
        await tx.execute(
            insert(bank_refund).values(key=key, payment=payment, amount=amount, asked_at=now).on_conflict_do_nothing()
        )

    async def refunds(self, tx: Transaction, payment: UUID) -> Sequence[BankRefund]:
        """What is to be sent back of a payment, or was."""
        return [
            _refund(row) for row in await tx.execute(sa.select(bank_refund).where(bank_refund.c.payment == payment))
        ]

    async def to_send(self, tx: Transaction, *, limit: int = 100) -> Sequence[BankRefund]:
        """What nobody has sent yet, the oldest first."""
        query = sa.select(bank_refund).where(bank_refund.c.sent_at.is_(None)).order_by(bank_refund.c.asked_at)
        return [_refund(row) for row in await tx.execute(query.limit(limit))]

    async def sent(self, tx: Transaction, key: UUID, reference: str, by: UUID, now: datetime) -> UUID | None:
        """Somebody sent it: the payment; None where there is none to send."""
        found: UUID | None = await tx.scalar(
            sa.update(bank_refund)
            .values(reference=reference, sent_by=by, sent_at=now)
            .where(bank_refund.c.key == key, bank_refund.c.sent_at.is_(None))
            .returning(bank_refund.c.payment)
        )
        return found


def _refund(row: sa.Row[Any]) -> BankRefund:
    return BankRefund(row.key, row.payment, row.amount, row.asked_at, row.reference)

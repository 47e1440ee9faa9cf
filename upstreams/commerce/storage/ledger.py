"""The ledger in PostgreSQL. A deferred constraint there refuses to commit what does not sum to 0."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from config.connections import Transaction
from config.entropy import Entropy
from upstreams.commerce.ledger.accounts import Balance, Invoice, Payout
from upstreams.commerce.ledger.booking import Booking
from upstreams.commerce.storage.order_tables import invoice, ledger_entry, ledger_transaction, payments, payout
from upstreams.trade.money import Money
from upstreams.trade.storage import bulk


class StoredAccounts:
    """`commerce.ledger.accounts.Accounts` in schema `commerce`."""

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy

    async def book(self, tx: Transaction, booking: Booking, now: datetime) -> bool:
        """Write it; False, and nothing, where its cause was booked before."""
        ident = await tx.scalar(
            insert(ledger_transaction)
            .values(id=self._entropy.uuid(), kind=booking.kind, cause=booking.cause, at=now)
            .on_conflict_do_nothing()
            .returning(ledger_transaction.c.id)
        )
        if ident is None:
            return False
        await bulk.insert(
            tx,
            ledger_entry,
            [
                {
                    "transaction": ident,
                    "account": entry.account,
                    "seller": entry.seller,
                    "amount": entry.amount,
                    "currency": booking.currency,
                    "at": now,
                }
                for entry in booking.entries
            ],
        )
        return True

    async def balances(self, tx: Transaction, seller: UUID | None = None) -> Sequence[Balance]:
        """What stands on every account; of one seller on its own alone."""
        entry = ledger_entry.c
        query = (
            sa.select(entry.account, entry.seller, entry.currency, sa.func.sum(entry.amount))
            .group_by(entry.account, entry.seller, entry.currency)
            .order_by(entry.account, entry.seller)
        )
        if seller is not None:
            query = query.where(entry.seller == seller)
        return [
            Balance(account, owner, Money(int(amount), currency))
            for account, owner, currency, amount in await tx.execute(query)
        ]

    async def owed(self, tx: Transaction, until: datetime) -> Sequence[tuple[UUID, Money]]:
        """What each seller had earned and not been paid before a moment, where it is more than nothing."""
        entry = ledger_entry.c
        # what was paid out since counts too, or it would be paid again
        before = sa.or_(entry.at < until, entry.amount > 0)
        query = (
            sa.select(entry.seller, entry.currency, -sa.func.sum(entry.amount))
            .where(entry.account == "payable", before)
            .group_by(entry.seller, entry.currency)
            .having(sa.func.sum(entry.amount) < 0)
            .order_by(entry.seller)
        )
        return [(owner, Money(int(amount), currency)) for owner, currency, amount in await tx.execute(query)]

    async def pay_out(self, tx: Transaction, made: Payout) -> bool:
        """Write a payout; False where its seller and period have one."""
        ident = await tx.scalar(
            insert(payout)
            .values(
                id=made.id,
                seller=made.seller,
                period=made.period,
                amount=made.amount.minor,
                currency=made.amount.currency,
                made_at=made.made_at,
                made_by=made.made_by,
            )
            .on_conflict_do_nothing()
            .returning(payout.c.id)
        )
        return ident is not None

    async def payouts(self, tx: Transaction, seller: UUID | None = None, *, limit: int = 100) -> Sequence[Payout]:
        """Of one seller or of all, the newest first."""
        query = sa.select(payout).order_by(payout.c.period.desc(), payout.c.seller).limit(limit)
        if seller is not None:
            query = query.where(payout.c.seller == seller)
        return [
            Payout(row.id, row.seller, row.period, Money(row.amount, row.currency), row.made_at, row.made_by)
            for row in await tx.execute(query)
        ]

    async def invoice(
        self, tx: Transaction, order: UUID, owner: UUID, cause: UUID, parts: tuple[Money, Money], now: datetime
    ) -> None:
        """Invoice (supply, VAT) of an order, once for each cause; numbers of a seller have no gaps."""
        supply, vat = parts
        # whoever numbers a seller's invoices waits for whoever does so now
        await tx.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(str(owner), 84))))
        number = sa.select(sa.func.coalesce(sa.func.max(invoice.c.number), 0) + 1).where(invoice.c.seller == owner)
        await tx.execute(
            insert(invoice)
            .values(
                id=self._entropy.uuid(),
                seller_order=order,
                number=number.scalar_subquery(),
                seller=owner,
                cause=cause,
                supply=supply.minor,
                vat=vat.minor,
                total=supply.minor + vat.minor,
                currency=supply.currency,
                issued_at=now,
            )
            .on_conflict_do_nothing(index_elements=["cause"])
        )

    async def invoices(self, tx: Transaction, orders: Sequence[UUID]) -> Sequence[Invoice]:
        """All of these orders, by number."""
        query = (
            sa.select(invoice).where(invoice.c.seller_order.in_(orders)).order_by(invoice.c.seller, invoice.c.number)
        )
        return [
            Invoice(
                row.id,
                row.seller_order,
                row.number,
                row.seller,
                Money(row.supply, row.currency),
                Money(row.vat, row.currency),
                Money(row.total, row.currency),
                row.issued_at,
            )
            for row in await tx.execute(query)
        ]

    async def unbalanced(self, tx: Transaction) -> Sequence[str]:
        """What does not agree: transactions that do not sum to 0, a provider's account that is not what moved."""
        entry = ledger_entry.c
        odd = (
            sa.select(entry.transaction)
            .group_by(entry.transaction, entry.currency)
            .having(sa.func.sum(entry.amount) != 0)
        )
        found = [f"transaction {ident}" for ident in await tx.scalars(odd)]
        booked = await tx.scalar(
            sa.select(sa.func.coalesce(sa.func.sum(entry.amount), 0)).where(entry.account == "provider")
        )
        moved = await tx.scalar(sa.select(sa.func.coalesce(sa.func.sum(payments.money_movement.c.amount), 0)))
        if booked != moved:
            found.append(f"the provider's account says {booked}, and {moved} moved")
        return found

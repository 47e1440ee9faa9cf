"""Pushes that wait, in PostgreSQL (migration 0066): claimed for a short while, gone once they are done with."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, select, update

from config.connections import Transaction
from idp.factors.push_courier import ClaimedPush
from idp.storage.approval_tables import approval_device
from idp.storage.approval_tables import approval_push as table
from idp.storage.directory_tables import user_account


async def claim(
    tx: Transaction, now: datetime, lease: datetime, leaving_out: Collection[str], limit: int
) -> list[ClaimedPush]:
    """Those that are due, but to these push services."""
    due = (
        select(table.c.id)
        .join(approval_device, approval_device.c.id == table.c.approval_device_id)
        .where(
            table.c.next_attempt_at <= now,
            table.c.expires_at > now,
            approval_device.c.sealed_subscription.is_not(None),
            approval_device.c.push_host.not_in(leaving_out),
        )
        .order_by(table.c.next_attempt_at)
        .limit(limit)
        .with_for_update(skip_locked=True, of=table)
        .cte("due")
    )
    claimed = (
        update(table)
        .where(
            table.c.id == due.c.id,
            approval_device.c.id == table.c.approval_device_id,
            user_account.c.id == approval_device.c.user_id,
        )
        .values(next_attempt_at=lease, attempts=table.c.attempts + 1)
        .returning(
            table.c.id,
            table.c.request_id,
            table.c.approval_device_id,
            approval_device.c.sealed_subscription,
            approval_device.c.push_host.label("host"),
            user_account.c.locale,
            table.c.attempts,
            table.c.expires_at,
            table.c.next_attempt_at.label("leased_until"),
        )
    )
    return [ClaimedPush(**row._mapping) for row in await tx.execute(claimed)]


async def put_off(tx: Transaction, push: ClaimedPush, until: datetime) -> None:
    """A claimed one is tried again later, if it is still ours."""
    ours = (table.c.id == push.id, table.c.next_attempt_at == push.leased_until)
    await tx.execute(update(table).where(*ours).values(next_attempt_at=until))


async def settle(tx: Transaction, push: ClaimedPush, *, gone: bool) -> None:
    """A claimed one is done with; where its subscription is `gone`, its device gets no more."""
    await tx.execute(delete(table).where(table.c.id == push.id))
    if gone:  # unless the browser has subscribed anew meanwhile
        lost = (
            approval_device.c.id == push.approval_device_id,
            approval_device.c.sealed_subscription == push.sealed_subscription,
        )
        await tx.execute(update(approval_device).where(*lost).values(sealed_subscription=None, push_host=None))


async def forget_late(tx: Transaction, now: datetime) -> int:
    """Forget those whose question is over. Returns how many."""
    late = select(table.c.id).where(table.c.expires_at <= now).with_for_update(skip_locked=True)
    return (await tx.execute(delete(table).where(table.c.id.in_(late)))).rowcount

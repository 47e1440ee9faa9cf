"""What devices are asked to approve, in PostgreSQL (migration 0066)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, insert, select, text, update

from config.connections import Transaction
from idp.factors.push_approval import ApprovalRequest
from idp.storage.approval_tables import approval_push
from idp.storage.approval_tables import approval_request as table

_OTHERS = "idp.approval_device WHERE user_id = :person AND device_id IS DISTINCT FROM CAST(:asked_by AS uuid)"
_PUSH = text(
    f"""
    INSERT INTO idp.approval_push (request_id, approval_device_id, next_attempt_at, expires_at, correlation_id)
    SELECT :request_id, id, :now, :until, :correlation_id FROM {_OTHERS} AND sealed_subscription IS NOT NULL
    """  # noqa: S608 - nothing of it comes from outside
)
_REACHED = text(f"SELECT count(*) FROM {_OTHERS}")  # noqa: S608 - likewise


async def ask(tx: Transaction, request: ApprovalRequest, *, correlation_id: str) -> int:
    """Keep a new one in place of those that wait for the same, and mark it to be pushed to the person's devices, but
    the one that asks. Returns to how many."""
    await withdraw(tx, request.bound_to)
    values = {column.name: getattr(request, column.name) for column in table.c}
    values |= {"choices": list(request.choices), "came_from": dict(request.came_from)}
    await tx.execute(insert(table).values(**values))
    devices = {"person": request.user_id, "asked_by": request.asked_by}
    when = {"request_id": request.id, "now": request.created_at, "until": request.expires_at}
    await tx.execute(_PUSH, {**devices, **when, "correlation_id": correlation_id})
    return int((await tx.execute(_REACHED, devices)).scalar_one())


async def withdraw(tx: Transaction, bound_to: str) -> None:
    """Whatever waits for one thing is answered no more, and pushed no more."""
    gone = (
        update(table)
        .where(table.c.bound_to == bound_to, table.c.state == "pending")
        .values(state="withdrawn")
        .returning(table.c.id)
        .cte("gone")
    )
    await tx.execute(delete(approval_push).where(approval_push.c.request_id.in_(select(gone.c.id))))


async def latest(tx: Transaction, bound_to: str) -> ApprovalRequest | None:
    """The newest for one thing, to look at."""
    return await _one(tx, _latest(bound_to))


async def claim_latest(tx: Transaction, bound_to: str) -> ApprovalRequest | None:
    """The same, locked: of two that use an approval, the second sees that it was used."""
    return await _one(tx, _latest(bound_to).with_for_update())


async def find(tx: Transaction, request_id: UUID) -> ApprovalRequest | None:
    """One, to look at."""
    return await _one(tx, select(table).where(table.c.id == request_id))


async def claim(tx: Transaction, request_id: UUID) -> ApprovalRequest | None:
    """One, locked: of two that answer, the second sees the first one's answer."""
    return await _one(tx, select(table).where(table.c.id == request_id).with_for_update())


async def waiting_for(tx: Transaction, user_id: UUID, now: datetime) -> list[ApprovalRequest]:
    """A person's that wait, the oldest first."""
    query = (
        select(table)
        .where(table.c.user_id == user_id, table.c.state == "pending", table.c.expires_at > now)
        .order_by(table.c.created_at, table.c.id)
    )
    return [_request(row) for row in (await tx.execute(query)).mappings()]


async def save(tx: Transaction, request: ApprovalRequest) -> None:
    """Keep what changed in a claimed one; what is answered is pushed no more."""
    changed = update(table).where(table.c.id == request.id)
    await tx.execute(changed.values(state=request.state, answered_by=request.answered_by))
    await tx.execute(delete(approval_push).where(approval_push.c.request_id == request.id))


async def sweep(tx: Transaction, before: datetime) -> int:
    """Forget those whose time was over before a moment. Returns how many."""
    return (await tx.execute(delete(table).where(table.c.expires_at < before))).rowcount


def _latest(bound_to: str) -> Select[Any]:
    newest = (table.c.created_at.desc(), table.c.id)
    return select(table).where(table.c.bound_to == bound_to, table.c.state != "withdrawn").order_by(*newest).limit(1)


async def _one(tx: Transaction, query: Select[Any]) -> ApprovalRequest | None:
    row = (await tx.execute(query)).mappings().one_or_none()
    return _request(row) if row is not None else None


def _request(row: Mapping[Any, Any]) -> ApprovalRequest:
    return ApprovalRequest(**{**row, "choices": tuple(row["choices"])})

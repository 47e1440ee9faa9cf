"""Locking and unlocking of accounts in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, select, update

from config.connections import Transaction
from idp.directory.account import LockReason
from idp.storage import remembered
from idp.storage.directory_tables import membership, user_account

ADMINISTRATOR: Final = "administrator"
"""The role whose last holder cannot be locked out."""
_RANK: Final[dict[LockReason, int]] = {"not_me": 0, "response": 1, "administrator": 2}
_ADMINISTRATORS_GATE = 0x6D6A_6164_6D69_6E73
"""Whoever locks an administrator holds this advisory lock, so that two do not lock each other out."""


async def lock(tx: Transaction, user_id: UUID, reason: LockReason, now: datetime) -> bool:
    """Lock an account: nobody signs in to it, and no browser is remembered for it. Call `OneSession.end_person` too.

    Of two reasons the stronger stays: `administrator`, `response`, `not_me`. False, and nothing changes, where there is
    no such person, and for the last administrator who may sign in, unless by `not_me`: that lock the person lifts by
    themselves, by mail. Locking twice is locking once.
    """
    query = select(user_account.c.state, user_account.c.lock_reason).where(user_account.c.id == user_id)
    found = (await tx.execute(query.with_for_update(key_share=True))).one_or_none()
    if found is None:
        return False
    if found.state == "active" and reason != "not_me" and await _is_last_administrator(tx, user_id):
        return False
    kept: LockReason = max((found.lock_reason or reason, reason), key=_RANK.__getitem__)
    if found.state != "locked" or kept != found.lock_reason:
        await tx.execute(
            update(user_account)
            .where(user_account.c.id == user_id)
            .values(
                state="locked",
                lock_reason=kept,
                locked_at=now if found.state == "active" else func.coalesce(user_account.c.locked_at, now),
                version=user_account.c.version + 1,
            )
        )
    await remembered.forget_person(tx, user_id)
    return True


async def unlock(tx: Transaction, user_id: UUID, *, only: LockReason | None = None) -> bool:
    """Let a locked account sign in again; with `only`, one that was locked for this reason. Returns whether it did."""
    query = update(user_account).where(user_account.c.id == user_id, user_account.c.state == "locked")
    if only is not None:
        query = query.where(user_account.c.lock_reason == only)
    changed = query.values(state="active", lock_reason=None, locked_at=None, version=user_account.c.version + 1)
    return (await tx.execute(changed.returning(user_account.c.id))).one_or_none() is not None


async def _is_last_administrator(tx: Transaction, user_id: UUID) -> bool:
    if not await _administers(tx, user_id):
        return False
    await tx.execute(select(func.pg_advisory_xact_lock(_ADMINISTRATORS_GATE)))
    others = select(user_account.c.id).where(
        user_account.c.id != user_id, user_account.c.state == "active", _has_role(user_account.c.id)
    )
    return (await tx.execute(others.limit(1))).one_or_none() is None


async def _administers(tx: Transaction, user_id: UUID) -> bool:
    return bool((await tx.execute(select(_has_role(user_id)))).scalar_one())


def _has_role(person: UUID | ColumnElement[UUID]) -> ColumnElement[bool]:
    return exists().where(membership.c.user_id == person, membership.c.roles.contains([ADMINISTRATOR]))

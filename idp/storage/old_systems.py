"""Old systems in PostgreSQL, and people who are taken over from them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert

from config.connections import Transaction
from idp.directory.account import Account
from idp.importing.old_system import OldSystem
from idp.importing.person import Candidate
from idp.storage import directory
from idp.storage.directory_tables import password, user_account
from idp.storage.import_tables import old_system


async def every(tx: Transaction) -> Sequence[OldSystem]:
    """All of them."""
    rows = await tx.execute(select(old_system).order_by(old_system.c.organisation_id))
    return [
        OldSystem(
            organisation_id=row.organisation_id,
            address=row.address,
            sealed_secret=row.sealed_secret,
            endings=tuple(row.endings),
            roles=tuple(row.roles),
            private=tuple(row.private),
        )
        for row in rows
    ]


async def put(tx: Transaction, system: OldSystem, now: datetime) -> None:
    """Keep one in the place of the organisation's former one."""
    values = {
        "address": system.address,
        "sealed_secret": system.sealed_secret,
        "endings": list(system.endings),
        "roles": list(system.roles),
        "private": list(system.private),
        "changed_at": now,
    }
    await tx.execute(
        upsert(old_system)
        .values(organisation_id=system.organisation_id, **values)
        .on_conflict_do_update(index_elements=["organisation_id"], set_=values)
    )


async def remove(tx: Transaction, organisation_id: UUID) -> Sequence[str] | None:
    """Ask an organisation's no more. About which endings of names it was asked; None: there is none."""
    gone = delete(old_system).where(old_system.c.organisation_id == organisation_id)
    row = (await tx.execute(gone.returning(old_system.c.endings))).one_or_none()
    return tuple(row.endings) if row is not None else None


async def add_person(tx: Transaction, organisation_id: UUID, one: Candidate, now: datetime) -> Account | None:
    """An account for somebody whom nobody knew; None where somebody has the name meanwhile."""
    made = Account(
        id=one.user_id,
        login_name=one.login_name,
        display_name=one.display_name,
        email=one.email,
        locale=one.locale,
        state="active" if one.state == "active" else "locked",
        version=1,
    )
    # another login of the same person waits here, and finds them
    taken = upsert(user_account).values(
        id=made.id,
        display_name=made.display_name,
        email=made.email,
        proven_email=made.email if one.email_verified else None,
        locale=made.locale,
        state=made.state,
        version=1,
        created_at=now,
        updated_at=now,
    )
    added = await tx.execute(taken.on_conflict_do_nothing().returning(user_account.c.id))
    if added.one_or_none() is None:
        return None
    if not await directory.add_login_name(tx, made.login_name, made.id):
        await tx.execute(delete(user_account).where(user_account.c.id == made.id))
        return None
    await directory.put_membership(tx, made.id, organisation_id, tuple(one.roles), now)
    return made


async def add_password(tx: Transaction, user_id: UUID, hashed: str, now: datetime) -> bool:
    """Keep the first password of somebody. False: they have one."""
    kept = upsert(password).values(user_id=user_id, hash=hashed, changed_at=now).on_conflict_do_nothing()
    return (await tx.execute(kept.returning(password.c.user_id))).one_or_none() is not None

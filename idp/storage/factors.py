"""Authenticator apps, passkeys and challenges in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from config.connections import Transaction
from idp.factors.passkey import Ceremony, Passkey
from idp.factors.requirement import FactorKind, demands_factor
from idp.factors.totp import Authenticator
from idp.storage.approval_tables import approval_device
from idp.storage.directory_tables import membership, passkey_challenge, totp
from idp.storage.directory_tables import passkey as passkey_table
from idp.storage.phone_tables import phone

CHALLENGES_KEPT = 8
"""Of one ceremony of one login or session: each tab has its own, and whoever reloads a page does not fill the table."""


async def enrolled(tx: Transaction, user_id: UUID) -> list[FactorKind]:
    """The kinds of factors that the person can be asked for."""
    query = select(
        select(totp.c.id).where(totp.c.user_id == user_id, totp.c.confirmed_at.is_not(None)).exists(),
        select(passkey_table.c.user_id).where(passkey_table.c.user_id == user_id).exists(),
        select(approval_device.c.id).where(approval_device.c.user_id == user_id).exists(),
        select(phone.c.user_id).where(phone.c.user_id == user_id, phone.c.confirmed_at.is_not(None)).exists(),
    )
    kinds: tuple[FactorKind, ...] = ("totp", "passkey", "push", "sms")
    return [kind for kind, has in zip(kinds, (await tx.execute(query)).one(), strict=True) if has]


async def factor_demanded(tx: Transaction, user_id: UUID) -> bool:
    """Whether an organisation of the person's demands a second factor of them, by their roles there."""
    query = select(membership.c.roles).where(membership.c.user_id == user_id)
    return any(demands_factor(roles) for roles in (await tx.execute(query)).scalars())


async def authenticators(tx: Transaction, user_id: UUID) -> list[Authenticator]:
    """The person's confirmed apps, the oldest first."""
    query = select(totp).where(totp.c.user_id == user_id, totp.c.confirmed_at.is_not(None)).order_by(totp.c.created_at)
    return [Authenticator(**row._mapping) for row in await tx.execute(query)]


async def pending(tx: Transaction, user_id: UUID) -> Authenticator | None:
    """The app whose enrolment the person has begun."""
    query = select(totp).where(totp.c.user_id == user_id, totp.c.confirmed_at.is_(None))
    row = (await tx.execute(query)).one_or_none()
    return Authenticator(**row._mapping) if row is not None else None


async def begin_enrolment(tx: Transaction, authenticator: Authenticator) -> None:
    """Keep a new app, unconfirmed, in place of an earlier unconfirmed one."""
    values = {column.name: getattr(authenticator, column.name) for column in totp.c}
    changing = {name: value for name, value in values.items() if name != "user_id"}
    await tx.execute(
        upsert(totp)
        .values(**values)
        .on_conflict_do_update(index_elements=["user_id"], index_where=totp.c.confirmed_at.is_(None), set_=changing)
    )


async def accept_step(tx: Transaction, authenticator_id: UUID, step: int) -> bool:
    """Consume a step. False where it, or a later one, was consumed: of many at once exactly one gets True."""
    accepted = await tx.execute(
        update(totp)
        .where(totp.c.id == authenticator_id, totp.c.last_accepted_step < step)
        .values(last_accepted_step=step)
        .returning(totp.c.id)
    )
    return accepted.one_or_none() is not None


async def confirm(tx: Transaction, authenticator_id: UUID, now: datetime, label: str = "") -> None:
    """The person has shown a code of this app: it counts from now on, under the name that they gave it, if they did."""
    named = {"label": label} if label else {}
    await tx.execute(update(totp).where(totp.c.id == authenticator_id).values(confirmed_at=now, **named))


async def remove(tx: Transaction, user_id: UUID, authenticator_id: UUID) -> bool:
    """Forget one of the person's apps. False where there is none."""
    removed = await tx.execute(
        delete(totp).where(totp.c.id == authenticator_id, totp.c.user_id == user_id).returning(totp.c.id)
    )
    return removed.one_or_none() is not None


async def rename(tx: Transaction, user_id: UUID, authenticator_id: UUID, label: str) -> bool:
    """Call one of the person's apps otherwise. False where there is none."""
    renamed = await tx.execute(
        update(totp)
        .where(totp.c.id == authenticator_id, totp.c.user_id == user_id, totp.c.confirmed_at.is_not(None))
        .values(label=label)
        .returning(totp.c.id)
    )
    return renamed.one_or_none() is not None


async def passkeys(tx: Transaction, user_id: UUID) -> list[Passkey]:
    """The person's passkeys, the oldest first."""
    query = (
        select(passkey_table)
        .where(passkey_table.c.user_id == user_id)
        .order_by(passkey_table.c.created_at, passkey_table.c.credential_id)
    )
    return [_passkey(row) for row in await tx.execute(query)]


async def passkey(tx: Transaction, credential_id: bytes) -> Passkey | None:
    """One passkey, locked: its counter is compared and raised by one login at a time."""
    query = select(passkey_table).where(passkey_table.c.credential_id == credential_id).with_for_update()
    row = (await tx.execute(query)).one_or_none()
    return _passkey(row) if row is not None else None


async def add_passkey(tx: Transaction, passkey: Passkey) -> bool:
    """Keep a new passkey. False where its credential id is known already."""
    values = {column.name: getattr(passkey, column.name) for column in passkey_table.c}
    values["transports"] = list(passkey.transports)
    added = await tx.execute(
        upsert(passkey_table).values(**values).on_conflict_do_nothing().returning(passkey_table.c.user_id)
    )
    return added.one_or_none() is not None


async def used(tx: Transaction, passkey: Passkey) -> None:
    """Keep what changed by a use: counter, backup state, moment, suspicion."""
    await tx.execute(
        update(passkey_table)
        .where(passkey_table.c.credential_id == passkey.credential_id)
        .values(
            sign_count=passkey.sign_count,
            backed_up=passkey.backed_up,
            last_used_at=passkey.last_used_at,
            clone_suspected_at=passkey.clone_suspected_at,
        )
    )


async def rename_passkey(tx: Transaction, user_id: UUID, credential_id: bytes, label: str) -> bool:
    """Call one of the person's passkeys otherwise. False where there is none."""
    renamed = await tx.execute(
        update(passkey_table)
        .where(passkey_table.c.credential_id == credential_id, passkey_table.c.user_id == user_id)
        .values(label=label)
        .returning(passkey_table.c.user_id)
    )
    return renamed.one_or_none() is not None


async def remove_passkey(tx: Transaction, user_id: UUID, credential_id: bytes) -> bool:
    """Forget one of the person's passkeys. False where there is none."""
    removed = await tx.execute(
        delete(passkey_table)
        .where(passkey_table.c.credential_id == credential_id, passkey_table.c.user_id == user_id)
        .returning(passkey_table.c.user_id)
    )
    return removed.one_or_none() is not None


_SAME = (
    passkey_challenge.c.ceremony == bindparam("same_ceremony"),
    passkey_challenge.c.bound_to == bindparam("same_bound_to"),
)
_LATEST = (
    select(passkey_challenge.c.digest)
    .where(*_SAME)
    .order_by(passkey_challenge.c.expires_at.desc(), passkey_challenge.c.digest)
    .limit(CHALLENGES_KEPT - 1)
)
_OLDER = delete(passkey_challenge).where(*_SAME, passkey_challenge.c.digest.not_in(_LATEST)).cte("older")
_ADD_CHALLENGE = insert(passkey_challenge).add_cte(_OLDER)


async def add_challenge(
    tx: Transaction, digest: bytes, ceremony: Ceremony, bound_to: str, expires_at: datetime
) -> None:
    """Keep the digest of a challenge for one ceremony of one login or session; of many the latest few are kept."""
    values = {"digest": digest, "ceremony": ceremony, "bound_to": bound_to, "expires_at": expires_at}
    await tx.execute(_ADD_CHALLENGE, {**values, "same_ceremony": ceremony, "same_bound_to": bound_to})


async def consume_challenge(tx: Transaction, digest: bytes, ceremony: Ceremony, bound_to: str, now: datetime) -> bool:
    """Use a challenge up. True once, for exactly one of many at once, and never after its time."""
    consumed = await tx.execute(
        delete(passkey_challenge)
        .where(
            passkey_challenge.c.digest == digest,
            passkey_challenge.c.ceremony == ceremony,
            passkey_challenge.c.bound_to == bound_to,
        )
        .returning(passkey_challenge.c.expires_at)
    )
    expires_at = consumed.scalar_one_or_none()
    return expires_at is not None and expires_at > now


async def sweep_challenges(tx: Transaction, now: datetime) -> int:
    """Forget challenges whose time is over. Returns how many."""
    result = await tx.execute(delete(passkey_challenge).where(passkey_challenge.c.expires_at <= now))
    return result.rowcount


def _passkey(row: Row[tuple[Any, ...]]) -> Passkey:
    return Passkey(**{**row._mapping, "transports": tuple(row.transports)})

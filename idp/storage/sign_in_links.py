"""Links that sign in, in PostgreSQL (S7: what mints a right is consumed there)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from config.connections import Transaction
from idp.factors.sign_in_link import SignInLink
from idp.storage.way_in_tables import sign_in_link as table


async def put_link(tx: Transaction, link: SignInLink) -> None:
    """Keep a link in place of the one that the login was sent before."""
    values = {column.name: getattr(link, column.name) for column in table.c}
    values["asked_from"] = dict(link.asked_from)
    changing = {name: value for name, value in values.items() if name != "login_id"}
    await tx.execute(
        insert(table).values(**values).on_conflict_do_update(index_elements=[table.c.login_id], set_=changing)
    )


async def find_link(tx: Transaction, token_hash: bytes, now: datetime) -> SignInLink | None:
    """A link that still works, to look at."""
    query = select(table).where(table.c.token_hash == token_hash, table.c.expires_at > now)
    row = (await tx.execute(query)).one_or_none()
    return SignInLink(**row._mapping) if row is not None else None


async def link_of_login(tx: Transaction, login_id: UUID, now: datetime) -> SignInLink | None:
    """The link of a login that still works, locked until the transaction is over."""
    query = select(table).where(table.c.login_id == login_id, table.c.expires_at > now).with_for_update()
    row = (await tx.execute(query)).one_or_none()
    return SignInLink(**row._mapping) if row is not None else None


async def count_wrong_digits(tx: Transaction, login_id: UUID) -> None:
    """Wrong digits were typed; after so many it makes no difference how many more."""
    counted = update(table).where(table.c.login_id == login_id, table.c.wrong < 5)
    await tx.execute(counted.values(wrong=table.c.wrong + 1))


async def consume_link(tx: Transaction, link: SignInLink) -> bool:
    """Use a link up. True once, for exactly one of many at once."""
    consumed = await tx.execute(
        delete(table)
        .where(table.c.login_id == link.login_id, table.c.token_hash == link.token_hash)
        .returning(table.c.login_id)
    )
    return consumed.one_or_none() is not None


async def sweep(tx: Transaction, now: datetime) -> int:
    """Forget links whose time is over. Returns how many."""
    return (await tx.execute(delete(table).where(table.c.expires_at <= now))).rowcount

"""Consents in PostgreSQL."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import delete, exists, func, select
from sqlalchemy.dialects.postgresql import insert

from config.connections import Transaction
from idp.authorization.consent import Consent
from idp.storage.directory_tables import membership
from idp.storage.protocol_tables import consent as table


async def find(tx: Transaction, user_id: UUID, client_id: str) -> Consent | None:
    """What this person allows this client."""
    query = select(table).where(table.c.user_id == user_id, table.c.client_id == client_id)
    row = (await tx.execute(query)).mappings().one_or_none()
    return Consent(**{**row, "scopes": tuple(row["scopes"])}) if row is not None else None


async def belongs(tx: Transaction, user_id: UUID, organisation_id: UUID) -> bool:
    """Whether this person is a member of the organisation whose app asks."""
    mine = (membership.c.user_id == user_id, membership.c.organisation_id == organisation_id)
    return bool((await tx.execute(select(exists().where(*mine)))).scalar_one())


async def give(tx: Transaction, consent: Consent) -> None:
    """Keep it; what was allowed before stays allowed."""
    statement = insert(table).values(
        user_id=consent.user_id,
        client_id=consent.client_id,
        scopes=list(consent.scopes),
        given_at=consent.given_at,
    )
    both = func.array_cat(table.c.scopes, statement.excluded.scopes)
    union = select(func.array_agg(func.unnest(both).column_valued("scope").distinct())).scalar_subquery()
    await tx.execute(
        statement.on_conflict_do_update(
            index_elements=[table.c.user_id, table.c.client_id],
            set_={"scopes": union, "given_at": statement.excluded.given_at},
        )
    )


async def withdraw(tx: Transaction, user_id: UUID, client_id: str) -> bool:
    """Forget it. False: there was none."""
    mine = (table.c.user_id == user_id, table.c.client_id == client_id)
    return (await tx.execute(delete(table).where(*mine))).rowcount > 0

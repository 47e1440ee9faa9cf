"""What organisations demand of logins, in PostgreSQL."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select, update

from config.connections import Transaction
from events.outbox import append
from idp.authorization.login_rules import EVENT_TOPIC, LoginRules
from idp.storage.directory_tables import organisation as table
from idp.storage.directory_tables import organisation_authentication
from idp.storage.organisation_authentication import counting_of, forbidden_of


async def login_rules(tx: Transaction, organisation_id: UUID) -> LoginRules:
    """The rules of one organisation."""
    columns = (table.c.duplicate_login, table.c.new_device_factor, table.c.text_countries, table.c.sign_in_links)
    query = (
        select(
            *columns,
            organisation_authentication.c.methods,
            organisation_authentication.c.forbidden,
            organisation_authentication.c.verified_approvals,
        )
        .outerjoin(organisation_authentication, organisation_authentication.c.organisation_id == table.c.id)
        .where(table.c.id == organisation_id)
    )
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        return LoginRules()
    forbidden = forbidden_of(row.forbidden)
    return LoginRules(
        row.duplicate_login,
        row.new_device_factor,
        counting=counting_of(row.methods).without(forbidden),
        forbidden=forbidden,
        verified_approvals=row.verified_approvals is True,
        text_countries=tuple(row.text_countries) if row.text_countries is not None else None,
        sign_in_links=row.sign_in_links,
    )


async def put_login_rules(tx: Transaction, organisation_id: UUID, rules: LoginRules) -> bool:
    """Keep the rules of an organisation, and tell whoever has them in memory. False: there is no such organisation."""
    changed = await tx.execute(
        update(table)
        .where(table.c.id == organisation_id)
        .values(
            duplicate_login=rules.duplicate_login,
            new_device_factor=rules.new_device_factor,
            text_countries=list(rules.text_countries) if rules.text_countries is not None else None,
            sign_in_links=rules.sign_in_links,
        )
        .returning(table.c.id)
    )
    if changed.one_or_none() is None:
        return False
    ident = str(organisation_id)
    await append(tx, EVENT_TOPIC, ident, {"organisation_id": ident})
    return True

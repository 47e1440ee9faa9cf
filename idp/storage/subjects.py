"""What tokens say of a person, in PostgreSQL: one statement for all of it (A7)."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import and_, case, func, select

from config.connections import Transaction
from idp.endpoints.subjects import PersonNow
from idp.storage.directory_tables import device, login_name, membership, user_account
from idp.storage.proven_addresses import is_proven
from idp.storage.received_signals import is_distrusted

_FIRST_NAME = select(func.min(login_name.c.name)).where(login_name.c.user_id == user_account.c.id).scalar_subquery()


async def person_now(tx: Transaction, user_id: UUID, organisation_id: UUID, device_id: UUID | None) -> PersonNow | None:
    """A person as a member of one organisation and at one device; None: there is none, or they may not sign in."""
    query = (
        select(
            user_account.c.display_name.label("name"),
            _FIRST_NAME.label("login_name"),
            user_account.c.locale,
            user_account.c.time_zone.label("zone"),
            user_account.c.email,
            is_proven().label("email_verified"),
            user_account.c.updated_at,
            membership.c.roles,
            device.c.id.label("device_id"),
            case((is_distrusted(device.c.id, organisation_id), "unknown"), else_=device.c.trust).label("device_trust"),
        )
        .select_from(user_account)
        .outerjoin(
            membership,
            and_(membership.c.user_id == user_account.c.id, membership.c.organisation_id == organisation_id),
        )
        .outerjoin(device, and_(device.c.id == device_id, device.c.user_id == user_account.c.id))
        .where(user_account.c.id == user_id, user_account.c.state == "active")
    )
    row = (await tx.execute(query)).mappings().one_or_none()
    return PersonNow(**{**row, "roles": tuple(row["roles"] or ())}) if row is not None else None

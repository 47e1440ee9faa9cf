"""What tokens say of a person, in PostgreSQL: one statement for all of it (A7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Uuid, and_, bindparam, case, column, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from config.connections import Transaction
from config.direct import Statement
from config.together import ask
from idp.endpoints.subjects import PersonNow
from idp.storage.directory_tables import device, login_name, membership, user_account
from idp.storage.proven_addresses import is_proven
from idp.storage.received_signals import is_distrusted

_FIRST_NAME = select(func.min(login_name.c.name)).where(login_name.c.user_id == user_account.c.id).scalar_subquery()


_UUIDS = ARRAY(Uuid)
_ASKED = (
    func.unnest(*(bindparam(name, type_=_UUIDS) for name in ("users", "organisations", "devices")))
    .table_valued(column("user_id", Uuid), column("organisation_id", Uuid), column("device_id", Uuid))
    .render_derived("asked")
)
_PEOPLE = Statement(
    select(
        _ASKED.c.user_id,
        _ASKED.c.organisation_id,
        _ASKED.c.device_id.label("at_device"),
        user_account.c.display_name.label("name"),
        _FIRST_NAME.label("login_name"),
        user_account.c.locale,
        user_account.c.time_zone.label("zone"),
        user_account.c.email,
        is_proven().label("email_verified"),
        user_account.c.updated_at,
        membership.c.roles,
        device.c.id.label("device_id"),
        case((is_distrusted(device.c.id, _ASKED.c.organisation_id), "unknown"), else_=device.c.trust).label(
            "device_trust"
        ),
    )
    .select_from(_ASKED)
    .join(user_account, user_account.c.id == _ASKED.c.user_id)
    .outerjoin(
        membership,
        and_(membership.c.user_id == user_account.c.id, membership.c.organisation_id == _ASKED.c.organisation_id),
    )
    .outerjoin(device, and_(device.c.id == _ASKED.c.device_id, device.c.user_id == user_account.c.id))
    .where(user_account.c.state == "active")
)


class _Asked(NamedTuple):
    user_id: UUID
    organisation_id: UUID
    device_id: UUID | None


async def person_now(tx: Transaction, user_id: UUID, organisation_id: UUID, device_id: UUID | None) -> PersonNow | None:
    """A person as a member of one organisation and at one device; None: there is none, or they may not sign in."""
    return await ask(tx, _people_now, _Asked(user_id, organisation_id, device_id))


async def _people_now(tx: Transaction, asked: Sequence[_Asked]) -> Mapping[_Asked, PersonNow]:
    users, organisations, devices = zip(*asked, strict=True)
    found = {}
    for row in await _PEOPLE.rows(tx, users=users, organisations=organisations, devices=devices):
        found[_Asked(row["user_id"], row["organisation_id"], row["at_device"])] = PersonNow(
            name=row["name"],
            login_name=row["login_name"],
            locale=row["locale"],
            zone=row["zone"],
            email=row["email"],
            email_verified=row["email_verified"],
            updated_at=row["updated_at"],
            roles=tuple(row["roles"] or ()),
            device_id=row["device_id"],
            device_trust=row["device_trust"],
        )
    return found

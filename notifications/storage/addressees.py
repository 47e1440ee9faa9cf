"""Where people get mail, for notices of services that know them by their id alone (the view of migration 0056)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.sql import column, table
from sqlalchemy.types import Text, Uuid

from config.connections import Transaction

_VIEW = table(
    "addressee",
    column("user_id", Uuid),
    column("email", Text),
    column("name", Text),
    column("locale", Text),
    schema="idp",
)
_ADDRESSEE: Final = select(_VIEW.c.email, _VIEW.c.name, _VIEW.c.locale).where(_VIEW.c.user_id == bindparam("user_id"))


@dataclass(frozen=True, slots=True)
class Addressee:
    """A person whom mail reaches."""

    email: str
    name: str
    locale: str


async def of_person(tx: Transaction, user_id: UUID) -> Addressee | None:
    """None for whoever has no address, or is gone."""
    row = (await tx.execute(_ADDRESSEE, {"user_id": user_id})).one_or_none()
    return None if row is None else Addressee(row.email, row.name, row.locale)

"""Faces of organisations, by who gets a mail (the view of migration 0034)."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import column, table
from sqlalchemy.types import Uuid

from config.connections import Transaction
from config.sections.surroundings import SupportSettings
from notifications.face import Face
from pages.look import Look

_VIEW = table("face_of_person", column("user_id", Uuid), column("look", JSONB), column("support", JSONB), schema="idp")
_FACE: Final = select(_VIEW.c.look, _VIEW.c.support).where(_VIEW.c.user_id == bindparam("user_id"))


async def of_person(tx: Transaction, user_id: UUID) -> Face:
    """How the organisation that a person joined first meets people."""
    row = (await tx.execute(_FACE, {"user_id": user_id})).one_or_none()
    if row is None:
        return Face()
    return Face(
        look=msgspec.convert(row.look, Look) if row.look is not None else None,
        support=SupportSettings(**{**_NOBODY, **row.support}) if row.support is not None else None,
    )


_NOBODY: Final = {"name": "", "email": "", "phone": "", "url": ""}
"""What an organisation leaves out is not offered, and is not the product's own."""

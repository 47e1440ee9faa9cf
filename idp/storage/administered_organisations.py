"""Organisations as administrators look at them in PostgreSQL: always within a scope."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, select, update

from config.connections import Transaction
from idp.administration.documents import (
    OrganisationDocument,
    Support,
)
from idp.storage.directory_tables import (
    organisation,
)
from pages.look import Look


async def every_organisation(tx: Transaction) -> frozenset[UUID]:
    """All that there are."""
    return frozenset((await tx.execute(select(organisation.c.id))).scalars())


async def organisations(tx: Transaction, scope: Collection[UUID]) -> Sequence[OrganisationDocument]:
    """Those of the scope, by name."""
    query = select(organisation).where(organisation.c.id.in_(scope)).order_by(organisation.c.name)
    return [_organisation(row) for row in await tx.execute(query)]


async def claim(tx: Transaction, organisation_id: UUID) -> OrganisationDocument | None:
    """One organisation, locked against other changes."""
    query = select(organisation).where(organisation.c.id == organisation_id).with_for_update(key_share=True)
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else _organisation(row)


async def put_recovery_wait(tx: Transaction, organisation_id: UUID, hours: int | None) -> None:
    """Keep how long a claimed one's people wait who lost every factor."""
    keeping = update(organisation).where(organisation.c.id == organisation_id)
    await tx.execute(keeping.values(recovery_wait_hours=hours))


def _organisation(row: Row[Any]) -> OrganisationDocument:
    changeable = msgspec.json.encode(
        [
            row.duplicate_login,
            row.new_device_factor,
            row.recovery_wait_hours,
            row.look,
            row.support,
            row.text_countries,
            row.sign_in_links,
        ],
        order="deterministic",
    )
    return OrganisationDocument(
        id=row.id,
        version=hashlib.sha256(changeable).hexdigest()[:16],
        name=row.name,
        time_zone=row.time_zone,
        duplicate_login=row.duplicate_login,
        new_device_factor=row.new_device_factor,
        recovery_wait_hours=row.recovery_wait_hours,
        text_countries=tuple(row.text_countries) if row.text_countries is not None else None,
        sign_in_links=row.sign_in_links,
        look=None if row.look is None else msgspec.convert(row.look, Look),
        support=None if row.support is None else Support(**row.support),
    )

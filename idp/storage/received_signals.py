"""What came of shared signals of others, in PostgreSQL, and whom they name (migration 0025)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from config.connections import Transaction
from idp.sessions.received.reception import Outcome
from idp.sessions.received.security_event import SecurityEvent
from idp.sessions.received.subject import Identifier
from idp.sessions.received.transmitter import Transmitter
from idp.storage.directory_tables import device, membership, user_account
from idp.storage.received_tables import device_compliance
from idp.storage.received_tables import signal_received as table
from idp.storage.upstream_tables import upstream_link, upstream_provider


async def take(tx: Transaction, transmitter_id: UUID, event: SecurityEvent, now: datetime) -> bool:
    """Keep a token as taken. False: it was taken before; of two at once one waits for the other."""
    taken = await tx.execute(
        insert(table)
        .values(
            transmitter_id=transmitter_id,
            jti=event.jti,
            received_at=now,
            events=[one.uri for one in event.events],
            outcome="recorded",
            correlation_id="",
        )
        .on_conflict_do_nothing()
        .returning(table.c.jti)
    )
    return taken.one_or_none() is not None


async def settle(
    tx: Transaction, transmitter_id: UUID, jti: str, *, person: UUID | None, outcome: Outcome, correlation_id: str
) -> None:
    """Note what came of a token that was taken in this transaction."""
    await tx.execute(
        update(table)
        .where(table.c.transmitter_id == transmitter_id, table.c.jti == jti)
        .values(user_id=person, outcome=outcome, correlation_id=correlation_id)
    )


async def said_of_device(
    tx: Transaction, transmitter: Transmitter, device_id: UUID, *, compliant: bool, at: datetime
) -> bool:
    """Keep what a transmitter says of a device. False: it said something later already."""
    values = {"compliant": compliant, "at": at}
    said = await tx.execute(
        insert(device_compliance)
        .values(
            device_id=device_id,
            transmitter_id=transmitter.id,
            organisation_id=transmitter.organisation_id,
            **values,
        )
        .on_conflict_do_update(
            index_elements=["device_id", "transmitter_id"], set_=values, where=device_compliance.c.at <= at
        )
        .returning(device_compliance.c.device_id)
    )
    return said.one_or_none() is not None


async def device_of_member(tx: Transaction, organisation_id: UUID, device_id: UUID) -> UUID | None:
    """Whose device it is; `None` where it is no member's."""
    query = (
        select(device.c.user_id)
        .join(membership, membership.c.user_id == device.c.user_id)
        .where(device.c.id == device_id, membership.c.organisation_id == organisation_id)
    )
    return (await tx.execute(query)).scalar_one_or_none()


def is_distrusted(device_id: ColumnElement[UUID], organisation_id: ColumnElement[UUID] | UUID) -> ColumnElement[bool]:
    """Whether a transmitter of the organisation says that a device is not compliant."""
    return (
        select(device_compliance.c.device_id)
        .where(
            device_compliance.c.device_id == device_id,
            device_compliance.c.organisation_id == organisation_id,
            ~device_compliance.c.compliant,
        )
        .exists()
    )


async def sweep(tx: Transaction, before: datetime) -> int:
    """Forget which tokens were taken before a moment. Returns how many."""
    return (await tx.execute(delete(table).where(table.c.received_at < before))).rowcount


class StoredSubjects:
    """Whom transmitters name: members by their mail address, by this house's own `sub`, or as an identity provider of
    their organisation calls them, where that account is linked."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer

    async def subject_of(self, tx: Transaction, organisation_id: UUID, subject: Identifier) -> UUID | None:
        """The one member of the organisation whom it names; `None`: nobody, or more than one."""
        which = self._which(organisation_id, subject)
        if which is None:
            return None
        query = (
            select(user_account.c.id)
            .join(
                membership,
                and_(membership.c.user_id == user_account.c.id, membership.c.organisation_id == organisation_id),
            )
            .where(which)
            .limit(2)
        )
        found = (await tx.execute(query)).scalars().all()
        return found[0] if len(found) == 1 else None

    def _which(self, organisation_id: UUID, subject: Identifier) -> ColumnElement[bool] | None:
        if subject.format == "email":
            return func.lower(user_account.c.email) == subject.value.lower()
        if subject.format == "iss_sub" and subject.issuer != self._issuer:
            return user_account.c.id.in_(_linked(organisation_id, subject))
        try:
            return user_account.c.id == UUID(subject.value)
        except ValueError:
            return None


def _linked(organisation_id: UUID, subject: Identifier) -> Select[tuple[UUID]]:
    """Whose account it is that this issuer calls so: of providers of this organisation alone, and of those that it has
    switched off as well, since news of an account is good news whether or not it leads in."""
    return (
        select(upstream_link.c.user_id)
        .join(upstream_provider, upstream_provider.c.id == upstream_link.c.provider_id)
        .where(
            upstream_provider.c.organisation_id == organisation_id,
            upstream_provider.c.issuer == subject.issuer,
            upstream_link.c.subject == subject.value,
        )
    )

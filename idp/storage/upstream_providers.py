"""Upstream providers and their domains in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Label, Row, Select, delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.types import Text

from config.connections import Transaction
from events.outbox import append
from idp.federation.offers import EVENT_TOPIC
from idp.federation.provider import Counts, DomainClaim, UpstreamProvider
from idp.storage.directory_tables import organisation
from idp.storage.upstream_tables import upstream_domain as domain_table
from idp.storage.upstream_tables import upstream_link as link_table
from idp.storage.upstream_tables import upstream_provider as table
from idp.storage.upstream_tables import withdrawn_domain as withdrawn_table


def _domains(*which: ColumnElement[bool]) -> Label[Any]:
    """The domains of a provider, in order."""
    listed = func.array_agg(aggregate_order_by(domain_table.c.domain, domain_table.c.domain), type_=ARRAY(Text))
    found = select(listed).where(domain_table.c.provider_id == table.c.id, *which).correlate(table)
    return found.scalar_subquery().label("domains" if which else "claimed_domains")


_PROVEN = domain_table.c.proven_at.is_not(None)
_DOMAINS = (_domains(_PROVEN), _domains())


async def find(tx: Transaction, provider_id: UUID) -> UpstreamProvider | None:
    """One provider, enabled or not."""
    return await _one(tx, _all().where(table.c.id == provider_id))


async def claim(tx: Transaction, provider_id: UUID) -> UpstreamProvider | None:
    """`find`, and nobody else claims it before this transaction is over."""
    locked = select(table.c.id).where(table.c.id == provider_id).with_for_update(key_share=True)
    if (await tx.execute(locked)).one_or_none() is None:
        return None
    return await find(tx, provider_id)


async def enabled_of(tx: Transaction, organisation_id: UUID) -> list[UpstreamProvider]:
    """The enabled ones of an organisation, the oldest first."""
    return [one for one in await of_organisation(tx, organisation_id) if one.enabled]


async def of_organisation(tx: Transaction, organisation_id: UUID) -> list[UpstreamProvider]:
    """All of an organisation, the oldest first."""
    query = _all().where(table.c.organisation_id == organisation_id).order_by(table.c.created_at, table.c.id)
    return [_provider(row) for row in await tx.execute(query)]


async def enabled_for_domain(tx: Transaction, domain: str) -> UpstreamProvider | None:
    """The enabled one where a domain leads; no two have the same."""
    query = (
        _all()
        .join(domain_table, domain_table.c.provider_id == table.c.id)
        .where(domain_table.c.domain == domain, _PROVEN, table.c.enabled)
    )
    return await _one(tx, query)


async def hold(tx: Transaction, organisation_id: UUID) -> None:
    """Let nobody else add one to an organisation until the transaction is over."""
    locked = select(organisation.c.id).where(organisation.c.id == organisation_id).with_for_update(key_share=True)
    await tx.execute(locked)


async def count(tx: Transaction, organisation_id: UUID) -> int:
    """How many an organisation has."""
    query = select(func.count()).select_from(table).where(table.c.organisation_id == organisation_id)
    return int((await tx.execute(query)).scalar_one())


async def add(tx: Transaction, provider: UpstreamProvider, now: datetime) -> bool:
    """Keep a new one without its domains. False: the organisation has one of this issuer and client already."""
    values = {**_changing(provider), "issuer": provider.issuer, "organisation_id": provider.organisation_id}
    added = await tx.execute(
        upsert(table)
        .values(id=provider.id, version=1, created_at=now, **values)
        .on_conflict_do_nothing()
        .returning(table.c.id)
    )
    if added.one_or_none() is None:
        return False
    await _tell(tx, provider)
    return True


async def change(tx: Transaction, provider: UpstreamProvider) -> bool:
    """Keep what changed in a claimed one, but its domains; its version rises. False as `add` has it."""
    twin = select(table.c.id).where(
        table.c.organisation_id == provider.organisation_id,
        table.c.issuer == provider.issuer,
        table.c.client_id == provider.client_id,
        table.c.id != provider.id,
    )
    if (await tx.execute(twin)).first() is not None:
        return False
    await tx.execute(
        update(table).where(table.c.id == provider.id).values(version=table.c.version + 1, **_changing(provider))
    )
    await _tell(tx, provider)
    return True


async def put_domains(tx: Transaction, provider: UpstreamProvider, domains: Collection[str]) -> None:
    """Keep that a claimed provider is to be led to from these, and no others: those that were proven stay so."""
    mine = domain_table.c.provider_id == provider.id
    await tx.execute(delete(domain_table).where(mine, domain_table.c.domain.not_in(list(domains))))
    if domains:
        rows = [{"domain": domain, "provider_id": provider.id} for domain in sorted(domains)]
        await tx.execute(upsert(domain_table).values(rows).on_conflict_do_nothing())


async def claims(
    tx: Transaction, *, after: tuple[str, UUID] | None, limit: int, provider_id: UUID | None = None
) -> list[DomainClaim]:
    """Who names which domain, by domain; all, or those of one provider."""
    columns = (domain_table.c.domain, domain_table.c.provider_id)
    query = (
        select(
            domain_table.c.domain,
            domain_table.c.proven_at,
            domain_table.c.by_file,
            table.c.organisation_id,
            table.c.issuer,
        )
        .add_columns(domain_table.c.provider_id)
        .join(table, table.c.id == domain_table.c.provider_id)
        .order_by(*columns)
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(*columns) > tuple_(*after))
    if provider_id is not None:
        query = query.where(domain_table.c.provider_id == provider_id)
    return [DomainClaim(**row) for row in (await tx.execute(query)).mappings()]


async def prove_domain(
    tx: Transaction, provider: UpstreamProvider, domain: str, who: UUID, now: datetime, *, by_file: bool
) -> bool | None:
    """Let a domain lead to a claimed provider that names it. False: it leads elsewhere; None: this one names it not.

    The operator's word for it, which is not `by_file`, lets files prove it again.
    """
    mine = (domain_table.c.domain == domain, domain_table.c.provider_id == provider.id)
    named = (await tx.execute(select(_PROVEN).where(*mine))).scalar_one_or_none()
    if named is None:
        return None
    if not named:
        try:
            async with tx.begin_nested():
                await tx.execute(
                    update(domain_table).where(*mine).values(proven_at=now, proven_by=who, by_file=by_file)
                )
        except IntegrityError:  # what holds of many at once is held by the index
            return False
        await _tell(tx, provider)
    if not by_file:
        await tx.execute(delete(withdrawn_table).where(withdrawn_table.c.domain == domain))
    return True


async def is_withdrawn(tx: Transaction, domain: str) -> bool:
    """Whether no file may prove a domain, since the operator took it back."""
    query = select(withdrawn_table.c.domain).where(withdrawn_table.c.domain == domain)
    return (await tx.execute(query)).one_or_none() is not None


async def withdraw_domain(tx: Transaction, provider: UpstreamProvider, domain: str, who: UUID, now: datetime) -> bool:
    """Let a domain lead to a claimed provider no more, and no file prove it again. False: it does not lead there."""
    mine = (domain_table.c.domain == domain, domain_table.c.provider_id == provider.id, _PROVEN)
    withdrawn = await tx.execute(
        update(domain_table).where(*mine).values(proven_at=None, proven_by=None, by_file=False)
    )
    if withdrawn.rowcount == 0:
        return False
    kept = upsert(withdrawn_table).values(domain=domain, withdrawn_at=now, withdrawn_by=who)
    await tx.execute(kept.on_conflict_do_nothing())
    await _tell(tx, provider)
    return True


async def remove(tx: Transaction, provider: UpstreamProvider) -> int:
    """Forget one, its domains and its links. Returns how many links."""
    links = select(func.count()).select_from(link_table).where(link_table.c.provider_id == provider.id)
    linked = int((await tx.execute(links)).scalar_one())
    await tx.execute(delete(table).where(table.c.id == provider.id))
    await _tell(tx, provider)
    return linked


def _changing(provider: UpstreamProvider) -> dict[str, Any]:
    return {
        "client_id": provider.client_id,
        "auth_method": provider.auth_method,
        "sealed_secret": provider.sealed_secret,
        "scopes": list(provider.scopes),
        "name": dict(provider.name),
        "just_in_time": provider.just_in_time,
        "roles": list(provider.roles),
        "name_claim": provider.name_claim,
        "counts": msgspec.to_builtins(provider.counts),
        "enabled": provider.enabled,
    }


def _all() -> Select[tuple[Any, ...]]:
    return select(table, *_DOMAINS)


async def _one(tx: Transaction, query: Select[tuple[Any, ...]]) -> UpstreamProvider | None:
    row = (await tx.execute(query)).one_or_none()
    return _provider(row) if row is not None else None


def _provider(row: Row[tuple[Any, ...]]) -> UpstreamProvider:
    values = {name: value for name, value in row._mapping.items() if name != "created_at"}
    return UpstreamProvider(
        **{
            **values,
            "scopes": tuple(row.scopes),
            "roles": tuple(row.roles),
            "domains": tuple(row.domains or ()),
            "claimed_domains": tuple(row.claimed_domains or ()),
            "counts": msgspec.convert(row.counts, Counts),
        }
    )


async def _tell(tx: Transaction, provider: UpstreamProvider) -> None:
    ident = str(provider.organisation_id)
    await append(tx, EVENT_TOPIC, ident, {"organisation_id": ident})

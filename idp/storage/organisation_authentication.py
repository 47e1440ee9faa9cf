"""Which keys organisations take, and which methods count there, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert as upsert

from config.connections import Transaction
from events.outbox import append
from idp.administration.authentication_documents import SuspectKey
from idp.authorization.login_rules import EVENT_TOPIC
from idp.factors.attestation import AttestationPolicy
from idp.factors.authentication_rules import AuthenticationRules
from idp.protocol.assurance import HOUSE, SATISFIES, WAYS, Counting, Method, Way
from idp.storage.directory_tables import membership, passkey, user_account
from idp.storage.directory_tables import organisation_authentication as table


async def authentication_rules(
    tx: Transaction, organisation_id: UUID, *, claim: bool = False
) -> AuthenticationRules | None:
    """Those of an organisation; None: it never said anything. With `claim`, nobody else changes them meanwhile."""
    query = select(table).where(table.c.organisation_id == organisation_id)
    row = (await tx.execute(query.with_for_update() if claim else query)).one_or_none()
    if row is None:
        return None
    return AuthenticationRules(
        attestation=msgspec.convert(row.attestation, AttestationPolicy),
        counting=counting_of(row.methods),
        forbidden=forbidden_of(row.forbidden),
        verified_approvals=row.verified_approvals,
        version=row.version,
    )


async def put_authentication_rules(
    tx: Transaction, organisation_id: UUID, rules: AuthenticationRules, now: datetime
) -> bool:
    """Keep rules of a version, and tell whoever has them in memory. False: others of this version were kept first."""
    values = {
        "attestation": msgspec.to_builtins(rules.attestation),
        "methods": _methods(rules.counting),
        "forbidden": sorted(rules.forbidden),
        "verified_approvals": rules.verified_approvals,
        "version": rules.version,
        "changed_at": now,
    }
    kept = await tx.execute(
        upsert(table)
        .values(organisation_id=organisation_id, **values)
        .on_conflict_do_update(
            index_elements=["organisation_id"], set_=values, where=table.c.version == rules.version - 1
        )
        .returning(table.c.organisation_id)
    )
    if kept.one_or_none() is None:
        return False
    ident = str(organisation_id)
    await append(tx, EVENT_TOPIC, ident, {"organisation_id": ident})
    return True


async def attestation_policies(tx: Transaction, user_id: UUID) -> list[AttestationPolicy]:
    """Those of a person's organisations, as far as they say anything."""
    query = (
        select(table.c.attestation)
        .join(membership, membership.c.organisation_id == table.c.organisation_id)
        .where(membership.c.user_id == user_id)
        .order_by(table.c.organisation_id)
    )
    return [msgspec.convert(found, AttestationPolicy) for found in (await tx.execute(query)).scalars()]


async def suspect_keys(
    tx: Transaction, organisation_id: UUID, refused: Collection[str], *, after: bytes | None, limit: int
) -> Sequence[SuspectKey]:
    """Passkeys of its people that may have been copied, or are of a `refused` model (AAGUID), by their ids."""
    query = (
        select(passkey, user_account.c.display_name)
        .join(user_account, user_account.c.id == passkey.c.user_id)
        .join(membership, membership.c.user_id == passkey.c.user_id)
        .where(
            membership.c.organisation_id == organisation_id,
            or_(passkey.c.clone_suspected_at.is_not(None), passkey.c.aaguid.in_(refused)),
        )
        .order_by(passkey.c.credential_id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(passkey.c.credential_id > after)
    return [
        SuspectKey(
            user_id=row.user_id,
            display_name=row.display_name,
            label=row.label,
            aaguid=row.aaguid,
            model="",
            why="copied" if row.clone_suspected_at is not None else "model_refused",
            status="",
            since=row.clone_suspected_at,
            last_used_at=row.last_used_at,
            cursor=row.credential_id.hex(),
        )
        for row in await tx.execute(query)
    ]


def counting_of(methods: Mapping[str, Sequence[Method]] | None) -> Counting:
    """What is kept as a mapping narrower than the house's, never wider."""
    if not methods:
        return HOUSE
    two, three = (frozenset(methods.get(str(level), SATISFIES[level])) & SATISFIES[level] for level in (2, 3))
    return Counting(two, three)


def forbidden_of(names: Sequence[str] | None) -> frozenset[Way]:
    """Of what is kept, that which this version knows."""
    return frozenset(way for way in WAYS if way in (names or ()))


def _methods(counting: Counting) -> dict[str, list[str]]:
    return {str(level): sorted(counting.of(level)) for level in SATISFIES if counting.of(level) != SATISFIES[level]}

"""The phases of programmes, as analyses, dashboards and the view of one person look at them, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select

from config.connections import Transaction
from idp.rollout.analysis import PlannedPhase
from idp.storage.programmes import phase_of, rule_of
from idp.storage.rollout_tables import cohort, phase, programme

_OVER = ("rolled_back",)


async def planned(tx: Transaction, scope: Collection[UUID], programme_id: UUID | None = None) -> Sequence[PlannedPhase]:
    """The phases of all programmes of these organisations, or of one, that are not rolled back, in order."""
    query = (
        select(phase, cohort.c.rule, programme.c.name.label("programme_name"), programme.c.organisation_id)
        .join(programme, programme.c.id == phase.c.programme_id)
        .join(cohort, cohort.c.id == phase.c.cohort_id)
        .where(programme.c.organisation_id.in_(scope))
        .order_by(programme.c.created_at, programme.c.id, phase.c.position)
    )
    query = (
        query.where(phase.c.state.not_in(_OVER))
        if programme_id is None
        else query.where(programme.c.id == programme_id)
    )
    return [
        PlannedPhase(row["programme_name"], row["organisation_id"], phase_of(row), rule_of(row["rule"]))
        for row in (await tx.execute(query)).mappings()
    ]

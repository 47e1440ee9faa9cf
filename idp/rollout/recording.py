"""Every act upon a programme leaves a record: the history of its phases, and the audit."""

from __future__ import annotations

from collections.abc import Mapping

from audit import trail
from audit.trail import AuditEvent, Kind
from config.clock import Clock
from config.connections import Transaction
from config.entropy import Entropy
from idp.rollout.changes import By
from idp.rollout.phases import Phase
from idp.rollout.programme import EventAct, PhaseEvent, PhaseRecords, Programme, Programmes


class Recording:
    """Keeps what changed together with its record, in the caller's transaction."""

    def __init__(self, programmes: Programmes, records: PhaseRecords, clock: Clock, entropy: Entropy) -> None:
        self._programmes = programmes
        self._records = records
        self._clock = clock
        self._entropy = entropy

    async def keep(
        self,
        tx: Transaction,
        programme: Programme,
        before: Phase,
        after: Phase,
        act: EventAct,
        by: By,
        details: Mapping[str, object],
    ) -> None:
        """A phase as it is from now on; whoever has phases in memory is told."""
        await self._programmes.put_phase(tx, after, self._clock.now())
        await self.note(tx, programme, before, after, act, by, details)
        await self._programmes.tell(tx, programme.organisation_id)

    async def note(
        self,
        tx: Transaction,
        programme: Programme,
        before: Phase,
        after: Phase,
        act: EventAct,
        by: By,
        details: Mapping[str, object],
    ) -> None:
        """What was done to a phase, in its history and in the audit."""
        event = PhaseEvent(
            id=self._entropy.uuid(),
            phase_id=after.id,
            at=self._clock.now(),
            act=act,
            from_state=before.state,
            to_state=after.state,
            who=by.who,
            why=by.why,
            details=details,
        )
        await self._records.note(tx, event)
        more = {"phase": after.key, "from": before.state, "to": after.state, **details}
        await self.audit(tx, programme, act, by, more, subject=str(after.id))

    async def audit(
        self,
        tx: Transaction,
        programme: Programme,
        act: EventAct,
        by: By,
        details: Mapping[str, object],
        *,
        subject: str = "",
    ) -> None:
        """What was done to a programme, or to the phase that `subject` names."""
        told = {"act": act, "why": by.why, "programme": str(programme.id), **details}
        await trail.record(
            tx,
            AuditEvent(
                kind=Kind.PROGRAMME_CHANGED,
                correlation_id=by.correlation_id,
                actor=by.who,
                subject=subject or str(programme.id),
                sid=by.sid,
                details=told,
            ),
        )

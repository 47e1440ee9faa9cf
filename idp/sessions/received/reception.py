"""Taking a security event: recorded once, and acted on once, in one transaction.

Whatever follows stays within the transmitter's organisation: a session of another one is left alone, even a member's.
Sessions that began after what is told of are left alone, too: news may be late, and the person has proved themselves
since.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol
from uuid import UUID

from audit import trail
from audit.trail import AuditEvent, Kind
from config.clock import Clock
from config.connections import Transaction
from idp.sessions.one_session import OneSession
from idp.sessions.received.effects import Act, decided
from idp.sessions.received.security_event import Event, EventKind, SecurityEvent
from idp.sessions.received.subject import Subject, Subjects
from idp.sessions.received.transmitter import Transmitter
from idp.sessions.session import Session

GRACE = timedelta(minutes=1)
"""By how much a transmitter's clock may be behind: so long after a happening a session still counts as begun before."""

Outcome = Literal["acted", "recorded", "nobody", "replayed"]
"""`nobody`: it called for something, and names nobody of this organisation, or no session or device of theirs."""


class SignalLog(Protocol):
    """Where it is known what was taken, and what was said of devices."""

    async def take(self, tx: Transaction, transmitter_id: UUID, event: SecurityEvent, now: datetime) -> bool:
        """Keep a token as taken. False: it was taken before; of two at once one waits for the other."""

    async def settle(
        self,
        tx: Transaction,
        transmitter_id: UUID,
        jti: str,
        *,
        person: UUID | None,
        outcome: Outcome,
        correlation_id: str,
    ) -> None:
        """Note what came of a token that was taken in this transaction."""

    async def said_of_device(
        self, tx: Transaction, transmitter: Transmitter, device_id: UUID, *, compliant: bool, at: datetime
    ) -> bool:
        """Keep what a transmitter says of a device. False: it said something later already."""

    async def device_of_member(self, tx: Transaction, organisation_id: UUID, device_id: UUID) -> UUID | None:
        """Whose device it is; `None` where it is no member's."""


class PersonSessions(Protocol):
    """Where sessions are."""

    async def lock_person(self, tx: Transaction, user_id: UUID) -> bool:
        """Let nobody else begin a session of this person until the transaction is over."""

    async def live_of(self, tx: Transaction, user_id: UUID, now: datetime) -> Session | None:
        """The person's live session."""

    async def find(self, tx: Transaction, sid: str) -> Session | None:
        """One session, live or ended."""


class ProvenBefore(Protocol):
    """What counts as proven although it was proven before."""

    async def forget_person(self, tx: Transaction, user_id: UUID) -> int:
        """It counts no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """Takes security events that were verified."""

    log: SignalLog
    subjects: Subjects
    sessions: PersonSessions
    one_session: OneSession
    logins: ProvenBefore
    remembered: ProvenBefore
    clock: Clock

    async def take(
        self, tx: Transaction, transmitter: Transmitter, event: SecurityEvent, correlation_id: str
    ) -> Outcome:
        """Record a token, and act on it; one that was taken before changes nothing."""
        if not await self.log.take(tx, transmitter.id, event, self.clock.now()):
            return "replayed"
        person = await self._person(tx, transmitter, event.subject)
        outcome: Outcome = "recorded"
        acts = [(one, decided(one, transmitter.effects)) for one in event.events]
        if person is not None:
            await self._hold(tx, person, frozenset(act for _, act in acts))
        for one, act in acts:
            if act == "record":
                continue
            acted = person is not None and await self._act(
                tx, transmitter, person, event.subject, one, act, correlation_id
            )
            if acted:
                outcome = "acted"
            elif outcome == "recorded":
                outcome = "nobody"
        await self.log.settle(
            tx, transmitter.id, event.jti, person=person, outcome=outcome, correlation_id=correlation_id
        )
        await trail.record(
            tx,
            AuditEvent(
                kind=Kind.SIGNAL_RECEIVED,
                correlation_id=correlation_id,
                actor=str(transmitter.id),
                subject=str(person or ""),
                details={
                    "organisation": str(transmitter.organisation_id),
                    "jti": event.jti,
                    "txn": event.txn,
                    "events": [one.uri for one in event.events],
                    "acts": [act for _, act in acts],
                    "outcome": outcome,
                },
            ),
        )
        return outcome

    async def _hold(self, tx: Transaction, person: UUID, acts: frozenset[Act]) -> None:
        """Take the person's locks in the order of the house: their logins, themselves; their session comes after."""
        if acts == {"record"}:
            return
        if "end_and_prove" in acts:
            await self.logins.forget_person(tx, person)
        await self.sessions.lock_person(tx, person)
        if "end_and_prove" in acts:
            await self.remembered.forget_person(tx, person)

    async def _person(self, tx: Transaction, transmitter: Transmitter, subject: Subject) -> UUID | None:
        """The one whom all that is named agrees on. Of several names of a person some may mean nothing here; where none
        does, nobody is meant, whatever session or device is named beside."""
        organisation = transmitter.organisation_id
        found = {await self.subjects.subject_of(tx, organisation, one) for one in subject.people}
        if len(found) > 1:
            found.discard(None)
        if subject.device and (device := _as_uuid(subject.device)) is not None:
            owner = await self.log.device_of_member(tx, organisation, device)
            if owner is not None:
                found.add(owner)
        if subject.session:
            session = await self.sessions.find(tx, subject.session)
            if session is not None:
                found.add(session.user_id if session.organisation_id == organisation else None)
        return found.pop() if len(found) == 1 else None

    async def _act(
        self,
        tx: Transaction,
        transmitter: Transmitter,
        person: UUID,
        subject: Subject,
        event: Event,
        act: Act,
        correlation_id: str,
    ) -> bool:
        if event.kind is EventKind.DEVICE_COMPLIANCE_CHANGE:
            return await self._device(tx, transmitter, person, subject, event, act, correlation_id)
        session = await self._session(tx, transmitter, person, subject, event.happened_at)
        if session is not None:
            await self.one_session.end(tx, session.sid, "response", correlation_id=correlation_id)
        return session is not None or act == "end_and_prove"

    async def _device(
        self,
        tx: Transaction,
        transmitter: Transmitter,
        person: UUID,
        subject: Subject,
        event: Event,
        act: Act,
        correlation_id: str,
    ) -> bool:
        device = _as_uuid(subject.device)
        if device is None or await self.log.device_of_member(tx, transmitter.organisation_id, device) != person:
            return False
        compliant = event.status == "compliant"
        if not await self.log.said_of_device(tx, transmitter, device, compliant=compliant, at=event.happened_at):
            return False
        if act not in ("distrust_and_end", "distrust_and_step_up"):
            return True
        session = await self._session(tx, transmitter, person, Subject(), None)
        if session is None or session.visitor.device_id != device:
            return True
        if act == "distrust_and_end":
            await self.one_session.end(tx, session.sid, "response", correlation_id=correlation_id)
        else:
            await self.one_session.weaken(tx, session.sid)
        return True

    async def _session(
        self, tx: Transaction, transmitter: Transmitter, person: UUID, subject: Subject, before: datetime | None
    ) -> Session | None:
        """The person's live session in the organisation, begun before a moment, and the one that is named, if one of
        ours is."""
        live = await self.sessions.live_of(tx, person, self.clock.now())
        if live is None or live.organisation_id != transmitter.organisation_id:
            return None
        if subject.session and live.sid != subject.session:
            # another one of ours was meant; a name that is none of ours is the transmitter's own, and says nothing here
            return None if await self.sessions.find(tx, subject.session) is not None else live
        if before is not None and not subject.session and live.created_at > before + GRACE:
            return None
        return live


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None

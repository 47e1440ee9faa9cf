"""A programme: the ordered phases of one organisation, what is recorded of them, and what storages must do."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, Protocol
from uuid import UUID

from config.connections import Transaction
from idp.rollout.cohorts import Cohort, Facts, Rule
from idp.rollout.demands import PhaseWithRule, Standing
from idp.rollout.exceptions import PhaseException
from idp.rollout.phases import Measured, Method, Phase

EVENT_TOPIC: Final = "programme"
"""Topic in the outbox, key = organisation id, payload `{"organisation_id"}`: what its phases demand changed."""

EventAct = Literal[
    "create",
    "start",
    "change",
    "announce",
    "begin",
    "widen",
    "enforce",
    "finish",
    "pause",
    "resume",
    "roll_back",
    "reopen",
    "except",
    "withdraw",
    "held_back",
]
"""What is recorded of a phase. `held_back`: its date came, and it could not go on."""
Texts = Mapping[str, Mapping[str, Mapping[str, str]]]
"""Words of notices by moment (`idp.rollout.reminders`), locale, and `subject` or `text`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """One programme, without its phases."""

    id: UUID
    organisation_id: UUID
    name: str
    texts: Texts = field(default_factory=dict)
    started_at: datetime | None = None
    """From when on its phases go on by their dates; None: somebody does every act."""
    version: int = 1
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseEvent:
    """Something that was done to a phase: by whom, and why."""

    id: UUID
    phase_id: UUID
    at: datetime
    act: EventAct
    from_state: str
    to_state: str
    who: str
    why: str
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hit:
    """Somebody whom a phase reaches, or would reach."""

    user_id: UUID
    name: str
    email: str | None
    enrolled: tuple[Method, ...]
    excepted: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """How many people a rule is about, how many of them have what is asked for, and some of them by name."""

    total: int
    ready: int
    """They have one of the methods already."""
    people: tuple[Hit, ...]


class Programmes(Protocol):
    """Where programmes, cohorts and phases are kept."""

    async def add(
        self, tx: Transaction, programme: Programme, cohorts: Sequence[Cohort], phases: Sequence[Phase], now: datetime
    ) -> None:
        """Keep a new one, whole."""

    async def page(
        self, tx: Transaction, organisations: Collection[UUID], before: tuple[datetime, UUID] | None, limit: int
    ) -> Sequence[Programme]:
        """Those of these organisations, the newest first."""

    async def find(self, tx: Transaction, programme_id: UUID, *, claim: bool = False) -> Programme | None:
        """One; `claim`: nobody else changes it, or its phases, before the transaction is over."""

    async def put(self, tx: Transaction, programme: Programme) -> None:
        """Keep what changed of a claimed one."""

    async def remove(self, tx: Transaction, programme_id: UUID) -> None:
        """Forget a claimed one with all that belongs to it."""

    async def phases(self, tx: Transaction, programme_id: UUID) -> Sequence[Phase]:
        """Its phases in order."""

    async def cohorts(self, tx: Transaction, programme_id: UUID) -> Sequence[Cohort]:
        """Its cohorts by name."""

    async def put_cohort(self, tx: Transaction, cohort: Cohort) -> None:
        """Keep a cohort, new or changed. Raises `CohortTaken`."""

    async def put_phase(self, tx: Transaction, phase: Phase, now: datetime) -> None:
        """Keep what changed of a phase of a claimed programme."""

    async def tell(self, tx: Transaction, organisation_id: UUID) -> None:
        """Tell every node that what is demanded changed."""

    async def to_lead_on(self, tx: Transaction, changed_after: datetime) -> Sequence[UUID]:
        """The programmes with a phase that is not over, or was changed lately; drafts of those alone that go on by
        dates. People are told of what was done, by a date or by hand."""


class PhaseRecords(Protocol):
    """Where it is kept what was done to phases, and exceptions."""

    async def note(self, tx: Transaction, event: PhaseEvent) -> None:
        """Record an act."""

    async def events(
        self, tx: Transaction, phase_id: UUID, before: tuple[datetime, UUID] | None, limit: int
    ) -> Sequence[PhaseEvent]:
        """What was done to a phase, the newest first."""

    async def held_back(self, tx: Transaction, phase_id: UUID) -> PhaseEvent | None:
        """The newest event of a phase, if it says that it was held back."""

    async def grant(self, tx: Transaction, exception: PhaseException) -> None:
        """Keep an exception in place of one that its person has in this phase."""

    async def withdraw(self, tx: Transaction, exception_id: UUID, who: str, now: datetime) -> PhaseException | None:
        """Take one back; None: there is none, or it is taken back already."""

    async def exception(self, tx: Transaction, exception_id: UUID) -> PhaseException | None:
        """One."""

    async def exceptions(
        self, tx: Transaction, programme_id: UUID, before: tuple[datetime, UUID] | None, limit: int
    ) -> Sequence[PhaseException]:
        """All of a programme, the newest first, also those that are over."""


class Reached(Protocol):
    """Where it is known whom phases are for, and whom they have reached."""

    async def in_force(self, tx: Transaction, organisation_id: UUID) -> Sequence[PhaseWithRule]:
        """The phases of an organisation that demand something, with their rules."""

    async def closing(self, tx: Transaction) -> frozenset[UUID]:
        """The organisations of phases by which passwords are closed."""

    async def facts(self, tx: Transaction, organisation_id: UUID, user_id: UUID, now: datetime) -> Facts:
        """What rules ask of one person."""

    async def standings(
        self, tx: Transaction, phase_ids: Collection[UUID], user_id: UUID, now: datetime
    ) -> Mapping[UUID, Standing]:
        """What these phases remember of a person; nothing of a phase that remembers nothing."""

    async def preview(
        self, tx: Transaction, organisation_id: UUID, rule: Rule, phase: Phase | None, now: datetime, limit: int
    ) -> Preview:
        """Whom a rule is about; `phase`: as far as its share reaches."""

    async def to_take_in(
        self, tx: Transaction, organisation_id: UUID, at: PhaseWithRule, now: datetime, after: UUID | None, limit: int
    ) -> tuple[Sequence[UUID], UUID | None]:
        """Of the next members of an organisation those whom a phase reaches and has not taken in yet; and after whom to
        go on, None: there is nobody else."""

    async def take_in(self, tx: Transaction, phase_id: UUID, people: Sequence[UUID], now: datetime) -> None:
        """Take people in who are not yet; until the transaction is over their accounts cannot be locked."""

    async def ask(self, tx: Transaction, phase_ids: Collection[UUID], user_id: UUID, now: datetime) -> None:
        """A login asks a person for the first time: their grace runs from now; they stay in these phases."""


class Enrolments(Protocol):
    """Where it is kept what came of being asked."""

    async def skipped(self, tx: Transaction, phase_id: UUID, user_id: UUID) -> None:
        """They put it off."""

    async def enrolled(
        self, tx: Transaction, phase_ids: Collection[UUID], user_id: UUID, method: Method, now: datetime
    ) -> None:
        """They set one of the methods up where a login led them to it."""


class Measurements(Protocol):
    """Where it is known how a phase does."""

    async def measured(self, tx: Transaction, phase: Phase, now: datetime) -> Measured:
        """What came of the sign-ins, by the methods that it brings, of people whom it reached, since it began."""


class CohortTaken(Exception):
    """The programme has another cohort of this name."""

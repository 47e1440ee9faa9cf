"""The worker `rollout`: goes on with programmes by their dates, takes in whom their phases reach, writes to people.
It brings to their end imports of all or nothing that were killed while their people came in.

Any number of them may run: a programme is locked by whoever looks after it, and each notice is one row. This is its
composition root, at the rim of the identity provider.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from config.clock import Clock, SystemClock
from config.connections import Database, Valkey, open_database, open_valkey
from config.entropy import SystemEntropy
from config.envelope import Envelope
from config.pause import pause
from config.settings import Settings
from config.web import new_correlation_id
from events import outbox
from idp.every_import import every_import, land_left
from idp.programme_parts import leading
from idp.rollout.cohorts import Rule
from idp.rollout.demands import PhaseWithRule
from idp.rollout.leading import Leading
from idp.rollout.phases import Phase
from idp.rollout.programme import Programme, Programmes
from idp.rollout.reminders import LATE, Reminders, due_notice
from idp.storage import phase_notices, programmes
from notifications import queue
from notifications.queue import Queue

BATCH = 50
"""People who are written to in one transaction: some 30 ms, for which the news of ends wait at most (S4)."""
BATCHES = 100
"""Of notices of one phase at a look: 5000 people every half a minute, so that no mail server is drowned."""
TAKEN_IN = 1000
"""People who are taken in by one transaction: until it is over none of them can begin a session."""
PEOPLE = 20_000
"""Of an organisation, looked at in one statement: fewer would cost more in all, since a rule looks at whole tables each
time, and more might take longer than a statement may."""
EVERY = 30.0
"""Seconds."""
AGAIN_AFTER = timedelta(minutes=5)
"""Whoever comes to be written later than everybody else waits so long at most."""
TAKE_IN_EVERY = timedelta(hours=1)
"""Whoever signs in is taken in at once; the others are for the lists."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Told:
    """How far the notices of a phase are. To begin with the first person at each look would pass over all who were
    written, which grows with the square of the people."""

    of: tuple[str, int] | None
    """Which notice, and of which version of the phase."""
    after: UUID | None
    """There are more behind this person."""
    again: datetime
    """When to look for others again, after nobody was left."""


_NOBODY = _Told(None, None, datetime.min.replace(tzinfo=UTC))


class ProgrammeWorker:
    """Looks after every programme; each is a transaction of its own, and each batch of notices."""

    def __init__(
        self,
        database: Database,
        valkey: Valkey,
        kept: Programmes,
        leading: Leading,
        reminders: Reminders,
        clock: Clock,
    ) -> None:
        self._database = database
        self._valkey = valkey
        self._kept = kept
        self._leading = leading
        self._reminders = reminders
        self._clock = clock
        self._took_in: dict[UUID, tuple[datetime, tuple[int, ...]]] = {}
        """When, and of which versions of its phases."""
        self._told_to: dict[UUID, _Told] = {}

    async def step(self) -> int:
        """Look after all of them once. Returns to how many people was written."""
        async with self._database.connect() as tx:
            ids = await self._kept.to_lead_on(tx, self._clock.now() - LATE)
        told = 0
        for ident in ids:
            acted = await self._lead_on(ident)
            told += await self._tell(ident)
            if acted:
                await outbox.poke(self._valkey)
        if told:
            await queue.poke(self._valkey)
        return told

    async def _lead_on(self, ident: UUID) -> int:
        async with self._database.begin() as tx:
            programme = await self._kept.find(tx, ident, claim=True)
            if programme is None:
                return 0
            acted = await self._leading.go_on(tx, programme, new_correlation_id())
        await self._take_in(programme)
        return acted

    async def _take_in(self, programme: Programme) -> None:
        """Everybody whom its phases reach by now: found by thousands, which locks nobody, and kept by shorter ones."""
        async with self._database.connect() as tx:
            rules = {one.id: one.rule for one in await self._kept.cohorts(tx, programme.id)}
            phases = await self._kept.phases(tx, programme.id)
        versions = tuple(one.version for one in phases)
        now, before = self._clock.now(), self._took_in.get(programme.id)
        if before is not None and before[1] == versions and now - before[0] < TAKE_IN_EVERY:
            return
        for phase in phases:
            at, after, more = PhaseWithRule(phase, rules[phase.cohort_id]), None, phase.in_force
            while more:
                async with self._database.connect() as tx:
                    people, after = await self._leading.to_take_in(tx, programme, at, after, PEOPLE)
                for first in range(0, len(people), TAKEN_IN):
                    async with self._database.begin() as tx:
                        await self._leading.take_in(tx, phase, people[first : first + TAKEN_IN])
                more = after is not None
        self._took_in[programme.id] = now, versions

    async def _tell(self, ident: UUID) -> int:
        async with self._database.connect() as tx:
            rules = {one.id: one.rule for one in await self._kept.cohorts(tx, ident)}
            phases = await self._kept.phases(tx, ident)
        return sum([await self._tell_of(ident, phase, rules[phase.cohort_id]) for phase in phases])

    async def _tell_of(self, ident: UUID, phase: Phase, rule: Rule) -> int:
        now = self._clock.now()
        moment = due_notice(phase, now)
        before = self._told_to.pop(phase.id, _NOBODY)
        if moment is None:
            return 0
        of = (moment.label, phase.version)
        if before.of != of:
            before = _NOBODY
        if before.after is None and now < before.again:
            self._told_to[phase.id] = before
            return 0
        async with self._database.connect() as tx:
            programme = await self._kept.find(tx, ident)
            if programme is None:
                return 0
            untold = await self._reminders.untold(
                tx, programme, phase, rule, moment, now, before.after, BATCH * BATCHES
            )
        told = 0
        for at in range(0, len(untold), BATCH):
            async with self._database.begin() as tx:
                told += await self._reminders.tell(tx, programme, phase, moment, untold[at : at + BATCH], now)
        if len(untold) == BATCH * BATCHES:
            self._told_to[phase.id] = _Told(of, untold[-1], now)
        elif not untold and before.after is None:
            self._told_to[phase.id] = _Told(of, None, now + AGAIN_AFTER)
        return told


async def serve(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Run `rollout` until `stop`."""
    database, valkey = open_database(settings, "idp"), open_valkey(settings)
    try:
        worker = build_worker(settings, database, valkey, SystemClock())
        while not stop.is_set():
            try:
                await worker.step()
                async with every_import(settings) as every:
                    await land_left(every)
                ready()
            except (RedisError, SQLAlchemyError, OSError) as error:
                _log.warning("programmes are held up", error=type(error).__name__)
            await pause(stop, EVERY)
    finally:
        await valkey.aclose()
        await database.dispose()


def build_worker(settings: Settings, database: Database, valkey: Valkey, clock: Clock) -> ProgrammeWorker:
    """Everything it is made of."""
    entropy = SystemEntropy()
    reminders = Reminders(
        ledger=phase_notices,
        queue=Queue(Envelope.load(settings), clock, entropy),
        page=f"{settings.idp.issuer}/account/factors",
        correlation=new_correlation_id,
        help=f"{settings.idp.issuer}/help",
    )
    return ProgrammeWorker(database, valkey, programmes, leading(settings, clock, entropy), reminders, clock)

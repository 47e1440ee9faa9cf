"""Replays: jobs that decide what was recorded again, block by block, and can be asked how far they are.

A job that was begun belongs to one process for as long as that renews its hold. One that nobody holds any more, since
its process ended, goes on from the last block that it kept, by whoever looks next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, Protocol
from uuid import UUID

import msgspec
import structlog
from sqlalchemy.exc import SQLAlchemyError

from config.clock import Clock
from config.connections import Database, Transaction
from config.pause import pause
from policy import recorded
from policy.any_version import AnyVersion
from policy.decision import Decision
from policy.recorded import Recorded, decide_again
from policy.recording.blocks import Block, body_of
from policy.replay import Findings, Tally
from policy.snapshot import Snapshot

HOLD = timedelta(seconds=30)
"""For how long a job is held without a word; a block takes a fraction of a second."""
EVERY = 0.5
"""Seconds between two looks for a job."""
KEEP_EVERY = 0.5
"""Seconds between two times at which progress is kept."""
MOST_UNFINISHED = 20
KEPT = timedelta(days=30)
"""For how long the findings of a job are kept."""

State = Literal["waiting", "running", "done", "failed"]
_log = structlog.get_logger(__name__)


class Replay(msgspec.Struct, frozen=True):
    """One job as it is kept."""

    id: UUID
    version: int
    against: int | None
    """By which version they are decided besides; None: as they were decided then."""
    since: datetime
    until: datetime
    most: int
    """So many decisions at most."""
    who: str
    why: str
    asked_at: datetime
    state: State
    of: int
    """Records there are to look at; `done` were."""
    done: int
    segment: str
    sequence: int
    findings: Findings
    held_until: datetime | None = None
    over_at: datetime | None = None
    trouble: str = ""


class Replays(Protocol):
    """Where jobs are kept; `policy.storage.replays` is it."""

    async def ask(self, tx: Transaction, job: Replay, most_unfinished: int) -> bool:
        """Keep a new job; False, and nothing is kept, where so many are unfinished."""

    async def find(self, tx: Transaction, ident: UUID) -> Replay | None:
        """One job."""

    async def claim(self, tx: Transaction, now: datetime, until: datetime) -> Replay | None:
        """Hold the oldest unfinished job that nobody holds."""

    async def keep(self, tx: Transaction, job: Replay, held_until: datetime | None) -> bool:
        """Keep how far it is, as long as it is held as the job says; False: somebody else has it."""

    async def forget(self, tx: Transaction, before: datetime) -> int:
        """Forget jobs that were over before a moment."""


class Blocks(Protocol):
    """Where recorded decisions are; `policy.storage.decisions` is it."""

    async def count(self, tx: Transaction, since: datetime, until: datetime) -> int:
        """How many records the blocks hold that have some of this time."""

    async def following(
        self, tx: Transaction, since: datetime, until: datetime, after: tuple[str, int]
    ) -> Block | None:
        """The next block of this time that has a record behind one: by segment, and there by number."""


class Replayer:
    """Works on jobs, one after another."""

    def __init__(
        self, database: Database, replays: Replays, blocks: Blocks, compiled: AnyVersion, clock: Clock
    ) -> None:
        self._database = database
        self._replays = replays
        self._blocks = blocks
        self._compiled = compiled
        self._clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`. A job that is under way then goes on with the next process."""
        while not stop.is_set():
            try:
                while not stop.is_set() and await self.work(stop):
                    pass
            except (SQLAlchemyError, OSError) as error:
                _log.warning("replay_stopped", error=type(error).__name__, detail=str(error)[:200])
            await pause(stop, EVERY)

    async def work(self, stop: asyncio.Event | None = None) -> bool:
        """Take one job as far as it goes; False: there is none."""
        now = self._clock.now()
        async with self._database.begin() as tx:
            await self._replays.forget(tx, now - KEPT)
            job = await self._replays.claim(tx, now, now + HOLD)
        if job is None:
            return False
        try:
            await self._replay(job, stop)
        except (SQLAlchemyError, OSError):
            raise  # it goes on once its hold is over
        except Exception as error:
            await self._fail(job, f"{type(error).__name__}: {error}")
        return True

    async def _fail(self, job: Replay, trouble: str) -> None:
        """It cannot be done: a version that is gone, say, or that cannot be compiled."""
        _log.error("replay_failed", replay=str(job.id), reason=trouble)
        over = msgspec.structs.replace(job, state="failed", over_at=self._clock.now(), trouble=trouble[:500])
        async with self._database.begin() as tx:
            await self._replays.keep(tx, over, None)

    async def _replay(self, job: Replay, stop: asyncio.Event | None) -> None:
        snapshot = await self._compiled.of(job.version)
        against = None if job.against is None else await self._compiled.of(job.against)
        async with self._database.connect() as tx:
            of = await self._blocks.count(tx, job.since, job.until)
        job = msgspec.structs.replace(job, of=max(job.done, min(of, job.most)))
        tally, kept_at = Tally(job.findings), self._clock.monotonic()
        while job.done < job.most and not (stop is not None and stop.is_set()):
            async with self._database.connect() as tx:
                block = await self._blocks.following(tx, job.since, job.until, (job.segment, job.sequence))
            if block is None:
                break
            decided, last = await asyncio.to_thread(_decide, block, job, snapshot, against, tally)
            job = msgspec.structs.replace(job, done=job.done + decided, segment=block.segment, sequence=last)
            if self._clock.monotonic() >= kept_at + KEEP_EVERY:
                kept_at = self._clock.monotonic()
                kept = await self._keep(job, tally)
                if kept is None:
                    return
                job = kept
        else:
            if job.done < job.most:  # asked to stop: whoever comes next goes on
                await self._keep(job, tally, let_go=True)
                return
        over = msgspec.structs.replace(job, state="done", of=job.done, over_at=self._clock.now())
        await self._keep(over, tally)

    async def _keep(self, job: Replay, tally: Tally, *, let_go: bool = False) -> Replay | None:
        """Keep how far it is; None: somebody else took it over, since this process was away for long."""
        held_until = self._clock.now() + (timedelta() if let_go else HOLD)
        job = msgspec.structs.replace(job, findings=tally.findings())
        async with self._database.begin() as tx:
            if not await self._replays.keep(tx, job, held_until if job.over_at is None else None):
                return None
        return msgspec.structs.replace(job, held_until=held_until)


def _decide(block: Block, job: Replay, snapshot: Snapshot, against: Snapshot | None, tally: Tally) -> tuple[int, int]:
    """Count a block's records that are of the time; how many there were, and the number of the last one looked at."""
    decided = 0
    last = block.last
    since, until = job.since.timestamp(), job.until.timestamp()
    for sequence, line in _numbered(block):
        if block.segment == job.segment and sequence <= job.sequence:
            continue
        if job.done + decided >= job.most:
            last = sequence - 1
            break
        try:
            one = recorded.read(body_of(line))
        except msgspec.DecodeError:
            tally.skip()
            decided += 1
            continue
        if since <= one.at < until:
            decided += 1
            _compare(one, snapshot, against, tally)
    return decided, last


def _numbered(block: Block) -> Sequence[tuple[int, bytes]]:
    return [(int(line.partition(b" ")[0]), line) for line in block.lines()]


def _compare(one: Recorded, snapshot: Snapshot, against: Snapshot | None, tally: Tally) -> None:
    would_be = decide_again(one, snapshot)
    was = as_recorded(one) if against is None else decide_again(one, against)
    if would_be is None or was is None:
        tally.skip()
    else:
        tally.add(one, was, would_be)


def as_recorded(one: Recorded) -> Decision:
    """The decision that a record tells of."""
    return Decision(
        one.effect, one.reasons, one.version, one.winner, one.risk, one.signals, one.obligations, one.step_up
    )

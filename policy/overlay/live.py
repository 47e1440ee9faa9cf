"""The overlay that a process decides by: as it was read last, swapped as a whole when what is in force changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from config.clock import Clock
from config.connections import Database, Transaction
from policy.overlay.measure import Measure
from policy.overlay.overlay import UNKNOWN, Granted, Overlay

LOOK_EVERY = 1.0
"""Seconds after which a process looks by itself, should an event have been lost, or the stream be away."""
TRY_AGAIN = 0.25
"""Seconds until the next attempt after one that failed."""

_log = structlog.get_logger(__name__)


class Store(Protocol):
    """Where elevations and measures are kept; `policy.storage.overlay` is it."""

    async def mark(self, tx: Transaction, now: datetime) -> tuple[int, ...]:
        """Another one whenever something else is in force."""

    async def granted(self, tx: Transaction, now: datetime) -> Sequence[Granted]:
        """Elevations in force."""

    async def measures(self, tx: Transaction, now: datetime) -> Sequence[Measure]:
        """Measures that stand."""


class LiveOverlay:
    """Holds `overlay`, which is replaced and never changed; until it was read for the first time it denies everything,
    and one that cannot be read anew goes on: its entries end by themselves."""

    def __init__(
        self,
        database: Database,
        store: Store,
        clock: Clock,
        *,
        operator: str,
        taken_up: Callable[[Overlay], None] = lambda overlay: None,
    ) -> None:
        """`operator`: the organisation that runs this installation; `taken_up` is called after each swap."""
        self.overlay = UNKNOWN
        self.asked = asyncio.Event()
        """Set when `refresh` is to be called at once."""
        self.taken = 0
        """How often another one was taken up."""
        self._database = database
        self._store = store
        self._clock = clock
        self._operator = operator
        self._taken_up = taken_up
        self._mark: tuple[int, ...] | None = None
        self._read_at: float | None = None
        self._trouble = ""

    def changed(self) -> None:
        """Look soon: call it for an event of topic `elevation` or `measure`, and when events may have been missed."""
        self.asked.set()

    @property
    def age(self) -> float:
        """Seconds since it was last known to be what is in force; infinite where it never was."""
        return float("inf") if self._read_at is None else max(0.0, self._clock.monotonic() - self._read_at)

    async def refresh(self) -> float:
        """Take up what is in force now. Answers the seconds until the next look; the last good one is kept where it
        cannot be read."""
        asked_at = self._clock.monotonic()
        try:
            async with self._database.connect() as tx:
                now = self._clock.now()
                mark = await self._store.mark(tx, now)
                fresh = None
                if mark != self._mark:
                    granted, measures = await self._store.granted(tx, now), await self._store.measures(tx, now)
                    fresh = Overlay(granted, measures, operator=self._operator)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            return self._keep(f"the database does not answer: {type(error).__name__}")
        except ValueError as error:
            return self._keep(str(error))
        self._trouble, self._read_at = "", asked_at
        if fresh is not None:
            # by the mark that was read before them: what changed in between is read again at the next look
            self._mark, self.overlay = mark, fresh
            self.taken += 1
            _log.info("overlay_taken_up", elevations=fresh.elevations, measures=fresh.measures)
            self._taken_up(fresh)
        return LOOK_EVERY

    def _keep(self, trouble: str) -> float:
        """Say once what stands in the way, not at every attempt."""
        if trouble != self._trouble:
            _log.error("overlay_not_taken_up", known=self.overlay.known, reason=trouble)
        self._trouble = trouble
        return TRY_AGAIN

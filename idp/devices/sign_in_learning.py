"""What is usual is learned from the history, some sign-ins at a time, in the order in which they came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from config.connections import Transaction
from idp.devices.sign_in_history import Cursor
from idp.devices.sign_in_risk import Learned, Usual
from policy.risk.sign_in.assessment import DIMENSIONS, Attempt, point
from policy.risk.sign_in.features import Seen
from policy.risk.sign_in.half_space_trees import Forest
from policy.risk.sign_in.profile import Population, Profile

HALF_LIFE: Final = timedelta(days=60)
"""After which a sign-in counts for half of a new one."""
AT_ONCE: Final = 200
SETTLED: Final = timedelta(seconds=10)
"""Younger rows are left for the next time: one that is committed late must not be passed by."""
FOREST_SEED: Final = 1
"""Where space is halved need not be a secret: who knows it still has to come as its people do."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """One sign-in that got in, and what was usual for its person until then."""

    cursor: Cursor
    seen: Seen
    usual: Usual


@dataclass(frozen=True, slots=True)
class Progress:
    """What was learned, and from which rows."""

    learned: Learned
    upto: Cursor | None
    """The last one; None: there was none yet."""


class LearningStorage(Protocol):
    """Where lessons come from, and where it is kept what was learned."""

    async def claim(self, tx: Transaction) -> Progress | None:
        """What was learned, locked until the transaction is over. None: another one learns."""

    async def lessons(self, tx: Transaction, after: Cursor | None, until: datetime, limit: int) -> Sequence[Lesson]:
        """The next ones, in order."""

    async def keep(self, tx: Transaction, progress: Progress, now: datetime) -> None:
        """What was learned now."""


def nothing_learned() -> Learned:
    """Before the first lesson."""
    return Learned(Population(), Forest.grown(DIMENSIONS, FOREST_SEED))


async def learn(tx: Transaction, storage: LearningStorage, now: datetime) -> int:
    """Learn from the next sign-ins. Returns how many there were."""
    progress = await storage.claim(tx)
    if progress is None:
        return 0
    lessons = await storage.lessons(tx, progress.upto, now - SETTLED, AT_ONCE)
    if not lessons:
        return 0
    population, forest = progress.learned.population, progress.learned.forest
    if progress.upto is not None:
        passed = lessons[-1].cursor.at - progress.upto.at
        population.fade(0.5 ** (max(timedelta(), passed) / HALF_LIFE))
    for lesson in lessons:
        profile = Profile(lesson.usual.latest)
        if profile.sign_ins:
            forest.learn(point(Attempt(lesson.seen, lesson.usual.failed), profile, population))
    population.learn(lesson.seen for lesson in lessons)
    await storage.keep(tx, Progress(Learned(population, forest), lessons[-1].cursor), now)
    return len(lessons)

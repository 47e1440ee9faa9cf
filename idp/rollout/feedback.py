"""What people say of signing in: a mark from 1 to 5, and a few words if they like, once in a while for each way in."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import NormalDist
from typing import Final, Protocol
from uuid import UUID

from config.connections import Transaction
from config.entropy import Entropy
from config.envelope import Envelope
from idp.rollout.inference import CONFIDENCE, Interval
from idp.rollout.methods import Method

EVERY: Final = timedelta(days=30)
"""Whoever said, or did not want to say, is not asked about the same way in before."""
KEPT: Final = timedelta(days=366)
WORST, BEST = 1, 5
LONGEST: Final = 500
"""Characters of a text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What somebody said of a way in. Who it was is kept to ask them no sooner, and is shown to nobody."""

    id: UUID
    organisation_id: UUID
    method: Method
    at: datetime
    score: int
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Marks:
    """How many gave which mark."""

    counts: Mapping[int, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def mean(self) -> float | None:
        """None: nobody said anything."""
        return sum(mark * count for mark, count in self.counts.items()) / self.total if self.total else None

    @property
    def interval(self) -> Interval | None:
        """Where the mean of everybody would lie; None where fewer than two said anything."""
        if self.total < 2 or self.mean is None:
            return None
        squares = sum((mark - self.mean) ** 2 * count for mark, count in self.counts.items())
        half = _Z * (squares / (self.total - 1) / self.total) ** 0.5
        return Interval(max(float(WORST), self.mean - half), min(float(BEST), self.mean + half))


class FeedbackStorage(Protocol):
    """Where it is kept."""

    async def asked_since(self, tx: Transaction, user_id: UUID, method: Method, since: datetime) -> bool:
        """Whether a person answered about a way in, or did not want to, since then."""

    async def add(
        self,
        tx: Transaction,
        *,
        ident: UUID,
        user_id: UUID,
        organisation_id: UUID,
        method: Method,
        at: datetime,
        score: int | None,
        sealed_text: bytes | None,
    ) -> None:
        """Keep an answer; no score: they did not want to say."""

    async def page(
        self, tx: Transaction, scope: Collection[UUID], *, before: tuple[datetime, UUID] | None, limit: int
    ) -> Sequence[tuple[UUID, UUID, Method, datetime, int, bytes | None]]:
        """Id, organisation, method, moment, score and sealed text, the newest first."""

    async def marks(self, tx: Transaction, scope: Collection[UUID], since: datetime) -> Mapping[Method, Marks]:
        """Which marks each way in got."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """Asks, takes and shows it. Texts lie sealed: people write names and numbers into them."""

    storage: FeedbackStorage
    envelope: Envelope
    entropy: Entropy

    async def is_due(self, tx: Transaction, user_id: UUID, method: Method, now: datetime) -> bool:
        """Whether a person is to be asked about a way in."""
        return not await self.storage.asked_since(tx, user_id, method, now - EVERY)

    async def take(
        self,
        tx: Transaction,
        user_id: UUID,
        organisation_id: UUID,
        method: Method,
        score: int | None,
        text: str,
        now: datetime,
    ) -> bool:
        """Keep an answer; `score` None: they did not want to say. False: they were not to be asked. Raises `ValueError`
        for a score that there is not."""
        if score is not None and not WORST <= score <= BEST:
            raise ValueError("no such score")
        if not await self.is_due(tx, user_id, method, now):
            return False
        ident = self.entropy.uuid()
        kept = text.replace("\0", "").strip()[:LONGEST] if score is not None else ""
        await self.storage.add(
            tx,
            ident=ident,
            user_id=user_id,
            organisation_id=organisation_id,
            method=method,
            at=now,
            score=score,
            sealed_text=self.envelope.seal(kept.encode(), _context(ident)) if kept else None,
        )
        return True

    async def page(
        self, tx: Transaction, scope: Collection[UUID], before: tuple[datetime, UUID] | None, limit: int
    ) -> Sequence[Said]:
        """What people of these organisations said, the newest first."""
        return [
            Said(
                id=ident,
                organisation_id=organisation,
                method=method,
                at=at,
                score=score,
                text=self.envelope.open(sealed, _context(ident)).decode() if sealed is not None else "",
            )
            for ident, organisation, method, at, score, sealed in await self.storage.page(
                tx, scope, before=before, limit=limit
            )
        ]


def _context(ident: UUID) -> str:
    return f"feedback:{ident}"


_Z: Final = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)

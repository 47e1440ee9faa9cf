"""How odd a sign-in is for its person, from the history of theirs and of everybody's (`policy.risk.sign_in`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol
from uuid import UUID

from prometheus_client import Histogram

from config.connections import Transaction
from config.recollection import Recollection
from config.subscriber import subscriber
from idp.devices.sign_in_history import Visit
from policy.risk.sign_in.assessment import Assessment, Attempt, assess
from policy.risk.sign_in.features import Seen, slot_of
from policy.risk.sign_in.half_space_trees import Forest
from policy.risk.sign_in.profile import Population, Profile

ENOUGH_SEEN: Final = 200
"""Sign-ins of everybody before which nobody is judged: what is frequent is not known yet."""
NOT_ODD: Final = Assessment(0, ())
RISKS = Histogram(
    "munjigi_sign_in_risk", "Risk of sign-ins, 0 to 100", buckets=(5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100)
)


@dataclass(frozen=True, slots=True)
class Usual:
    """What the history says of one person."""

    latest: Sequence[Seen]
    """Sign-ins that got in, the newest first, as many as a profile takes."""
    failed: int
    """Attempts within the last hour that failed."""


@dataclass(frozen=True, slots=True)
class Learned:
    """What was learned of all."""

    population: Population
    forest: Forest


class RiskStorage(Protocol):
    """Where the history and what was learned from it are read."""

    async def usual(self, tx: Transaction, user_id: UUID, now: datetime) -> Usual:
        """Of one person, by one statement."""

    async def learned(self, tx: Transaction) -> Learned | None:
        """The newest; None: nothing was learned yet."""


class SignInRisk:
    """Assesses sign-ins. What was learned is read once a minute."""

    def __init__(self, storage: RiskStorage, learned: Recollection[None, Learned | None]) -> None:
        self._storage = storage
        self._learned = learned

    async def of(self, tx: Transaction, user_id: UUID, visit: Visit, now: datetime) -> Assessment:
        """The risk of somebody's coming from there, and what it is made of. Nobody is odd who never came before, and
        nobody before enough was seen of everybody."""
        learned = await self._learned.of(None, lambda: self._storage.learned(tx))
        if learned is None or learned.population.sign_ins < ENOUGH_SEEN:
            return NOT_ODD
        usual = await self._storage.usual(tx, user_id, now)
        if not usual.latest:
            return NOT_ODD
        seen = seen_of(
            at=now,
            ip=visit.ip,
            network=visit.network,
            place=visit.place,
            device_id=visit.device_id,
            device_label=visit.device_label,
            browser=visit.browser,
        )
        assessed = assess(Attempt(seen, usual.failed), Profile(usual.latest), learned.population, learned.forest)
        RISKS.observe(assessed.risk)
        return assessed


def seen_of(
    *, at: datetime, ip: str, network: str, place: str, device_id: UUID | None, device_label: str, browser: str
) -> Seen:
    """A row of the history, or one that may come to stand there, as the model sees it. Hours are those of UTC: a habit
    is one in any zone."""
    return Seen(
        at=at.timestamp(),
        subscriber=subscriber(ip, ""),
        network=network,
        country=place,
        device="" if device_id is None else str(device_id),
        label=device_label,
        browser=browser,
        slot=slot_of(at, UTC),
    )

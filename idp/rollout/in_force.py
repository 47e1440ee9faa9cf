"""The phases that demand something of an organisation's people, in the memory of a node: forgotten by an event (A7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from config.clock import Clock
from config.connections import Transaction
from config.recollection import Lease, Recollection
from idp.rollout.demands import PhaseWithRule
from idp.rollout.programme import EVENT_TOPIC, Reached


class PhasesInForce:
    """By organisation. Most have none, and their people's logins cost nothing more."""

    def __init__(self, storage: Reached, clock: Clock, lease: Lease) -> None:
        self._storage = storage
        self._known: Recollection[UUID, Sequence[PhaseWithRule]] = Recollection(clock, lease=lease)
        self._closing: Recollection[None, frozenset[UUID]] = Recollection(clock, lease=lease)

    async def of(self, tx: Transaction, organisation_id: UUID) -> Sequence[PhaseWithRule]:
        """Those of one organisation, in order."""
        return await self._known.of(organisation_id, lambda: self._storage.in_force(tx, organisation_id))

    async def closing(self, tx: Transaction) -> frozenset[UUID]:
        """The organisations that have closed passwords: where there are none, no password asks whose it is."""
        return await self._closing.of(None, lambda: self._storage.closing(tx))

    def on_event(self, topic: str, payload: Mapping[str, object]) -> None:
        """Forget what changed."""
        if topic == EVENT_TOPIC:
            self.on_reset()

    def on_reset(self) -> None:
        """Something changed, or events may have been lost: forget all. It is little, and changes seldom."""
        self._known.forget_all()
        self._closing.forget_all()

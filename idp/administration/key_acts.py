"""What the operator's administrators do to the keys of tokens: the acts of `munjigi keys`, each in one transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from config.clock import Clock
from config.connections import Database, Transaction, Valkey
from config.problem import Problem
from events import outbox
from idp.administration import problems
from idp.administration.key_documents import KeyChange, KeyEntry, KeyList, KeysChanged, RotationRequest
from idp.administration.scope import Administrator
from jose.key_keeper import Change, KeyKeeper, Order, RotatingKeys
from jose.rotation import KeyRecord, StillSigns

Turn = Callable[[Transaction, Order, datetime], Awaitable[Sequence[Change]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyActs:
    """Lists keys, and moves them."""

    database: Database
    valkey: Valkey
    clock: Clock
    keys: RotatingKeys
    keeper: KeyKeeper
    operator: UUID
    """The organisation that runs the house."""

    async def list(self, who: Administrator) -> KeyList:
        """Every key that is not gone."""
        self._refuse_others(who)
        async with self.database.connect() as tx:
            found = await self.keys.records(tx, self.keeper.purpose)
        return KeyList(tuple(_entry(key) for key in found if key.state != "retired"))

    async def prepare(self, who: Administrator, why: str) -> KeysChanged:
        """Publish the next keys before they are due."""
        return await self._change(who, why, self.keeper.prepare)

    async def rotate(self, who: Administrator, asked: RotationRequest) -> KeysChanged:
        """Let the next keys sign as soon as everybody knows them; or new ones at once, and believe no other."""
        return await self._change(who, asked.why, self.keeper.replace if asked.at_once else self.keeper.rotate)

    async def retire(self, who: Administrator, kid: str, why: str) -> KeysChanged:
        """Believe one that does not sign no more."""

        async def turn(tx: Transaction, order: Order, now: datetime) -> Sequence[Change]:
            changes = await self.keeper.retire(tx, order, kid, now)
            if not changes:
                raise Problem(problems.NOT_FOUND)
            return changes

        try:
            return await self._change(who, why, turn)
        except StillSigns:
            raise Problem(problems.KEY_SIGNS) from None

    async def _change(self, who: Administrator, why: str, turn: Turn) -> KeysChanged:
        self._refuse_others(who)
        order = Order(who=str(who.user_id), why=why, correlation_id=who.correlation_id)
        async with self.database.begin() as tx:
            changes = await turn(tx, order, self.clock.now())
        await outbox.poke(self.valkey)
        return KeysChanged(tuple(KeyChange(one.kid, one.algorithm, one.state, one.until) for one in changes))

    def _refuse_others(self, who: Administrator) -> None:
        if self.operator not in who.organisations:
            raise Problem(problems.NOT_FOUND)


def _entry(key: KeyRecord) -> KeyEntry:
    return KeyEntry(**{name: getattr(key, name) for name in KeyEntry.__struct_fields__})

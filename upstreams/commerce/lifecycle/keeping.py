"""Leads products through their lives: load, decide, save, each in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import structlog

from config.clock import Clock
from config.connections import Database, Transaction
from config.entropy import Entropy
from config.problem import Problem
from upstreams.commerce.catalogue.editing import CHANGED_MEANWHILE, NO_SUCH_PRODUCT, EditedProduct
from upstreams.commerce.catalogue.options import Options
from upstreams.commerce.lifecycle.states import Life, Lives, State, enter, plan_launch
from upstreams.commerce.lifecycle.versions import VERSION_TAKEN, Version, Versions, higher

AT_ONCE = 50
"""Launches that are looked at in one round."""
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The life of products over these stores."""

    lives: Lives
    versions: Versions
    options: Options
    clock: Clock
    entropy: Entropy

    async def move(self, tx: Transaction, product: UUID, to_state: str, notes: str, actor: UUID | None) -> Life:
        """Take a product to another state; making it ready releases its newest version.

        Raises the problems of `enter`, and `NO_SUCH_PRODUCT`.
        """
        life = await self._locked(tx, product)
        states = {state.code: state for state in await self.lives.states(tx)}
        there = states.get(to_state)
        if there is None:
            there = State(to_state, {}, {}, sellable=False, position=0, on_entry="nothing", shipped=False)
        now = self.clock.now()
        versions = await self.versions.all(tx, product)
        offered = await self.lives.offered(tx, product) if there.sellable else False
        after = enter(life, there, states[life.state], now, version=bool(versions), offered=offered)
        if there.on_entry == "version" and versions[0].released_at is None:
            await self.versions.release(tx, versions[0].id, now)
            notes = f"{notes}\n{versions[0].number}".strip()
        if not await self.lives.move(tx, life, after, notes, actor, now):
            raise Problem(CHANGED_MEANWHILE)
        return replace(after, version=life.version + 1)

    async def plan(
        self, tx: Transaction, product: UUID, planned: datetime | None, due: datetime | None, actor: UUID
    ) -> Life:
        """Plan a launch, and let a worker do it at a moment that is `due`. Raises `NOT_A_DATE`, `NO_SUCH_PRODUCT`."""
        life = await self._locked(tx, product)
        here = next(state for state in await self.lives.states(tx) if state.code == life.state)
        now = self.clock.now()
        after = plan_launch(life, here, planned, due, now)
        if not await self.lives.plan(tx, life, after):
            raise Problem(CHANGED_MEANWHILE)
        said = ", ".join(
            f"{name} {moment.isoformat() if moment else '-'}" for name, moment in (("planned", planned), ("due", due))
        )
        await self.lives.note(tx, life, said, actor, now)
        return replace(after, version=life.version + 1)

    async def note(self, tx: Transaction, product: UUID, notes: str, actor: UUID) -> None:
        """Write something down, at whatever time of the life, its end included."""
        life = await self._locked(tx, product)
        await self.lives.note(tx, life, notes, actor, self.clock.now())

    async def record(
        self, tx: Transaction, product: EditedProduct, number: str, description: str, actor: UUID
    ) -> Version:
        """Record a version of a locked product as it is. Raises `VERSION_TAKEN` for a number that is not above all."""
        snapshot = await self.snapshot(tx, product)
        if not higher(number, await self.versions.all(tx, product.id)):
            raise Problem(VERSION_TAKEN)
        version = Version(self.entropy.uuid(), number, description, snapshot, self.clock.now(), actor, released_at=None)
        if not await self.versions.record(tx, product.id, version):
            raise Problem(VERSION_TAKEN)
        return version

    async def snapshot(self, tx: Transaction, product: EditedProduct) -> Mapping[str, Any]:
        """What a version keeps."""
        return msgspec.to_builtins(  # type: ignore[no-any-return]
            {
                "code": product.code,
                "type": product.type,
                "name": product.name,
                "description": product.description,
                "category": product.category,
                "currency": product.currency,
                "base_price": product.base_price,
                "attributes": product.attributes,
                "options": await self.options.categories(tx, product.id),
                "skus": [
                    {"code": one.sku, "option_key": one.option_key, "price": one.price, "active": one.active}
                    for one in await self.options.variants(tx, product.id)
                ],
            }
        )

    async def launch_due(self, database: Database) -> Sequence[UUID]:
        """Launch what is due, each by itself: one that cannot be says so in its events, and is not tried again.

        Answers those that were launched.
        """
        launched = []
        async with database.begin() as tx:
            states = {state.code: state for state in await self.lives.states(tx)}
            selling = sorted((one.position, one.code) for one in states.values() if one.on_entry == "launch")
            for product in await self.lives.due(tx, self.clock.now(), limit=AT_ONCE):
                life = await self._locked(tx, product)
                ways = [code for _, code in selling if code in states[life.state].follows]
                try:
                    async with tx.begin_nested():
                        await self.move(tx, product, ways[0] if ways else selling[0][1], "scheduled", None)
                    launched.append(product)
                except Problem as problem:
                    now = self.clock.now()
                    await self.lives.plan(tx, life, replace(life, launch_due_at=None))
                    await self.lives.note(tx, life, f"not launched: {problem.kind.code}", None, now)
                    _log.warning("not_launched", product=str(product), code=problem.kind.code)
        return launched

    async def _locked(self, tx: Transaction, product: UUID) -> Life:
        life = await self.lives.find(tx, product, lock=True)
        if life is None:
            raise Problem(NO_SUCH_PRODUCT)
        return life

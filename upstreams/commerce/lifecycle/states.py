"""States of a product as rows: which follow which, and what entering one demands and does.

The rules of dates stand in a state's row (`on_entry`), so that a state which an administrator adds obeys them too:
planning begins a life, a state of `version` records the version that is released, `launch` sets the day of the launch
the first time, `end` the day of the end.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from typing import Literal, Protocol
from uuid import UUID

from config.connections import Transaction
from config.problem import Problem, ProblemType
from upstreams.commerce.catalogue.offers import Texts

FIRST = "planning"
"""Where every life begins."""
OnEntry = Literal["nothing", "version", "launch", "end"]

NOT_FROM_HERE = ProblemType(
    "MJ-COM-108",
    HTTPStatus.CONFLICT,
    "The product cannot go there from where it is",
    "Take one of the states that follow the present one.",
)
NO_VERSION = ProblemType(
    "MJ-COM-109",
    HTTPStatus.CONFLICT,
    "There is no version that could be released",
    "Record a version of the product first, then make it ready.",
)
NOTHING_TO_SELL = ProblemType(
    "MJ-COM-110",
    HTTPStatus.CONFLICT,
    "Nobody offers this product yet",
    "Make an SKU that is on sale and an offer of it, then launch.",
)
STATE_IN_USE = ProblemType(
    "MJ-COM-111",
    HTTPStatus.CONFLICT,
    "The state cannot be changed in this way",
    "States that ship stay, and a state that a product is or was in stays.",
)
NOT_A_DATE = ProblemType(
    "MJ-COM-112",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "The launch cannot be at that moment",
    "Name a moment that is still to come, for a product that is not on sale and has not ended.",
)


@dataclass(frozen=True, slots=True)
class State:
    """One state, and those that follow it."""

    code: str
    name: Texts
    description: Texts
    sellable: bool
    position: int
    on_entry: OnEntry
    shipped: bool
    """Whether it came with the product, so that nobody removes it."""
    follows: Sequence[str] = ()
    """The states that can be gone to from here."""


@dataclass(frozen=True, slots=True)
class Life:
    """Where a product is in its life."""

    product: UUID
    state: str
    version: int
    """Of the row: what a change names that it is a change of."""
    created_at: datetime
    planned_launch_at: datetime | None
    launch_due_at: datetime | None
    launched_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in a life; with both states alike it is a note, which may be written at any time."""

    id: int
    from_state: str | None
    to_state: str
    notes: str
    actor: UUID | None
    at: datetime


def enter(life: Life, there: State, here: State, now: datetime, *, version: bool, offered: bool) -> Life:
    """The life after a transition. `version`: one waits to be released, or was; `offered`: somebody sells it.

    Raises the problems `NOT_FROM_HERE`, `NO_VERSION` and `NOTHING_TO_SELL`.
    """
    if there.code not in here.follows:
        raise Problem(NOT_FROM_HERE, f"From {here.code} it goes to {', '.join(sorted(here.follows)) or 'nowhere'}.")
    if there.on_entry == "version" and not version:
        raise Problem(NO_VERSION)
    if there.sellable and not offered:
        raise Problem(NOTHING_TO_SELL)
    changed = replace(life, state=there.code, launch_due_at=None if there.sellable else life.launch_due_at)
    if there.on_entry == "launch" and life.launched_at is None:
        changed = replace(changed, launched_at=now)
    if there.on_entry == "end":
        # never before its launch, whatever a clock says
        changed = replace(changed, ended_at=max(now, life.launched_at or now), launch_due_at=None)
    return changed


def plan_launch(life: Life, here: State, planned: datetime | None, due: datetime | None, now: datetime) -> Life:
    """The life with another plan. `due`: when a worker launches it. Raises `NOT_A_DATE`.

    What a delay is counted from stays once the product is launched: it would say that nothing was late.
    """
    if life.ended_at is not None or here.on_entry == "end":
        raise Problem(NOT_A_DATE)
    if due is not None and (due <= now or here.sellable):
        raise Problem(NOT_A_DATE)
    if life.launched_at is not None and planned != life.planned_launch_at:
        raise Problem(NOT_A_DATE)
    return replace(life, planned_launch_at=planned, launch_due_at=due)


def check(state: State, follows_on: Collection[str], states: Collection[State]) -> None:
    """Whether a state may be put beside those that there are, `follows_on` some of them. Raises `ValueError`, and
    `STATE_IN_USE` where states that ship would be others."""
    if unknown := {*state.follows, *follows_on} - {one.code for one in states}:
        raise ValueError(f"there is no state {', '.join(sorted(unknown - {state.code}) or [state.code])} to follow")
    if state.code in {*state.follows, *follows_on}:
        raise ValueError("a state does not follow itself")
    if any(one.position == state.position and one.code != state.code for one in states):
        raise ValueError(f"another state stands at {state.position}")
    if state.on_entry == "end" and state.sellable:
        raise ValueError("what has ended is not sold")
    before = next((one for one in states if one.code == state.code), None)
    if before is None or not before.shipped:
        return
    shipped = {one.code for one in states if one.shipped}
    led_here = {one.code for one in states if one.shipped and state.code in one.follows}
    if (
        (before.sellable, before.on_entry) != (state.sellable, state.on_entry)
        or set(before.follows) & shipped != set(state.follows) & shipped
        or led_here != set(follows_on) & shipped
    ):
        raise Problem(STATE_IN_USE, "States that ship keep what they do, and the ways between them.")


class Lives(Protocol):
    """States, and the lives of products."""

    async def states(self, tx: Transaction, *, lock: bool = False) -> Sequence[State]:
        """Every state, in its place; locked, nobody else changes them meanwhile."""

    async def put_state(self, tx: Transaction, state: State, before: Collection[str]) -> None:
        """Make a state or change one; `before`: states from which it can be gone to."""

    async def remove_state(self, tx: Transaction, code: str) -> bool:
        """Remove a state that did not ship, and in which no product is or was; False for any other."""

    async def find(self, tx: Transaction, product: UUID, *, lock: bool = False) -> Life | None:
        """One life; locked, until the transaction ends."""

    async def move(
        self, tx: Transaction, before: Life, after: Life, notes: str, actor: UUID | None, now: datetime
    ) -> bool:
        """Write a transition with its event, unless the product was changed meanwhile: False then."""

    async def plan(self, tx: Transaction, before: Life, after: Life) -> bool:
        """Write another plan, unless the product was changed meanwhile: False then."""

    async def note(self, tx: Transaction, life: Life, notes: str, actor: UUID | None, now: datetime) -> None:
        """Write an event that changes nothing."""

    async def events(self, tx: Transaction, product: UUID, *, after: int = 0, limit: int = 200) -> Sequence[Event]:
        """What happened, the first first."""

    async def offered(self, tx: Transaction, product: UUID) -> bool:
        """Whether an active seller offers an active SKU of it."""

    async def due(self, tx: Transaction, now: datetime, *, limit: int) -> Sequence[UUID]:
        """Products whose launch is due, locked; what somebody else has locked is theirs to launch."""

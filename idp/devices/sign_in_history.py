"""The sign-ins of a person as they see them: what came of each, from which browser and place.

A row is written in the transaction of what it tells of. It is for the person; the record that cannot be changed is the
audit's trail.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol, get_args
from uuid import UUID

from config.clock import Clock
from config.connections import Transaction
from config.entropy import Entropy

Outcome = Literal["signed_in", "taken_over", "failed", "kept", "abandoned", "refused"]
"""`signed_in`: a session began. `taken_over`: it began and ended the one that lived. `failed`: a password, a code or a
passkey that was wrong. The others faced a live session and changed nothing: the person `kept` it, went away
(`abandoned`), or was `refused`."""
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
GOT_IN: frozenset[Outcome] = frozenset({"signed_in", "taken_over"})
KEPT_FOR = timedelta(days=180)
"""How long a row is kept."""


class Visit(Protocol):
    """The browser and the place at the other end; `idp.sessions` has it as `Visitor`."""

    @property
    def device_id(self) -> UUID | None: ...
    @property
    def device_label(self) -> str: ...
    @property
    def browser(self) -> str: ...
    @property
    def ip(self) -> str: ...
    @property
    def place(self) -> str: ...
    @property
    def network(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """One attempt of a person to sign in."""

    id: UUID
    user_id: UUID
    at: datetime
    outcome: Outcome
    amr: tuple[str, ...]
    """What was proven, or, of a failure, what was tried (RFC 8176)."""
    device_id: UUID | None
    device_label: str
    browser: str
    place: str
    network: str
    ip: str
    client_id: str
    sid: str | None
    """The session that began."""
    seconds: float | None = None
    """How long it took until it began, from the first page on; None: none began, or nobody saw a page."""
    risk: int | None = None
    """How odd it was for its person, 0 to 100 (`policy.risk.sign_in`); None: nobody asked."""
    risk_of: tuple[str, ...] = ()
    """What that is made of, the largest share first: `place 41`."""


@dataclass(frozen=True, slots=True)
class Told:
    """A sign-in with what became of its session."""

    sign_in: SignIn
    ended_at: datetime | None
    end_reason: str | None


@dataclass(frozen=True, slots=True)
class Visited:
    """What came from one place."""

    place: str
    sign_ins: int
    """How many got in."""
    attempts: int
    """How many did not."""
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page of the history ended: the next one begins below it."""

    at: datetime
    id: UUID


class SignInStorage(Protocol):
    """What a storage of sign-ins must do."""

    async def add(self, tx: Transaction, sign_in: SignIn) -> None:
        """Keep one, if there is such a person."""

    async def page(
        self, tx: Transaction, user_id: UUID, *, outcomes: Collection[Outcome], before: Cursor | None, limit: int
    ) -> list[Told]:
        """The latest sign-ins of a person below a cursor, with any of these outcomes (none named: all)."""

    async def find(self, tx: Transaction, user_id: UUID, ident: UUID) -> Told | None:
        """One sign-in of this person."""

    async def places(self, tx: Transaction, user_id: UUID, since: datetime) -> list[Visited]:
        """The places since a moment, the most frequent first."""

    async def last_places(self, tx: Transaction, user_id: UUID) -> dict[UUID, str]:
        """Where each device of the person got in from last."""


@dataclass(frozen=True, slots=True)
class CameFrom:
    """A `Visit` of somebody who has left: what their login kept of them."""

    device_id: UUID | None
    device_label: str
    browser: str
    ip: str
    place: str
    network: str

    @classmethod
    def read(cls, kept: Mapping[str, str]) -> CameFrom | None:
        """From what a login keeps (`Login.came_from`); None where it keeps nothing."""
        if not kept.get("ip"):
            return None
        device = kept.get("device_id")
        return cls(
            UUID(device) if device else None,
            *(kept.get(name, "") for name in ("device", "browser", "ip", "place", "network")),
        )


class SignInHistory:
    """Writes the history: `note` in the transaction of what happened."""

    def __init__(self, storage: SignInStorage, clock: Clock, entropy: Entropy) -> None:
        self._storage = storage
        self._clock = clock
        self._entropy = entropy

    async def note_left(
        self,
        tx: Transaction,
        user_id: UUID,
        outcome: Outcome,
        came_from: Mapping[str, str],
        *,
        amr: Collection[str],
        client_id: str,
    ) -> None:
        """`note` for somebody who has left: `came_from` is what their login kept of them, if anything."""
        visit = CameFrom.read(came_from)
        if visit is not None:
            await self.note(tx, user_id, outcome, visit, amr=amr, client_id=client_id)

    async def note(
        self,
        tx: Transaction,
        user_id: UUID,
        outcome: Outcome,
        visit: Visit,
        *,
        amr: Collection[str],
        client_id: str = "",
        sid: str | None = None,
        seconds: float | None = None,
        risk: int | None = None,
        risk_of: Collection[str] = (),
    ) -> None:
        """Keep what came of an attempt of this person; of nobody's nothing is kept, in the same time."""
        await self._storage.add(
            tx,
            SignIn(
                id=self._entropy.uuid(),
                user_id=user_id,
                at=self._clock.now(),
                outcome=outcome,
                amr=tuple(amr),
                device_id=visit.device_id,
                device_label=visit.device_label,
                browser=visit.browser,
                place=visit.place,
                network=visit.network,
                ip=visit.ip,
                client_id=client_id,
                sid=sid,
                seconds=seconds,
                risk=risk,
                risk_of=tuple(risk_of),
            ),
        )

"""The way back in for somebody who lost every factor: they wait, and meanwhile their person can stop it.

Whoever reads a mailbox is not its person by that alone. So the link of that mailbox begins a time in which everybody is
told who could say "this wasn't me": every address, the open page of the live session, the account. Only when it passed
in silence, and nobody showed one of the factors meanwhile, a link is mailed that lets them begin anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol
from urllib.parse import urlencode
from uuid import UUID

from config.connections import Transaction

STOP_PATH = "/recover/stop"
TOKEN_SIZE = 32
"""Random bytes of the link that stops it."""
OPEN_FOR = timedelta(hours=24)
"""So long after the waiting the link can be used."""
KEPT = timedelta(days=90)
"""For how long it is remembered what came of it."""

Ending = Literal["used", "stopped", "lapsed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRecovery:
    """One recovery that waits, or whose waiting is over and whose link was not used yet."""

    id: UUID
    user_id: UUID
    client_id: str | None
    """Where the person wanted to go."""
    sent_to: str
    """The address whose link began it."""
    asked_from: Mapping[str, str]
    """`device`, `browser`, `place` of whoever asked."""
    correlation_id: str
    asked_at: datetime
    ready_at: datetime
    expires_at: datetime
    ready: bool = False
    """The waiting is over."""


@dataclass(frozen=True, slots=True)
class Due:
    """One whose waiting is over, and why it is to come to nothing all the same; empty: it is not."""

    recovery: WaitingRecovery
    against: str


class WaitingRecoveries(Protocol):
    """Where they are kept."""

    async def wait_of(self, tx: Transaction, user_id: UUID) -> int | None:
        """Hours that the organisations of a person want waited, the longest; 0: one lets nobody; None: none says."""

    async def add(self, tx: Transaction, one: WaitingRecovery, stop_hash: bytes) -> bool:
        """Keep one that begins. False: the person has one that is not over."""

    async def open_of(self, tx: Transaction, user_id: UUID) -> WaitingRecovery | None:
        """The person's, if it is not over."""

    async def by_stop(self, tx: Transaction, stop_hash: bytes) -> WaitingRecovery | None:
        """The one that a link stops, if it is not over."""

    async def end(self, tx: Transaction, user_id: UUID, how: Ending, now: datetime) -> bool:
        """The person's is over. False: they have none."""


class DueRecoveries(Protocol):
    """Where those are taken up whose time has come; for the worker."""

    async def take_due(self, tx: Transaction, now: datetime, limit: int) -> Sequence[Due]:
        """Some whose waiting is over, each once: they are ready, or stopped where something is against them."""

    async def lapse(self, tx: Transaction, now: datetime, limit: int) -> int:
        """End those whose link nobody used in time. Returns how many."""


def stop_hash(token: str) -> bytes:
    """What is kept of the link that stops one."""
    return hashlib.sha256(b"munjigi-stop-recovery\0" + token.encode("utf-8", "surrogatepass")).digest()


def stop_address(issuer: str, token: str) -> str:
    """That link. It leads to a page whose form does it, so that a scanner of mails stops nothing."""
    return f"{issuer}{STOP_PATH}?{urlencode({'token': token})}"

"""What waits for a person's word on another screen: a device (RFC 8628), or a client behind the person's back (CIBA).

A client holds a secret and asks again and again; a person allows or refuses in their own live session, which the tokens
then belong to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol
from uuid import UUID

from config.connections import Transaction
from events import outbox

CODE_SIZE: Final = 32
"""Random bytes of what the client holds."""
INTERVAL: Final = timedelta(seconds=5)
"""Between two questions of a client (RFC 8628, section 3.2)."""
SLOWER: Final = timedelta(seconds=5)
"""What `slow_down` adds to it for good (RFC 8628, section 3.5)."""

PendingKind = Literal["device", "backchannel"]
State = Literal["pending", "approved", "refused", "expired"]
Poll = Literal["approved", "refused", "expired", "slow_down", "pending"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingGrant:
    """One request that waits, or that a person has answered."""

    code_hash: bytes
    client_id: str
    scope: tuple[str, ...]
    user_code_hash: bytes | None = None
    """Of what the person of a device types."""
    user_id: UUID | None
    """Who answered."""
    came_from: Mapping[str, str]
    """Where the request came from: `device`, `browser`, `place`, `ip`."""
    created_at: datetime
    expires_at: datetime
    interval: timedelta
    polled_at: datetime | None = None
    state: State = "pending"
    sid: str | None = None
    """The session of whoever allowed it."""
    kind: PendingKind = "device"
    request_id: UUID | None = None
    """By what name the pages know one that was made behind a person's back: no secret, and nothing a client learns."""
    asked_of: UUID | None = None
    """The one person who may answer such a request; None: its hint named nobody, and nobody ever will."""
    binding_message: str = ""
    acr_values: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    tell_as: str | None = None
    """The correlation id of the mail that is still to go to whoever is asked (`idp.grants.asking`)."""

    def poll(self, now: datetime) -> Poll:
        """What a client that asks now is told; one whose word is there need not wait any longer."""
        if now >= self.expires_at:
            return "expired"
        if self.state != "pending":
            return self.state
        if self.polled_at is not None and now < self.polled_at + self.interval:
            return "slow_down"
        return "pending"

    def polled(self, now: datetime) -> PendingGrant:
        """This request after a client asked in vain: whoever asks too often must ask less often from then on."""
        hasty = self.poll(now) == "slow_down"
        return replace(self, polled_at=now, interval=self.interval + (SLOWER if hasty else timedelta()))

    def waits(self, now: datetime) -> bool:
        """Whether a person may still answer it."""
        return self.state == "pending" and now < self.expires_at

    def event(self) -> dict[str, object]:
        """The payload of the event `request` (docs/house.md): that something came of it, and whose pages show it."""
        return {"request_id": str(self.request_id), "sub": str(self.asked_of or ""), "state": self.state}

    def answered(self, user_id: UUID, sid: str, *, allowed: bool) -> PendingGrant:
        """This request after its person's word.

        Raises `ValueError` where there is one, since nobody takes a word back, and where it is somebody else's to give.
        """
        if self.state != "pending":
            raise ValueError("it is answered already")
        if self.kind == "backchannel" and self.asked_of != user_id:
            raise ValueError("somebody else was asked")
        return replace(self, user_id=user_id, state="approved" if allowed else "refused", sid=sid if allowed else None)


async def tell(tx: Transaction, pending: PendingGrant) -> None:
    """Tell the open pages of whoever is asked how a request stands now. The caller pokes the outbox afterwards."""
    await outbox.append(tx, "request", str(pending.request_id), pending.event())


def code_hash(code: str) -> bytes:
    """What is kept of a code."""
    return hashlib.sha256(code.encode()).digest()


class AskedRequests(Protocol):
    """Where the requests are kept that were made behind people's backs, as their pages see them."""

    async def waiting_for(self, tx: Transaction, user_id: UUID, now: datetime) -> list[PendingGrant]:
        """Those that a person may answer, the oldest first."""

    async def claim_asked(self, tx: Transaction, user_id: UUID, request_id: UUID) -> PendingGrant | None:
        """One that was asked of this person, locked."""

    async def save(self, tx: Transaction, pending: PendingGrant) -> None:
        """Keep what changed in a claimed one."""


class PendingGrants(Protocol):
    """Where they are kept."""

    async def add(self, tx: Transaction, pending: PendingGrant) -> None:
        """Keep a new one."""

    async def claim(self, tx: Transaction, digest: bytes) -> PendingGrant | None:
        """The one of a client's code, locked: of two that claim it, the second sees what the first made of it."""

    async def claim_by_user_code(self, tx: Transaction, digest: bytes) -> PendingGrant | None:
        """The one of what a person types, locked."""

    async def by_user_code(self, tx: Transaction, digest: bytes) -> PendingGrant | None:
        """The same, to look at."""

    async def save(self, tx: Transaction, pending: PendingGrant) -> None:
        """Keep what changed in a claimed one."""

    async def redeemed(self, tx: Transaction, digest: bytes) -> None:
        """A claimed one has led to tokens: it is gone, and nothing comes of it a second time."""

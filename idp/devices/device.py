"""A device of a person as a value, and how its trust rises."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from config.connections import Transaction

Trust = Literal["unknown", "known", "registered", "attested"]
KNOWN_AFTER = 2
"""Sign-ins with one person after which a device is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One browser with one person; another person in the same browser is another device."""

    id: UUID
    user_id: UUID
    trust: Trust
    label: str
    sign_ins: int
    first_seen_at: datetime
    last_seen_at: datetime

    def signed_in(self, label: str, now: datetime) -> Device:
        """This device after its person got a session on it."""
        count = self.sign_ins + 1
        trust: Trust = "known" if self.trust == "unknown" and count >= KNOWN_AFTER else self.trust
        return replace(self, trust=trust, label=label, sign_ins=count, last_seen_at=now)


class DeviceStorage(Protocol):
    """What a storage of devices must do."""

    async def find(self, tx: Transaction, user_id: UUID, cookie_hash: bytes) -> Device | None:
        """The device of a cookie with this person."""

    async def meet(self, tx: Transaction, device: Device, cookie_hash: bytes) -> Device:
        """Keep a device that was not met before, or find it, if another transaction was first; locked."""

    async def change(self, tx: Transaction, device: Device) -> None:
        """Keep what changed in a device that was met in this transaction."""

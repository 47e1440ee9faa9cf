"""A device of a person as a value, and how its trust rises."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal, Protocol
from uuid import UUID

from config.connections import Transaction

Trust = Literal["unknown", "known", "registered", "attested"]
COMPLIANT: Final[frozenset[Trust]] = frozenset({"known", "registered", "attested"})
"""What of it the house tells others as "compliant": a device that it recognises as its person's own. Nothing was
measured on the device itself."""
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
    name: str | None = None
    """What its person calls it."""

    @property
    def called(self) -> str:
        """How lists call it: by the person's name for it, or by what the browser says of itself."""
        return self.name or self.label

    @property
    def complies(self) -> bool:
        """Whether others are told that this device is compliant."""
        return self.trust in COMPLIANT

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


class OwnDevices(Protocol):
    """What a storage does for the person whose devices they are."""

    async def of(self, tx: Transaction, user_id: UUID) -> list[Device]:
        """The person's devices, the one last seen first."""

    async def owned(self, tx: Transaction, user_id: UUID, device_id: UUID) -> Device | None:
        """One device, if it is this person's."""

    async def rename(self, tx: Transaction, user_id: UUID, device_id: UUID, name: str | None) -> bool:
        """Call a device of this person something else; `None`: as the browser says. False where they have none such."""

    async def remove(self, tx: Transaction, user_id: UUID, device_id: UUID) -> bool:
        """Forget a device of this person: its cookie is a stranger's, and its browser is not remembered."""

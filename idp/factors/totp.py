"""Time-based one-time passwords (RFC 6238): six digits, 30 seconds, SHA-1, as every authenticator app has them."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

import pyotp

from config.connections import Transaction

DIGITS = 6
PERIOD = 30
"""Seconds of one step."""
DRIFT = 1
"""Steps that an app's clock may be early or late (RFC 6238, section 5.2)."""
MOST = 5
"""Apps that one person may have: each of them makes a guess more likely to be right."""
AMR = ("otp",)
_CODE = re.compile(r"[0-9]{6}")
_BLANKS = re.compile(r"[\s-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticator:
    """One authenticator app of a person."""

    id: UUID
    user_id: UUID
    label: str
    sealed_secret: bytes = field(repr=False)
    last_accepted_step: int
    """No code of this step, or of an earlier one, is accepted again (RFC 6238, section 5.2)."""
    created_at: datetime
    confirmed_at: datetime | None
    """`None`: enrolment has begun, but no code of it was seen."""

    @property
    def last_used_at(self) -> datetime | None:
        """The beginning of the step whose code was taken last; the first one confirmed it."""
        return datetime.fromtimestamp(self.last_accepted_step * PERIOD, UTC) if self.last_accepted_step else None


class TotpStorage(Protocol):
    """What a storage of authenticator apps must do."""

    async def authenticators(self, tx: Transaction, user_id: UUID) -> list[Authenticator]:
        """The person's confirmed apps, the oldest first."""

    async def pending(self, tx: Transaction, user_id: UUID) -> Authenticator | None:
        """The app whose enrolment the person has begun."""

    async def begin_enrolment(self, tx: Transaction, authenticator: Authenticator) -> None:
        """Keep a new app, unconfirmed, in place of an earlier unconfirmed one."""

    async def accept_step(self, tx: Transaction, authenticator_id: UUID, step: int) -> bool:
        """Consume a step. False where it, or a later one, was consumed: of many at once exactly one gets True."""

    async def confirm(self, tx: Transaction, authenticator_id: UUID, now: datetime, label: str = "") -> None:
        """The person has shown a code of this app: it counts from now on, under the name that they gave it, if any."""

    async def rename(self, tx: Transaction, user_id: UUID, authenticator_id: UUID, label: str) -> bool:
        """Call one of the person's apps otherwise. False where there is none."""

    async def remove(self, tx: Transaction, user_id: UUID, authenticator_id: UUID) -> bool:
        """Forget one of the person's apps. False where there is none."""


def context(authenticator_id: UUID) -> str:
    """Where a sealed secret belongs (`config.envelope`)."""
    return f"idp.totp:{authenticator_id}"


def matching_step(secret: str, code: str, *, last_accepted_step: int, now: float) -> int | None:
    """The step whose code this is, if it is near `now` (epoch seconds) and later than the last accepted one.

    `secret` is base32. Every step in reach is compared, in constant time each.
    """
    given = _BLANKS.sub("", code)
    if not _CODE.fullmatch(given) or not given.isascii():
        return None
    totp = pyotp.TOTP(secret, digits=DIGITS, interval=PERIOD)
    current = int(now) // PERIOD
    found = None
    for step in range(current - DRIFT, current + DRIFT + 1):
        fits = hmac.compare_digest(totp.generate_otp(step), given)
        if fits and step > last_accepted_step:
            found = step
    return found


def provisioning_uri(secret: str, *, login_name: str, issuer: str) -> str:
    """What an app reads from the QR code (the Key URI format)."""
    return pyotp.TOTP(secret, digits=DIGITS, interval=PERIOD).provisioning_uri(name=login_name, issuer_name=issuer)

"""Remembered browsers: a quick way back to the sign-in of the same person, never a way around it.

A browser that its person wanted to be remembered keeps a series and a secret. With them the sign-in page shows whose
turn it is, and asks for one proof: a passkey, or the password. They prove nothing by themselves. A one-time code alone
is not taken: it would be the only factor now, and the second one again at a takeover (S2).

The secret is new after each quick sign-in. One that was used before and comes again was copied: the series and all
remembered browsers of that person fall. An answer may be lost, and the new secret with it: the former one is believed
until the new one was seen. A request that the browser sent twice at once is told from a copy by its moment.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal, Protocol
from uuid import UUID

from config.connections import Transaction

SLIDING = timedelta(days=30)
"""How long a browser is remembered that does not come back."""
ABSOLUTE = timedelta(days=90)
"""How long at most, from when its person signed in in full and wanted it."""
DOUBLED = timedelta(seconds=10)
"""How long after a rotation the former secret is taken for the same request sent twice."""
SECRET_SIZE = 32
"""Random bytes."""

Verdict = Literal["good", "doubled", "late", "stolen"]
"""`late`: the former secret, whose successor never came back; the browser did not get it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """One browser that is remembered for one person."""

    series: UUID
    user_id: UUID
    device_id: UUID
    """The device of this person whose cookie must come with it."""
    secret_hash: bytes = field(repr=False)
    former_hash: bytes | None = field(repr=False)
    rotated_at: datetime
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    ends_at: datetime
    """However often it is used."""
    seen_at: datetime | None = None
    """When the browser first came with this secret."""

    def judge(self, secret: str, now: datetime) -> Verdict:
        """What a secret of this series says."""
        given = secret_hash(secret)
        if hmac.compare_digest(given, self.secret_hash):
            return "good"
        if self.former_hash is None or not hmac.compare_digest(given, self.former_hash):
            return "stolen"
        if now - self.rotated_at <= DOUBLED:
            return "doubled"
        return "late" if self.seen_at is None else "stolen"

    def seen(self, now: datetime) -> Remembered:
        """The browser has this secret: the former one is not believed any more."""
        return replace(self, seen_at=now)

    def rotated(self, secret: str, now: datetime, *, late: bool = False) -> Remembered:
        """The same series with its next secret, after a quick sign-in; `late`: by the former one."""
        return replace(
            self,
            secret_hash=secret_hash(secret),
            former_hash=self.former_hash if late else self.secret_hash,
            rotated_at=now,
            seen_at=None,
            last_used_at=now,
            expires_at=min(now + SLIDING, self.ends_at),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberedBrowser:
    """What a person sees of one in their list."""

    series: UUID
    device_id: UUID
    label: str
    """The device's, "Chrome · Windows"."""
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime


class RememberedStorage(Protocol):
    """Where remembered browsers are kept."""

    async def remember(self, tx: Transaction, remembered: Remembered) -> None:
        """Keep a browser in the place of what was remembered for the same person on the same device."""

    async def find(self, tx: Transaction, series: UUID, now: datetime) -> Remembered | None:
        """One that may still be used, to look at."""

    async def claim(self, tx: Transaction, series: UUID, now: datetime) -> Remembered | None:
        """One that may still be used, locked against its rotation and its end."""

    async def rotate(self, tx: Transaction, remembered: Remembered) -> None:
        """Keep what changed in a claimed one: its next secret, or that the browser has it."""

    async def forget(self, tx: Transaction, user_id: UUID, series: UUID) -> bool:
        """Forget one of a person's. False: there is none."""

    async def forget_person(self, tx: Transaction, user_id: UUID) -> int:
        """Forget all of a person's. Returns how many."""


def new_remembered(series: UUID, user_id: UUID, device_id: UUID, secret: str, now: datetime) -> Remembered:
    """A browser whose person wants it to be remembered from now on."""
    return Remembered(
        series=series,
        user_id=user_id,
        device_id=device_id,
        secret_hash=secret_hash(secret),
        former_hash=None,
        rotated_at=now,
        created_at=now,
        last_used_at=now,
        expires_at=now + SLIDING,
        ends_at=now + ABSOLUTE,
        seen_at=None,
    )


def secret_hash(secret: str) -> bytes:
    """What is kept of a secret: 256 bits of chance, so one plain SHA-256 serves."""
    return hashlib.sha256(b"munjigi-remembered\0" + secret.encode("utf-8", "surrogatepass")).digest()


def cookie_value(series: UUID, secret: str) -> str:
    """What the browser keeps."""
    return f"{base64.urlsafe_b64encode(series.bytes).rstrip(b'=').decode()}.{secret}"


def read_cookie(value: str | None) -> tuple[UUID, str] | None:
    """Series and secret of a cookie's value; `None` for one that we did not make."""
    if value is None or len(value) != 22 + 1 + 43 or not value.isascii():
        return None
    series, _, secret = value.partition(".")
    try:
        return UUID(bytes=base64.urlsafe_b64decode(series + "==")), secret
    except ValueError:
        return None

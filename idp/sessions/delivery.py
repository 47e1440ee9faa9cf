"""What is to be delivered of an end, to whom, and what an answer means: pure.

A delivery is a row of the transaction of the end. It is settled once: `delivered`, or `dead` when nobody can hope any
more. Until then it is tried again, each time after twice the wait.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal
from uuid import UUID

import msgspec

MOST_ATTEMPTS = 14
"""Tries until a delivery is dead: with the waits between them, about two hours and a half."""
FIRST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(minutes=30)
KEPT = timedelta(days=7)
"""So long deliveries are kept, settled or not: a dead one can be looked at, a paused stream goes on."""

SUCCESS = range(200, 300)
MAYBE_LATER = frozenset({404, 408, 425, 429, *range(500, 600)})
"""Answers of a machine that is not well or not there yet. Any other one means that it will not take this, ever
(OpenID Connect Back-Channel Logout 1.0, section 2.5; RFC 8935, section 2.3)."""

Outcome = Literal["delivered", "dead"]
Verdict = Literal["delivered", "again", "dead"]


class _Refusal(msgspec.Struct):
    err: str


_CODE: Final = re.compile("[a-z][a-z_]{1,31}")


class Happening(StrEnum):
    """What a delivery tells of."""

    SESSION_ENDED = "session_ended"
    CREDENTIAL_CHANGED = "credential_changed"
    DEVICE_COMPLIANCE_CHANGED = "device_compliance_changed"
    VERIFICATION = "verification"
    """A receiver asked whether its stream works."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """A relying party of the session (`stream_id` None), or one stream of a subscriber."""

    client_id: str
    stream_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One thing to tell one recipient."""

    id: UUID
    recipient: Recipient
    facts: Mapping[str, str]
    """`happening`, and what it needs: of an end `sid`, `sub`, `org`, `reason`; of a verification `state`; of the
    others what `idp.sessions.signals.changes` writes."""
    happened_at: datetime
    attempts: int = 0
    """How often it was tried, this time included."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that is this worker's until its lease ends, and where it goes."""

    delivery: Delivery
    address: str | None
    """None: the client takes no such thing any more."""
    sealed_authorization: bytes | None = None
    """The `Authorization` header that the receiver of a stream wants to see, sealed."""
    sector: tuple[str, ...] | None = None
    """The addresses that name its sector, where the client knows people and sessions by identifiers of that alone."""
    vouched: bool = False
    """Whoever runs the house registered the client: its address may be anywhere. Of others it must be public."""


def judge(status: int | None, attempts: int) -> Verdict:
    """What an answer means for a delivery that was tried so often; None: there was none that could be read."""
    if status is not None and status in SUCCESS:
        return "delivered"
    if (status is None or status in MAYBE_LATER) and attempts < MOST_ATTEMPTS:
        return "again"
    return "dead"


def refusal_code(body: bytes) -> str:
    """The `err` of a refusal (RFC 8935, section 2.4). Nothing else of a body is kept: it may say a token back."""
    try:
        said = msgspec.json.decode(body, type=_Refusal).err
    except msgspec.DecodeError:
        return ""
    return said if _CODE.fullmatch(said) else ""


def wait(attempts: int, chance: float) -> timedelta:
    """How long to wait after so many tries: twice as long each time, half of it left to `chance` (0 to 1)."""
    doublings = min(attempts - 1, 16)
    longest: timedelta = min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)
    return longest * (0.5 + chance / 2)

"""Two administrators let somebody begin anew who lost every factor: one asks, another agrees.

Whoever asks is shown a code, this once, to tell the person by phone; it works once another administrator agreed. So
neither of them gets into the account alone: whoever asked has a code that does nothing yet, whoever agrees has none.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol
from uuid import UUID

from config.connections import Transaction
from config.entropy import Entropy

DIGITS = 20
"""Decimal digits of a code, in groups of four: 66 bits, which can be said on the phone in any language."""
ASKED_FOR = timedelta(hours=72)
"""So long somebody may agree."""
CODE_FOR = timedelta(hours=24)
"""So long after that the code works."""
LINK_FOR = timedelta(minutes=30)
"""So long the page that the code opens."""

ResetState = Literal["asked", "approved", "refused", "used", "stopped", "lapsed"]
_BLANKS = re.compile(r"[\s-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistedReset:
    """One reset, and how far it is."""

    id: UUID
    user_id: UUID
    state: ResetState
    why: str
    asked_by: UUID
    asked_at: datetime
    decided_by: UUID | None = None
    decided_why: str = ""
    decided_at: datetime | None = None
    expires_at: datetime
    ended_at: datetime | None = None
    version: int = 1


class AssistedResets(Protocol):
    """Where they are kept, for the pages of the person."""

    async def approved_by_code(
        self, tx: Transaction, user_id: UUID, code_hash: bytes, now: datetime
    ) -> AssistedReset | None:
        """The person's, if two agreed, this is its code, and its time is not over."""

    async def open_of(self, tx: Transaction, user_id: UUID) -> AssistedReset | None:
        """The person's, asked or approved."""

    async def by_stop(self, tx: Transaction, stop_hash: bytes) -> AssistedReset | None:
        """The one that a link stops, if it is not over."""

    async def end(self, tx: Transaction, user_id: UUID, how: Literal["used", "stopped"], now: datetime) -> bool:
        """The person's is over. False: they have none."""


def new_code(entropy: Entropy) -> str:
    """A code as it is told: `4829 1307 5561 0934 7782`."""
    digits = entropy.digits(DIGITS)
    return " ".join(digits[at : at + 4] for at in range(0, DIGITS, 4))


def code_hash(user_id: UUID, typed: str) -> bytes | None:
    """What is kept of a code of this person, however it is typed; `None` for what cannot be one."""
    code = _BLANKS.sub("", typed[:64])
    if len(code) != DIGITS or not (code.isascii() and code.isdigit()):
        return None
    return hashlib.sha256(b"munjigi-assisted-reset\0" + user_id.bytes + code.encode()).digest()

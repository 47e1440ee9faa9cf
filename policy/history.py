"""Who did what to the policy, when and why, with the difference that it made: kept for good, and told to the audit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import msgspec

from audit import trail
from config.connections import Transaction


class Deed(StrEnum):
    """What may be done to a version: a closed vocabulary. The audit has each as `policy_…`."""

    DRAFTED = "drafted"
    EDITED = "edited"
    WITHDRAWN = "withdrawn"
    APPROVED = "approved"
    APPROVAL_WITHDRAWN = "approval_withdrawn"
    SHADOW_BEGAN = "shadow_began"
    SHADOW_ENDED = "shadow_ended"
    PUBLISHED = "published"
    ROLLED_BACK = "rolled_back"


class Act(msgspec.Struct, frozen=True):
    """Who does something to the policy, why and when."""

    who: str
    why: str
    at: datetime
    correlation_id: str
    sid: str = ""


class Entry(msgspec.Struct, frozen=True):
    """One line of the history."""

    at: datetime
    act: Deed
    version: int
    sha256: str
    """Of the content that it was done to, or that it left."""
    who: str
    why: str
    details: dict[str, object] = {}
    id: int = 0
    """Counts up; 0: it is not kept yet."""


class History(Protocol):
    """Where it is kept; `policy.storage.releases` is it. Nothing is ever changed there, nor taken away."""

    async def note(self, tx: Transaction, entry: Entry) -> None:
        """Add one line."""

    async def entries(self, tx: Transaction, *, before: int, limit: int) -> Sequence[Entry]:
        """Lines whose id is below a number, the newest first."""


async def tell(
    history: History, tx: Transaction, deed: Deed, number: int, sha256: str, act: Act, **details: object
) -> None:
    """Keep what was done, and put it on record, within the transaction that does it."""
    await history.note(tx, Entry(act.at, deed, number, sha256, act.who, act.why, details))
    await trail.record(
        tx,
        trail.AuditEvent(
            kind=trail.Kind(f"policy_{deed}"),
            correlation_id=act.correlation_id,
            actor=act.who,
            subject=f"policy:{number}",
            sid=act.sid,
            details={"version": number, "sha256": sha256, "why": act.why, **details},
        ),
    )

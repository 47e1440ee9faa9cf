"""Exceptions: a phase demands nothing of one person until a date, for a reason, by somebody's decision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

LONGEST: Final = timedelta(days=366)
"""An exception that nobody looks at again is a hole: it ends, and may be given anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseException:
    """One."""

    id: UUID
    phase_id: UUID
    user_id: UUID
    until: datetime
    why: str
    who: str
    """Who gave it."""
    granted_at: datetime
    withdrawn_at: datetime | None = None
    withdrawn_by: str | None = None

    def holds(self, now: datetime) -> bool:
        """Whether it counts."""
        return self.withdrawn_at is None and now < self.until


def is_allowed(until: datetime, now: datetime) -> bool:
    """Whether an exception may end then."""
    return now < until <= now + LONGEST

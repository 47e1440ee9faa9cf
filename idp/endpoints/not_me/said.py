"""What is said by "this wasn't me": whose account it is about, and who was there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from idp.sessions.session import Session


@dataclass(frozen=True, slots=True)
class Said:
    """Whose account it is about, and who was there."""

    user_id: UUID
    sid: str | None
    told: Mapping[str, str]
    at: datetime | None
    own: bool = False
    """It is the session of this very browser, which lives: who was there is known from the page that led here."""


def of_session(session: Session) -> Said:
    """Of a session that somebody took over, it is about who did; of any other one, about who has it."""
    if session.ended_by is not None:
        return Said(session.user_id, session.sid, session.ended_by, session.ended_at)
    return Said(session.user_id, session.sid, session.visitor.told(), session.created_at)


def moment(at: str | None) -> datetime | None:
    """The moment of what was told; None where it is not known."""
    try:
        found = datetime.fromisoformat(at) if at else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None

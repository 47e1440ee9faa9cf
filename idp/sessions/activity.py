"""Activity on its way from the gateways into the sessions: held so that small steps are written together (S6).

An entry of the stream is acknowledged only once its moment is in PostgreSQL or can change nothing there: whoever takes
over from a worker that died is handed the rest again, and the same moment twice moves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

ASK_AGAIN = timedelta(seconds=5)
"""How long a step that was too small to write is left alone."""


@dataclass(slots=True)
class Held:
    """The latest activity of one session, and the entries that told of it."""

    at: datetime
    since: datetime
    not_before: datetime
    entries: list[str] = field(default_factory=list)


class HeldActivity:
    """What was read from the stream and is not written yet."""

    def __init__(self) -> None:
        self._held: dict[str, Held] = {}

    def __len__(self) -> int:
        return len(self._held)

    def take(self, entry: str, fields: Mapping[str, str], now: datetime) -> bool:
        """Hold one entry of the stream. False for one that is not of our making: it can only be acknowledged."""
        try:
            sid = fields["sid"]
            at = datetime.fromtimestamp(int(fields["at"]) / 1000, UTC)
        except (KeyError, ValueError, OverflowError, OSError):
            return False
        held = self._held.setdefault(sid, Held(at=at, since=now, not_before=now))
        held.at = max(held.at, at)
        held.entries.append(entry)
        return True

    def due(self, now: datetime, limit: int) -> list[tuple[str, Held]]:
        """Sessions to write now, in the one order in which sessions are locked: by their ids."""
        due = [(sid, held) for sid, held in self._held.items() if held.not_before <= now]
        return sorted(due, key=lambda pair: pair[0])[:limit]

    def waits(self, sid: str, now: datetime) -> None:
        """A step was too small yet."""
        self._held[sid].not_before = now + ASK_AGAIN

    def done(self, sids: Iterable[str]) -> list[str]:
        """Forget sessions that were written. Returns the entries to acknowledge."""
        return [entry for sid in sids for entry in self._held.pop(sid).entries]

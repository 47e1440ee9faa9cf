"""Open pages that wait to hear of their session."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from gateway.session_pages.told import Attempt
from gateway.sessions.near_cache import EndedSession

RECENT = 60.0
"""Seconds for which an attempt is told to a page that comes only then: its person may be between two pages."""
SESSIONS = 1000
"""With attempts of late; the ones heard of longest ago go first."""
ATTEMPTS = 8
"""Of one session."""


@dataclass(slots=True)
class Listener:
    """One open page."""

    news: asyncio.Event = field(default_factory=asyncio.Event)
    attempts: deque[Attempt] = field(default_factory=lambda: deque(maxlen=ATTEMPTS))
    """Not told yet."""


class SessionWatch:
    """Wakes whoever waits for news of a session."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[Listener]] = {}
        self._attempts: OrderedDict[str, deque[Attempt]] = OrderedDict()
        self.closing = False
        """The process is about to end; streams end, and browsers come back to another."""

    def ended(self, session: EndedSession) -> None:
        """A session ended."""
        self._attempts.pop(session.sid, None)
        self.changed(session.sid)

    def changed(self, sid: str) -> None:
        """Something of a session changed."""
        for listener in self._waiting.get(sid, ()):
            listener.news.set()

    def attempted(self, payload: Mapping[str, object]) -> None:
        """A sign-in met a live session and left it as it is (topic `attempt`). Raises `msgspec.ValidationError`."""
        attempt = msgspec.convert(payload, Attempt)
        self._attempts.setdefault(attempt.sid, deque(maxlen=ATTEMPTS)).append(attempt)
        self._attempts.move_to_end(attempt.sid)
        while len(self._attempts) > SESSIONS:
            self._attempts.popitem(last=False)
        for listener in self._waiting.get(attempt.sid, ()):
            listener.attempts.append(attempt)
            listener.news.set()

    def close(self) -> None:
        """Let all of them go."""
        self.closing = True
        for sid in tuple(self._waiting):
            self.changed(sid)

    def join(self, sid: str, now: float) -> Listener:
        """Begin to listen; every change sets `news`. Give it back with `leave`."""
        listener = Listener()
        listener.attempts.extend(one for one in self._attempts.get(sid, ()) if now - one.at < RECENT)
        self._waiting.setdefault(sid, []).append(listener)
        return listener

    def leave(self, sid: str, listener: Listener) -> None:
        """Listen no more."""
        waiting = [other for other in self._waiting.get(sid, ()) if other is not listener]
        if waiting:
            self._waiting[sid] = waiting
        else:
            self._waiting.pop(sid, None)

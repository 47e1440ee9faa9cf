"""Open pages that wait to hear of their session."""

from __future__ import annotations

import asyncio

from gateway.sessions.near_cache import EndedSession


class SessionWatch:
    """Wakes whoever waits for news of a session."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self.closing = False
        """The process is about to end; streams end, and browsers come back to another."""

    def ended(self, session: EndedSession) -> None:
        """A session ended."""
        self.changed(session.sid)

    def changed(self, sid: str) -> None:
        """Something of a session changed."""
        for event in self._waiting.get(sid, ()):
            event.set()

    def close(self) -> None:
        """Let all of them go."""
        self.closing = True
        for sid in tuple(self._waiting):
            self.changed(sid)

    def join(self, sid: str) -> asyncio.Event:
        """Begin to listen; every change sets the event. Give it back with `leave`."""
        event = asyncio.Event()
        self._waiting.setdefault(sid, set()).add(event)
        return event

    def leave(self, sid: str, event: asyncio.Event) -> None:
        """Listen no more."""
        waiting = self._waiting.get(sid)
        if waiting is not None:
            waiting.discard(event)
            if not waiting:
                del self._waiting[sid]

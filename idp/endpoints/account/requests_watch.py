"""Open pages of accounts that wait to hear of requests behind their person's back: in the memory of one process."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

MOST = 4
"""Pages of one person that listen at once; others show what is new when they are loaded again."""


class RequestsWatch:
    """Wakes whoever waits for news of a person; what the news is they look up."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[asyncio.Event]] = {}
        self.closing = False
        """The process is about to end; streams end, and browsers come back to another."""

    def on_event(self, topic: str, payload: Mapping[str, object]) -> None:
        """A request was made, answered or is over; or a session ended, and with it what its pages may be told."""
        if topic == "request" or (topic == "session" and payload.get("state") == "ended"):
            self._wake(str(payload.get("sub")))

    def on_reset(self) -> None:
        """Something may have been missed."""
        for person in tuple(self._waiting):
            self._wake(person)

    def close(self) -> None:
        """Let all of them go."""
        self.closing = True
        self.on_reset()

    def join(self, person: str) -> asyncio.Event | None:
        """Begin to listen; the event is set at every news. Give it back with `leave`. None: enough pages do."""
        others = self._waiting.get(person, [])
        if self.closing or len(others) >= MOST:
            return None
        news = asyncio.Event()
        self._waiting[person] = [*others, news]
        return news

    def leave(self, person: str, news: asyncio.Event) -> None:
        """Listen no more."""
        others = [other for other in self._waiting.get(person, ()) if other is not news]
        if others:
            self._waiting[person] = others
        else:
            self._waiting.pop(person, None)

    def _wake(self, person: str) -> None:
        for news in self._waiting.get(person, ()):
            news.set()

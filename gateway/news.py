"""Where each pushed event goes. Whatever cannot be understood is treated as missed: the caches start anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
import structlog

from gateway.sessions.session_check import SessionCheck

_log = structlog.get_logger(__name__)


class _KeysChanged(msgspec.Struct, frozen=True):
    purpose: str
    published: frozenset[str]


class News:
    """The callbacks of `events.subscription.Subscription`."""

    def __init__(
        self,
        *,
        sessions: SessionCheck,
        policy_changed: Callable[[], None],
        overlay_changed: Callable[[], None],
        keys_changed: Callable[[str, frozenset[str]], None],
        resources_changed: Callable[[], None],
        attempted: Callable[[Mapping[str, object]], None],
    ) -> None:
        """`keys_changed` is told the purpose of the keys and those that verify now, or `*` and none where any may have
        changed; `attempted` of a login that met a live session and changed nothing."""
        self._sessions = sessions
        self._policy_changed = policy_changed
        self._overlay_changed = overlay_changed
        self._keys_changed = keys_changed
        self._resources_changed = resources_changed
        self._attempted = attempted

    def event(self, topic: str, payload: Mapping[str, object], /) -> None:
        """One event, in stream order."""
        try:
            if topic == "session":
                self._sessions.event(payload)
            elif topic == "policy":
                self._policy_changed()
            elif topic in ("elevation", "measure"):
                self._overlay_changed()
            elif topic == "key":
                told = msgspec.convert(payload, _KeysChanged)
                self._keys_changed(told.purpose, told.published)
            elif topic == "attempt":
                self._attempted(payload)
            elif topic == "resource":
                self._resources_changed()
        except (msgspec.ValidationError, ValueError, TypeError) as error:
            _log.error("event_unreadable", topic=topic, private=str(error))
            self.reset()

    def heartbeat(self, t: float) -> None:
        """Every end committed before `t` was told above this line."""
        self._sessions.heartbeat(t)

    def reset(self) -> None:
        """Something may have been missed."""
        self._sessions.reset()
        self._policy_changed()
        self._overlay_changed()
        self._keys_changed("*", frozenset())
        self._resources_changed()

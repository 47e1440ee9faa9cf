"""Exchanges that outlive their decision: websockets, event streams, long downloads. They obey too (S5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from gateway.callers.caller import Caller
from gateway.exchange import ClientCertificate, LiveConnection
from gateway.routes.route_table import Route

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the decision was about, so that it can be taken again."""

    caller: Caller | None
    route: Route
    method: bytes
    path: bytes
    address: str
    browser: str
    obligations: tuple[str, ...]
    reads: bool
    """It changes nothing, as far as its method says."""
    by_token: bool
    """A bearer token stands for it, which is not refreshed: the exchange ends with the token."""
    certificate: ClientCertificate | None = None

    @property
    def sid(self) -> str:
        """The session behind it; empty where there is none."""
        return "" if self.caller is None else self.caller.identity.sid


class LiveConnections:
    """All of this process, by session."""

    def __init__(self) -> None:
        self._standing: dict[LiveConnection, Standing] = {}
        self._of_session: dict[str, set[LiveConnection]] = {}

    def __len__(self) -> int:
        return len(self._standing)

    def opened(self, standing: Standing, connection: LiveConnection) -> None:
        """An exchange turned out to live on."""
        self._standing[connection] = standing
        self._of_session.setdefault(standing.sid, set()).add(connection)

    def closed(self, connection: LiveConnection) -> None:
        """It is over."""
        standing = self._standing.pop(connection, None)
        if standing is None:
            return
        connections = self._of_session[standing.sid]
        connections.discard(connection)
        if not connections:
            del self._of_session[standing.sid]

    def end_session(self, sid: str, reason: str) -> None:
        """End everything of one session at once."""
        for connection in tuple(self._of_session.get(sid, ())):
            self._end(connection, reason)

    def decide_again(self, judge: Callable[[Standing], str | None], sid: str | None = None) -> None:
        """Ask `judge` of each (of one session's, where `sid` is given) and end those that it gives a reason for."""
        chosen = self._standing if sid is None else self._of_session.get(sid, ())
        for connection in tuple(chosen):
            if (reason := judge(self._standing[connection])) is not None:
                self._end(connection, reason)

    def sessions(self) -> frozenset[str]:
        """Those that have any."""
        return frozenset(self._of_session)

    def _end(self, connection: LiveConnection, reason: str) -> None:
        self.closed(connection)
        try:
            connection.end(reason)
        except Exception:
            _log.exception("connection_not_ended", reason=reason)  # the others must end all the same

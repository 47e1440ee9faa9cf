"""Exchanges that outlive their decision: websockets, event streams, long downloads. They obey too (S5)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

import structlog

from gateway.callers.caller import Caller
from gateway.exchange import ClientCertificate, LiveConnection
from gateway.routes.route_table import Route
from policy.request import Elevated

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
    elevations: tuple[Elevated, ...] = ()
    """Roles for a time that the upstream was told of when it began."""

    @property
    def sid(self) -> str:
        """The session behind it; empty where there is none."""
        return "" if self.caller is None else self.caller.identity.sid


class By(Enum):
    """What live connections are found by."""

    SESSION = "session"
    USER = "user"
    """`sub`: a person's, or a program's."""
    DEVICE = "device"
    ORGANISATION = "organisation"
    ZONE = "zone"


@dataclass(slots=True)
class _Entry:
    standing: Standing
    keys: tuple[str, ...]
    """One for each `By`, empty where it has none. A session's person, device and organisation are its own for good."""
    version: int
    """Of the policy that it was decided by last."""


class LiveConnections:
    """All of this process, by session, user, device, organisation and zone, each with its policy version."""

    def __init__(self) -> None:
        self.ended: Counter[str] = Counter()
        """How many were ended here, by reason."""
        self._entries: dict[LiveConnection, _Entry] = {}
        self._found: dict[By, dict[str, set[LiveConnection]]] = {by: {} for by in By}

    def __len__(self) -> int:
        return len(self._entries)

    def opened(self, standing: Standing, connection: LiveConnection, version: int) -> None:
        """An exchange turned out to live on; `version`: of the policy that decides now."""
        keys = _keys(standing)
        self._entries[connection] = _Entry(standing, keys, version)
        for by, key in zip(By, keys, strict=True):
            if key:
                self._found[by].setdefault(key, set()).add(connection)

    def closed(self, connection: LiveConnection) -> None:
        """It is over."""
        entry = self._entries.pop(connection, None)
        if entry is None:
            return
        for by, key in zip(By, entry.keys, strict=True):
            if not key:
                continue
            connections = self._found[by][key]
            connections.discard(connection)
            if not connections:
                del self._found[by][key]

    def standing(self, connection: LiveConnection) -> Standing | None:
        """What one was decided about; None: it is over."""
        entry = self._entries.get(connection)
        return None if entry is None else entry.standing

    def decided(self, connection: LiveConnection, version: int) -> None:
        """It goes on, by this version of the policy."""
        if (entry := self._entries.get(connection)) is not None:
            entry.version = version

    def of(self, by: By, key: str) -> Collection[LiveConnection]:
        """Those of one session, user, device, organisation or zone, as they are now."""
        return tuple(self._found[by].get(key, ()))

    def all(self, first: Collection[str] = ()) -> Iterator[LiveConnection]:
        """Every one, those of the zones `first` before all others. Some may be over when their turn comes."""
        named = [connection for zone in first for connection in self.of(By.ZONE, zone)]
        yield from named
        before = set(named)
        yield from (connection for connection in tuple(self._entries) if connection not in before)

    def sessions(self) -> Collection[str]:
        """Those that have any, as they are now; not to be kept."""
        return self._found[By.SESSION].keys()

    def by_zone(self) -> dict[str, int]:
        """How many each zone has."""
        return {zone: len(connections) for zone, connections in self._found[By.ZONE].items()}

    def behind(self, version: int) -> int:
        """How many were decided last by another version of the policy than this one."""
        return sum(entry.version != version for entry in self._entries.values())

    def end_all(self, connections: Iterable[LiveConnection], reason: str) -> None:
        """End several at once."""
        for connection in connections:
            self.end(connection, reason)

    def end(self, connection: LiveConnection, reason: str) -> None:
        """End one; one that is over stays over."""
        if connection not in self._entries:
            return
        self.closed(connection)
        self.ended[reason] += 1
        try:
            connection.end(reason)
        except Exception:
            _log.exception("connection_not_ended", reason=reason)  # the others must end all the same


def _keys(standing: Standing) -> tuple[str, ...]:
    zone = standing.route.zone.name
    if standing.caller is None:
        return "", "", "", "", zone
    identity = standing.caller.identity
    return identity.sid, identity.subject.id, identity.device_id, identity.subject.organisation, zone

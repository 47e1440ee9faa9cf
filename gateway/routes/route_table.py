"""Host and path -> zone, upstream and what the way there demands. Loaded all or nothing, immutable, swapped at once."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Literal

import msgspec

SHIPPED = Path(__file__).parents[2] / "config" / "shipped" / "routes.toml"
OWN_PAGES = b"/.munjigi"
"""Where the gateway's own pages are, on every host; no route may stand under it."""

_ADDRESS = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?")
_PATH = re.compile(r"/|(/[A-Za-z0-9._~-]+)+")
_GRACE = re.compile(r"grace ([0-9]{1,6})")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class RouteTableError(Exception):
    """The table cannot be used; the message names the file and the entry."""


class Mode(StrEnum):
    """Which credentials a route takes: the browser's cookie, a bearer token, or either."""

    BROWSER = "browser"
    API = "api"
    BOTH = "both"


class StoreAway(StrEnum):
    """What a zone does without the lease on the near cache of sessions (S4)."""

    STRICT = "strict"
    GRACE = "grace"
    READ_ONLY = "read_only"


class Zone(msgspec.Struct, frozen=True, gc=False):
    """A named part of the services with demands of its own (P8)."""

    name: str
    store_away: StoreAway = StoreAway.STRICT
    grace: float = 0.0
    """Seconds past the lease for which the last known state is taken."""
    expired_tokens: float = 0.0
    """Seconds past its expiry for which a living session's token is taken while the identity provider is away (S9)."""


class Route(msgspec.Struct, frozen=True, gc=False):
    """One way through the door."""

    authority: str
    """Host and port as browsers name them, lower-case."""
    path: str
    zone: Zone
    upstream: str
    mode: Mode
    websocket: bool
    public: bool
    """Nobody need be signed in; policy decides all the same."""
    act: bool
    """A request here is a person's act and keeps the session awake (S6)."""

    @property
    def name(self) -> str:
        """How the log calls it."""
        return f"{self.authority}{self.path}"


class RouteTable:
    """All routes; `find` is on the warm path."""

    def __init__(
        self,
        routes: tuple[Route, ...],
        upstreams: Mapping[str, str],
        networks: tuple[tuple[Network, str], ...],
    ) -> None:
        """`upstreams`: the address of each, `unix:/path` or `host:port`; `networks`: narrowest first."""
        self.routes = routes
        self.upstreams = upstreams
        self.networks = networks
        self.authorities: dict[bytes, str] = {}
        hosts: dict[bytes, list[tuple[bytes, bytes, Route]]] = {}
        for route in routes:
            host = route.authority.partition(":")[0].encode()
            path = route.path.encode()
            hosts.setdefault(host, []).append((path, b"/" if path == b"/" else path + b"/", route))
            self.authorities[host] = route.authority
        self._hosts = {host: tuple(sorted(ways, key=_longest_first)) for host, ways in hosts.items()}

    def find(self, host: bytes, path: bytes) -> Route | None:
        """The route of the longest prefix, by whole segments; None where there is none."""
        for exact, prefix, route in self._hosts.get(host, ()):
            if path == exact or path.startswith(prefix):
                return route
        return None


def _longest_first(way: tuple[bytes, bytes, Route]) -> int:
    return -len(way[0])


class _ZoneEntry(msgspec.Struct, forbid_unknown_fields=True):
    store_away: str = "strict"
    expired_tokens: float = 0.0


class _UpstreamEntry(msgspec.Struct, forbid_unknown_fields=True):
    service: str | None = None
    socket: str | None = None
    address: str | None = None


class _RouteEntry(msgspec.Struct, forbid_unknown_fields=True):
    address: str
    path: str
    zone: str
    upstream: str
    mode: Literal["browser", "api", "both"] = "both"
    websocket: bool = False
    public: bool = False
    act: bool = False


class _File(msgspec.Struct, forbid_unknown_fields=True):
    routes: list[_RouteEntry]
    zones: dict[str, _ZoneEntry]
    upstreams: dict[str, _UpstreamEntry]
    networks: dict[str, list[str]] = {}


def load_route_table(path: Path, *, runtime: Path, port: int) -> RouteTable:
    """Read a table. `runtime` is the folder of the sockets of our own services; `port` stands for `{port}`.

    Raises `RouteTableError`; nothing of a table with one wrong entry is used.
    """
    try:
        file = msgspec.toml.decode(path.read_bytes(), type=_File)
        zones = {name: _zone(name, entry) for name, entry in file.zones.items()}
        upstreams = {name: _upstream(name, entry, runtime) for name, entry in file.upstreams.items()}
        networks = _networks(file.networks)
        routes = tuple(_route(entry, zones, upstreams, port) for entry in file.routes)
        _unambiguous(routes)
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        raise RouteTableError(f"{path}: {error}") from error
    return RouteTable(routes, upstreams, networks)


def _zone(name: str, entry: _ZoneEntry) -> Zone:
    if entry.expired_tokens < 0:
        raise ValueError(f"zones.{name}.expired_tokens: seconds, 0 or more")
    if grace := _GRACE.fullmatch(entry.store_away):
        return Zone(name, StoreAway.GRACE, float(grace[1]), entry.expired_tokens)
    if entry.store_away not in ("strict", "read_only"):
        raise ValueError(f'zones.{name}.store_away: "strict", "grace N" (seconds) or "read_only"')
    return Zone(name, StoreAway(entry.store_away), 0.0, entry.expired_tokens)


def _upstream(name: str, entry: _UpstreamEntry, runtime: Path) -> str:
    given = [value for value in (entry.service, entry.socket, entry.address) if value is not None]
    if len(given) != 1:
        raise ValueError(f"upstreams.{name}: exactly one of service, socket, address")
    if entry.service is not None:
        if not re.fullmatch(r"[a-z][a-z_]*", entry.service):
            raise ValueError(f"upstreams.{name}.service: the name of one of our services")
        return f"unix:{runtime / entry.service}.sock"
    if entry.socket is not None:
        if not entry.socket.startswith("/"):
            raise ValueError(f"upstreams.{name}.socket: an absolute path")
        return f"unix:{entry.socket}"
    address = entry.address or ""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"upstreams.{name}.address: host:port")
    return address


def _networks(entries: Mapping[str, list[str]]) -> tuple[tuple[Network, str], ...]:
    """Narrowest first."""
    named = [(ipaddress.ip_network(block), name) for name, blocks in entries.items() for block in blocks]
    return tuple(sorted(named, key=lambda pair: pair[0].max_prefixlen - pair[0].prefixlen))


def _route(entry: _RouteEntry, zones: Mapping[str, Zone], upstreams: Mapping[str, str], port: int) -> Route:
    address = entry.address.replace("{port}", str(port))
    where = f"routes {entry.address}{entry.path}"
    if not _ADDRESS.fullmatch(address):
        raise ValueError(f"{where}: address is a lower-case host, with its port where browsers name one")
    segments = entry.path.split("/")
    if not _PATH.fullmatch(entry.path) or "." in segments or ".." in segments:
        raise ValueError(f"{where}: path is canonical, starts with / and ends without one")
    if segments[1] == OWN_PAGES.decode().strip("/"):
        raise ValueError(f"{where}: {OWN_PAGES.decode()} belongs to the gateway's own pages")
    if entry.zone not in zones:
        raise ValueError(f"{where}: there is no zone {entry.zone!r}")
    if entry.upstream not in upstreams:
        raise ValueError(f"{where}: there is no upstream {entry.upstream!r}")
    return Route(
        authority=address,
        path=entry.path,
        zone=zones[entry.zone],
        upstream=entry.upstream,
        mode=Mode(entry.mode),
        websocket=entry.websocket,
        public=entry.public,
        act=entry.act,
    )


def _unambiguous(routes: tuple[Route, ...]) -> None:
    seen: set[tuple[str, str]] = set()
    ports: dict[str, str] = {}
    for route in routes:
        host = route.authority.partition(":")[0]
        if (host, route.path) in seen:
            raise ValueError(f"routes {route.name}: stands twice")
        seen.add((host, route.path))
        if ports.setdefault(host, route.authority) != route.authority:
            raise ValueError(f"routes {route.name}: one host, two ports")

"""The route table as it stands in its file: read and checked, all or nothing."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from gateway.routes.route_table import (
    OWN_PAGES,
    Demand,
    Mode,
    Network,
    Route,
    RouteTable,
    StoreAway,
    Warn,
    WarnBy,
    Zone,
)

SHIPPED = Path(__file__).parents[2] / "config" / "shipped" / "routes.toml"

_ADDRESS = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?")
_PATH = re.compile(r"/|(/[A-Za-z0-9._~-]+)+")
_PATTERN = re.compile(r"/|(/(\*|[A-Za-z0-9._~-]+))+")
_GRACE = re.compile(r"grace ([0-9]{1,6})")
_WARN = re.compile(r"(before|after_idle) ([0-9]{1,6})")
_LEAST_AGE = 10
"""Seconds: the way back from the identity provider takes a moment, too."""


class RouteTableError(Exception):
    """The table cannot be used; the message names the file and the entry."""


class _ZoneEntry(msgspec.Struct, forbid_unknown_fields=True):
    store_away: str = "strict"
    expired_tokens: float = 0.0
    warn: str | None = None
    dpop_nonce_required: bool = False


class _DemandEntry(msgspec.Struct, forbid_unknown_fields=True):
    methods: list[Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]]
    path: str | None = None
    acr: int = 1
    max_age: int | None = None


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
    step_up: _DemandEntry | list[_DemandEntry] = []
    session_script: bool = False


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
    grace = _GRACE.fullmatch(entry.store_away)
    if grace is None and entry.store_away not in ("strict", "read_only"):
        raise ValueError(f'zones.{name}.store_away: "strict", "grace N" (seconds) or "read_only"')
    return Zone(
        name,
        store_away=StoreAway.GRACE if grace is not None else StoreAway(entry.store_away),
        grace=float(grace[1]) if grace is not None else 0.0,
        expired_tokens=entry.expired_tokens,
        warn=_warn(name, entry.warn),
        dpop_nonce_required=entry.dpop_nonce_required,
    )


def _warn(zone: str, entry: str | None) -> Warn | None:
    if entry is None:
        return None
    found = _WARN.fullmatch(entry)
    if found is None or int(found[2]) == 0:
        raise ValueError(f'zones.{zone}.warn: "before N" or "after_idle N", N seconds, more than 0')
    return Warn(WarnBy(found[1]), float(found[2]))


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
    step_up = entry.step_up if isinstance(entry.step_up, list) else [entry.step_up]
    return Route(
        authority=address,
        path=entry.path,
        zone=zones[entry.zone],
        upstream=entry.upstream,
        mode=Mode(entry.mode),
        websocket=entry.websocket,
        public=entry.public,
        act=entry.act,
        step_up=tuple(_demand(where, entry.path, demand) for demand in step_up),
        session_script=entry.session_script,
    )


def _demand(where: str, route: str, entry: _DemandEntry) -> Demand:
    path = route if entry.path is None else entry.path
    if not _PATTERN.fullmatch(path) or not (route == "/" or path == route or path.startswith(f"{route}/")):
        raise ValueError(f"{where}: step_up.path is a path on this route; a * stands for one segment")
    if not entry.methods:
        raise ValueError(f"{where}: step_up.methods names one at least")
    if entry.acr not in (1, 2):
        raise ValueError(f"{where}: step_up.acr is 1 (one factor) or 2 (two factors, or a passkey)")
    if entry.max_age is not None and entry.max_age < _LEAST_AGE:
        raise ValueError(f"{where}: step_up.max_age: {_LEAST_AGE} seconds or more, or nobody could go on")
    return Demand(tuple(entry.methods), path, entry.acr, entry.max_age)


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

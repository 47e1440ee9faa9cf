"""The route table as it stands in its file: read and checked, all or nothing."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path

import msgspec

from gateway.routes.route_entry import RouteEntry, read_route
from gateway.routes.route_table import Network, Route, RouteTable
from gateway.routes.upstream_entry import read_upstream
from gateway.routes.zone_entry import ZoneEntry, read_zone

SHIPPED = Path(__file__).parents[2] / "config" / "shipped" / "routes.toml"


class RouteTableError(Exception):
    """The table cannot be used; the message names the file and the entry."""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    routes: list[RouteEntry]
    zones: dict[str, ZoneEntry]
    upstreams: dict[str, dict[str, object]]
    """Read one by one, so that what is wrong bears the name of its entry."""
    networks: dict[str, list[str]] = {}


def load_route_table(path: Path, *, runtime: Path, port: int) -> RouteTable:
    """Read a table. `runtime` is the folder of the sockets of our own services; `port` stands for `{port}`.

    Raises `RouteTableError`; nothing of a table with one wrong entry is used.
    """
    try:
        file = msgspec.toml.decode(path.read_bytes(), type=_File)
        zones = {name: read_zone(name, entry) for name, entry in file.zones.items()}
        upstreams = {name: read_upstream(name, entry, runtime) for name, entry in file.upstreams.items()}
        networks = _networks(file.networks)
        routes = tuple(read_route(entry, zones, upstreams, port) for entry in file.routes)
        _unambiguous(routes)
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        raise RouteTableError(f"{path}: {error}") from error
    return RouteTable(routes, upstreams, networks)


def _networks(entries: Mapping[str, list[str]]) -> tuple[tuple[Network, str], ...]:
    """Narrowest first."""
    named = [(ipaddress.ip_network(block), name) for name, blocks in entries.items() for block in blocks]
    return tuple(sorted(named, key=lambda pair: pair[0].max_prefixlen - pair[0].prefixlen))


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

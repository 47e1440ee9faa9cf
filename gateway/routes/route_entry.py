"""A route as it stands in the file of routes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

import msgspec
from msgspec.structs import replace

from gateway.limits.overload import Priority
from gateway.limits.rate import Per
from gateway.routes.rate_entry import RateEntry, read_rates
from gateway.routes.route_table import OWN_PAGES, Demand, Mode, Route, Zone
from gateway.routes.scope_entry import ScopeEntry, read_scopes
from gateway.routes.upstream import Upstream

_ADDRESS = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?")
_PATH = re.compile(r"/|(/[A-Za-z0-9._~-]+)+")
_PATTERN = re.compile(r"/|(/(\*|[A-Za-z0-9._~-]+))+")
_SIZE = re.compile(r"([0-9]{1,6}) (KiB|MiB|GiB)")
_UNITS = ("B", "KiB", "MiB", "GiB")
_LEAST_AGE = 10
"""Seconds: the way back from the identity provider takes a moment, too."""


class DemandEntry(msgspec.Struct, forbid_unknown_fields=True):
    """`step_up` of a route."""

    methods: list[Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]]
    path: str | None = None
    acr: int = 1
    max_age: int | None = None


class RouteEntry(msgspec.Struct, forbid_unknown_fields=True):
    """`[[routes]]`."""

    address: str
    path: str
    zone: str
    upstream: str
    mode: Literal["browser", "api", "both"] = "both"
    websocket: bool = False
    public: bool = False
    act: bool = False
    step_up: DemandEntry | list[DemandEntry] = []
    session_script: bool = False
    rates: list[RateEntry] = []
    priority: Literal["low", "normal", "high"] = "normal"
    body: str | None = None
    scopes: list[str | ScopeEntry] = []


def read_route(entry: RouteEntry, zones: Mapping[str, Zone], upstreams: Mapping[str, Upstream], port: int) -> Route:
    """The route that an entry means; `port` stands for `{port}`. Raises `ValueError`, naming the entry."""
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
    scope = f"route {address}{entry.path}"
    shared = (replace(rate, scope=scope) if rate.per is Per.ROUTE else rate for rate in zones[entry.zone].rates)
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
        rates=(*shared, *read_rates(where, entry.rates, scope)),
        priority=Priority(entry.priority),
        told=upstreams[entry.upstream].told,
        body=None if entry.body is None else _size(where, entry.body),
        scopes=(*zones[entry.zone].scopes, *read_scopes(where, entry.scopes)),
    )


def _size(where: str, entry: str) -> int:
    found = _SIZE.fullmatch(entry)
    if found is None:
        raise ValueError(f'{where}: body is a size such as "512 KiB", "100 MiB" or "4 GiB"')
    return int(found[1]) << (10 * _UNITS.index(found[2]))


def _demand(where: str, route: str, entry: DemandEntry) -> Demand:
    path = route if entry.path is None else entry.path
    if not _PATTERN.fullmatch(path) or not (route == "/" or path == route or path.startswith(f"{route}/")):
        raise ValueError(f"{where}: step_up.path is a path on this route; a * stands for one segment")
    if not entry.methods:
        raise ValueError(f"{where}: step_up.methods names one at least")
    if entry.acr not in (1, 2, 3):
        words = "1 (one factor), 2 (two factors, or a passkey) or 3 (a passkey that stays in its device)"
        raise ValueError(f"{where}: step_up.acr is {words}")
    if entry.max_age is not None and entry.max_age < _LEAST_AGE:
        raise ValueError(f"{where}: step_up.max_age: {_LEAST_AGE} seconds or more, or nobody could go on")
    return Demand(tuple(entry.methods), path, entry.acr, entry.max_age)

"""Host and path -> zone, upstream and what the way there demands. Immutable, swapped at once."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

import msgspec

from gateway.inbound.header_hygiene import plain_name
from gateway.limits.overload import Priority
from gateway.limits.rate import Rate
from gateway.routes.upstream import Upstream
from gateway.vouching.told import AS_EVER, Claim, Told

OWN_PAGES = b"/.munjigi"
"""Where the gateway's own pages are, on every host; no route may stand under it."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


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


class WarnBy(StrEnum):
    """From when on an open page warns that the session is about to end (S6)."""

    BEFORE = "before"
    """So many seconds before the end."""
    AFTER_IDLE = "after_idle"
    """After so many seconds without an act of the person."""


class Warn(msgspec.Struct, frozen=True, gc=False):
    """When the pages of a zone warn."""

    by: WarnBy
    seconds: float


class Demand(msgspec.Struct, frozen=True, gc=False):
    """What a route demands of the sign-in behind some of its requests, beyond what policy does (RFC 9470)."""

    methods: tuple[str, ...]
    path: str
    """A `*` stands for one whole segment; whatever is below the last one is meant, too."""
    assurance: int
    """1: one factor; 2: two factors or a passkey."""
    max_age: int | None = None
    """Seconds since the person last proved who they are, at most."""

    def covers(self, method: str, path: str) -> bool:
        """Whether a request is one of those. `path` is canonical."""
        if method not in self.methods:
            return False
        wanted, given = self.path.split("/"), path.split("/")
        if self.path == "/":
            return True
        return len(given) >= len(wanted) and all(want in ("*", have) for want, have in zip(wanted, given, strict=False))


class ScopeDemand(msgspec.Struct, frozen=True, gc=False):
    """A scope that access tokens must have."""

    scope: str
    methods: tuple[str, ...] = ()
    """Of requests by these; none named: of every request."""


class Zone(msgspec.Struct, frozen=True, gc=False):
    """A named part of the services with demands of its own (P8)."""

    name: str
    store_away: StoreAway = StoreAway.STRICT
    grace: float = 0.0
    """Seconds past the lease for which the last known state is taken."""
    expired_tokens: float = 0.0
    """Seconds past its expiry for which a living session's token is taken while the identity provider is away (S9)."""
    warn: Warn | None = None
    """None: as the settings say."""
    dpop_nonce_required: bool = False
    """A proof of a token's key must repeat a nonce of this gateway's (RFC 9449, section 9)."""
    rates: tuple[Rate, ...] = ()
    """Those that all its routes share; of one per route each route has its own."""
    scopes: tuple[ScopeDemand, ...] = ()
    """What access tokens must be for at all its routes."""


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
    step_up: tuple[Demand, ...] = ()
    session_script: bool = False
    """Its pages get the script that tells their person of the session (`gateway.injection`)."""
    rates: tuple[Rate, ...] = ()
    """Its zone's, too."""
    priority: Priority = Priority.NORMAL
    """The lowest are shed first when there is more than can be done."""
    told: Told = AS_EVER
    """What its upstream is told of who asks."""
    body: int | None = None
    """Bytes of a request's body at most; None: as the settings say."""
    scopes: tuple[ScopeDemand, ...] = ()
    """What access tokens must be for; its zone's, too."""

    @property
    def name(self) -> str:
        """How the log calls it."""
        return f"{self.authority}{self.path}"


class RouteTable:
    """All routes; `find` is on the warm path."""

    def __init__(
        self,
        routes: tuple[Route, ...],
        upstreams: Mapping[str, Upstream],
        networks: tuple[tuple[Network, str], ...],
    ) -> None:
        """`networks`: narrowest first."""
        self.routes = routes
        self.upstreams = upstreams
        self.networks = networks
        asked = [header for upstream in upstreams.values() for header in upstream.told.headers]
        self.identity_names = frozenset(plain_name(name) for name, _ in asked)
        """The fields by which some upstream is told who asks, as the sloppiest reader takes them: clients send none."""
        self.wants_email = any(claim is Claim.EMAIL for _, claim in asked)
        self.authorities: dict[bytes, str] = {}
        hosts: dict[bytes, list[tuple[bytes, bytes, Route]]] = {}
        for route in routes:
            host = route.authority.partition(":")[0].encode()
            path = route.path.encode()
            hosts.setdefault(host, []).append((path, b"/" if path == b"/" else path + b"/", route))
            self.authorities[host] = route.authority
        self._hosts = {host: tuple(sorted(ways, key=_longest_first)) for host, ways in hosts.items()}

    @property
    def files(self) -> tuple[Path, ...]:
        """What it was made of besides its own file, each once."""
        return tuple(dict.fromkeys(file for upstream in self.upstreams.values() for file in upstream.files))

    def find(self, host: bytes, path: bytes) -> Route | None:
        """The route of the longest prefix, by whole segments; None where there is none."""
        for exact, prefix, route in self._hosts.get(host, ()):
            if path == exact or path.startswith(prefix):
                return route
        return None


def _longest_first(way: tuple[bytes, bytes, Route]) -> int:
    return -len(way[0])

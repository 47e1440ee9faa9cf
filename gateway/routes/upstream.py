"""A service behind the gateway, as the route table knows it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from gateway.routes.upstream_tls import UpstreamTls
from gateway.vouching.told import AS_EVER, Told


class Ejection(msgspec.Struct, frozen=True, gc=False):
    """When a target that fails gets no more requests, and for how long. Times in seconds."""

    failures: int = 3
    """In a row."""
    rest: float = 1.0
    """The first time; each further time doubles it for a target that is reached and fails."""
    longest: float = 60.0


class Check(msgspec.Struct, frozen=True, gc=False):
    """What is asked of each target beside the way. Times in seconds."""

    path: str
    host: str | None = None
    """What its Host field says; None: the target's own address."""
    interval: float = 5.0
    timeout: float = 2.0
    status: int = 200
    failures: int = 2
    """In a row, before the target gets no more requests; one good answer and it gets them again."""


class Bounds(msgspec.Struct, frozen=True, gc=False):
    """What of `gateway.proxy.limits` an upstream has otherwise; None: as everywhere. Times in seconds."""

    connect: float | None = None
    first_byte: float | None = None
    idle: float | None = None
    """Between two pieces of an answer."""
    total: float | None = None
    """From the decision to the last byte of the answer."""
    keep_alive: float | None = None
    """How long an unused connection is kept."""
    connections: int | None = None
    """To each target at once."""
    waiting: int | None = None
    """Requests that wait for a connection."""


class Upstream(msgspec.Struct, frozen=True, gc=False):
    """Where requests go on to, and how. Two that are equal need no other connections."""

    name: str
    address: str
    """Its first target: `unix:/path` or `host:port`."""
    more: tuple[str, ...] = ()
    """Its other targets."""
    tls: UpstreamTls | None = None
    check: Check | None = None
    ejection: Ejection = Ejection()
    bounds: Bounds = Bounds()
    told: Told = AS_EVER

    @property
    def targets(self) -> tuple[str, ...]:
        """All of them."""
        return (self.address, *self.more)

    @property
    def files(self) -> tuple[Path, ...]:
        """What a change of makes it another one, besides its entry."""
        return () if self.tls is None else self.tls.files

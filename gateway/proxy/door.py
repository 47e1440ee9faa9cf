"""What all connections of one gateway share."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from config.client_address import ClientAddresses
from config.entropy import Entropy
from gateway.exchange import Pipeline
from gateway.inbound.canonical_path import CanonicalTargets
from gateway.inbound.header_hygiene import RequestNames
from gateway.limits.connections import PerAddress
from gateway.limits.limiting import Limiting
from gateway.proxy.limits import Limits
from gateway.proxy.pool import Pools
from gateway.proxy.turns import Turns
from gateway.proxy.watch import Watch
from gateway.routes.upstream import Upstream
from gateway.telemetry.telemetry import Telemetry

_HOST = re.compile(rb"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])\.?(?::[0-9]{1,5})?")


class HostNames:
    """Host fields and the names in them, remembered within bounds."""

    def __init__(self, capacity: int = 1024) -> None:
        self._capacity = capacity
        self._known: dict[bytes, bytes] = {}

    def name(self, host: bytes) -> bytes | None:
        """The lower-case name without port and final dot; None: not `host[:port]` (RFC 9110, section 7.2)."""
        known = self._known.get(host)
        if known is None:
            match = _HOST.fullmatch(host)
            if match is None:
                return None
            known = match["name"].lower()
            if len(self._known) < self._capacity and len(host) <= 255:
                self._known[host] = known
        return known


def correlation_ids(entropy: Entropy) -> Callable[[], str]:
    """Ids that no other process gives: a random beginning and a count. They name requests and are not secret."""
    beginning = entropy.token(9)
    count = 0

    def next_id() -> str:
        nonlocal count
        count += 1
        return f"{beginning}-{count:x}"

    return next_id


@dataclass(slots=True)
class Door:
    """Everything that a connection needs besides its socket."""

    pipeline: Pipeline
    own_pages: Any
    """The ASGI application of the gateway's own pages."""
    pools: Pools
    """Replaced as a whole on a hot reload, by `use_upstreams`."""
    entropy: Entropy
    watch: Watch
    limits: Limits = field(default_factory=Limits)
    addresses: ClientAddresses = field(default_factory=ClientAddresses)
    scheme: str = "http"
    """What clients speak to reach this gateway, TLS ended here or before."""
    certificates: bool = False
    """Whether trusted proxies say by which certificate a client came (`Client-Cert`, RFC 9440)."""
    telemetry: Telemetry = field(default_factory=Telemetry)
    targets: CanonicalTargets = field(default_factory=CanonicalTargets)
    names: RequestNames = field(default_factory=RequestNames)
    hosts: HostNames = field(default_factory=HostNames)
    next_correlation_id: Callable[[], str] = field(init=False)
    clients: int = 0
    """Client connections that stand."""
    per_address: PerAddress = field(default_factory=PerAddress)
    """How many of them one address holds."""
    turns: Turns = field(default_factory=Turns)
    limiting: Limiting | None = None
    """Turns requests away before they are read while there is too much to do."""
    slow_clients: int = 0
    """Connections given up because their client was too slow."""
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    """Pipelines that are waiting for something."""

    def use_upstreams(self, upstreams: Iterable[Upstream]) -> None:
        """Take those of another table; exchanges under way keep the connection they have."""
        self.pools = self.pools.followed_by(upstreams)

    def __post_init__(self) -> None:
        self.next_correlation_id = correlation_ids(self.entropy)
        if self.limiting is not None:
            self.limiting.queue_waited = lambda: self.turns.waited
            self.turns.patience = self.limiting.patience

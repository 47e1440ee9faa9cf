"""What all connections of the proxies in front share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from config.client_address import UNKNOWN, ClientAddresses
from gateway.proxy.door import Door


class Drained(Protocol):
    """A connection that can be brought to its end."""

    def drain(self) -> None:
        """Close once what was asked is answered."""

    def cut(self) -> None:
        """Close now."""


@dataclass(slots=True)
class Doors:
    """The gateway's own door, and who may ask instead of walking through it."""

    door: Door
    peers: ClientAddresses | None
    """Networks; None: who asks comes by a unix socket, whose file says who may."""
    authority: Callable[[bytes], str | None]
    """Host and port as browsers name them, of a host in the route table."""
    connections: set[Drained] = field(default_factory=set)
    nobody: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by whoever leaves last."""

    def left(self, connection: Drained) -> None:
        """It is closed."""
        self.connections.discard(connection)
        if not self.connections:
            self.nobody.set()

    def is_peer(self, address: str) -> bool:
        """Whether a proxy at that address is answered."""
        return self.peers is None or self.peers.trusts(address)

    def client(self, forwarded_for: Iterable[bytes]) -> str:
        """The client's address: the last entry of X-Forwarded-For is the asking proxy's word; what stands before it
        counts where that is one of `gateway.trusted_proxies`. Empty: it said none."""
        hops = b",".join(forwarded_for).split(b",")
        last = hops.pop().decode("latin-1")
        addresses = self.door.addresses
        client = addresses.peer(last)
        if client == UNKNOWN or not addresses.trusts(last):
            return client
        return addresses.forwarded(last, [b",".join(hops)] if hops else ())

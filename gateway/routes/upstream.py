"""A service behind the gateway, as the route table knows it."""

from __future__ import annotations

import msgspec

from gateway.vouching.told import AS_EVER, Told


class Upstream(msgspec.Struct, frozen=True, gc=False):
    """Where requests go on to, and how."""

    name: str
    address: str
    """`unix:/path` or `host:port`."""
    told: Told = AS_EVER

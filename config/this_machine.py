"""Whether a host is this very machine."""

from __future__ import annotations

import ipaddress

LOOPBACK = "127.0.0.1"


def is_this_machine(host: str) -> bool:
    """A loopback address, or a name under `localhost` (RFC 6761, section 6.3), whether the resolver knows it or not."""
    if is_localhost(host):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_localhost(name: str) -> bool:
    """A name under `localhost`."""
    return name == "localhost" or name.endswith(".localhost")

"""Whose an address is, for what is counted per address: one IPv6 subscriber has a whole network of them."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

UNKNOWN = "unknown"


@lru_cache(maxsize=8192)
def subscriber(address: str) -> str:
    """One IPv4 address, or the /64 that one IPv6 subscriber has (RFC 6177, section 2); `unknown` for anything else."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return UNKNOWN
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    return str(ipaddress.ip_network((parsed, 64), strict=False))

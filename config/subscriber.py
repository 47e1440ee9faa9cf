"""Whose an address is, for what is counted or listed per address: one IPv6 subscriber has a whole network of them."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
UNKNOWN = "unknown"
BITS_OF_ONE = {4: 32, 6: 64}
"""Bits of the network that one subscriber has, by version of IP (RFC 6177, section 2)."""


@lru_cache(maxsize=8192)
def subscriber_network(address: str) -> Network | None:
    """One IPv4 address, or the /64 that one IPv6 subscriber has; an IPv4-mapped address is the IPv4 address (RFC 4291,
    section 2.5.5.2). None: it is no address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return ipaddress.ip_network((parsed, BITS_OF_ONE[parsed.version]), strict=False)


@lru_cache(maxsize=8192)
def subscriber(address: str, otherwise: str = UNKNOWN) -> str:
    """The same as a word to count by: `192.0.2.1`, `2001:db8::/64`; `otherwise` for what is no address."""
    network = subscriber_network(address)
    if network is None:
        return otherwise
    return str(network.network_address) if network.version == 4 else str(network)

"""Where a request comes from.

`X-Forwarded-For` is believed only as far as it was written by named peers, nobody by default, and it is read from the
right: the first address that no trusted proxy owns is the client's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
UNKNOWN = ""
"""The address of a peer that has none, such as one on a unix socket."""


@lru_cache(maxsize=4096)
def normal_address(text: str) -> Address | None:
    """An address without zone id, port or brackets; None: not one.

    An IPv4-mapped one is given as IPv4 (RFC 4291, section 2.5.5.2).
    """
    text = text.strip(" \t")
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


@lru_cache(maxsize=4096)
def normal_text(text: str) -> str | None:
    """The same, written as PostgreSQL has it."""
    address = normal_address(text)
    return str(address) if address is not None else None


class ClientAddresses:
    """Tells a client's address from the connection's peer and, where that is trusted, from what it forwards."""

    def __init__(self, trusted_proxies: Iterable[str] = ()) -> None:
        """`trusted_proxies` are networks in CIDR form; raises ValueError naming one that is not."""
        self._trusted: tuple[IPv4Network | IPv6Network, ...] = tuple(ip_network(text) for text in trusted_proxies)

    def trusts(self, peer: str) -> bool:
        """Whether that peer's X-Forwarded-For is believed."""
        if not self._trusted:
            return False
        address = normal_address(peer)
        return address is not None and self._is_trusted(address)

    def peer(self, peer: str) -> str:
        """The normal form of the connection's own address."""
        address = normal_address(peer)
        return UNKNOWN if address is None else str(address)

    def forwarded(self, peer: str, forwarded_for: Sequence[bytes]) -> str:
        """The client's address behind a trusted `peer`; `forwarded_for` are its X-Forwarded-For lines in order.

        What is malformed ends the walk: the last address that is vouched for stands.
        """
        client = normal_address(peer)
        hops = b",".join(forwarded_for).decode("latin-1").split(",") if forwarded_for else []
        while hops and client is not None and self._is_trusted(client):
            before = normal_address(hops.pop())
            if before is None:
                break
            client = before
        return UNKNOWN if client is None else str(client)

    def _is_trusted(self, address: Address) -> bool:
        return any(address.version == network.version and address in network for network in self._trusted)

"""Where requests to an upstream may go. An organisation's administrator names it, so it is a stranger's address.

`https` alone, and public addresses alone; this very machine (also by `http`) where the house itself is on it, and the
networks that the operator names.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from idp.protocol.redirect_uri import is_registrable

LONGEST = 512
"""Characters of an address."""
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
"""IPv4 behind a translator (RFC 6052, section 2.1)."""


@dataclass(frozen=True, slots=True)
class Targets:
    """What the operator allows."""

    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()
    """Networks that are not public, and are reached all the same."""
    this_machine: bool = False

    @classmethod
    def of(cls, issuer: str, networks: Sequence[str]) -> Targets:
        """For a house of this issuer; `networks` as the setting has them. Raises `ValueError`."""
        host = urlsplit(issuer).hostname or ""
        return cls(tuple(ipaddress.ip_network(one) for one in networks), this_machine=_is_this_machine(host))

    def allows_uri(self, uri: str) -> bool:
        """Whether an address may be asked, or a browser be sent there, as far as it can be told by looking at it."""
        if len(uri) > LONGEST or not is_registrable(uri):
            return False
        return urlsplit(uri).scheme == "https" or self.this_machine

    def allows_address(self, address: IPAddress) -> bool:
        """Whether the host that a name led to may be connected to."""
        real = _real(address)
        if real.is_loopback:
            return self.this_machine
        if any(real in network for network in self.networks if network.version == real.version):
            return True
        return real.is_global and not real.is_multicast


def _real(address: IPAddress) -> IPAddress:
    """The IPv4 address that an IPv6 one stands for, if it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _TRANSLATED:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)


def _is_this_machine(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
